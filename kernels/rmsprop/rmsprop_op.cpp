#include "kernels/rmsprop/rmsprop.h"

#include "kernels/sgd/segments.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect_flat_buffers(t, 4, t.op);
  expect(t.attrs.real(rmsprop_attr::alpha) < 1, t.op, "alpha must be below 1");
}

Cost cost(const OpTypes& t) {
  return {t.in_elements(0) * 8 * sizeof(float), t.in_elements(0) * 11};
}

constexpr InputDef kInputs[] = {
    {"parameters", Layout::plain, Use::mutated},      {"gradients", Layout::plain, Use::mutated},
    {"mean_square", Layout::plain, Use::mutated},     {"momentum", Layout::plain, Use::mutated},
    {"begins", Layout::plain, Use::read, DType::i64}, {"multipliers", Layout::plain}};
constexpr AttrDef kAttrs[] = {{.name = "alpha", .type = AttrType::real, .initial = 0.99, .max = 1},
                              {.name = "eps", .type = AttrType::real, .initial = 1e-8, .max = 1},
                              {.name = "momentum", .type = AttrType::real, .max = 1},
                              {.name = "weight_decay", .type = AttrType::real, .max = 1e6}};

// Golden values: tests/oracle/optimizers.py.
constexpr double kG[] = {0.75, -1.5, 3, 0.375, 6}, kNewG[] = {0, 0, 0, 0, 0};
constexpr double kP[] = {-1.38990767215747, 0.891756003467289, 0.107336249525213, -1.70077226486835,
                         0.553664781563155};
constexpr double kV[] = {0.00309399753882352, 0.0125749900392157, 0.0507009600394118,
                         0.000555574437195064, 0.20381104755912};
constexpr double kNewP[] = {-2.1891912660607, 1.69241277540135, -0.693995253169734,
                            -2.10579021761577, 0.153009102924863};
constexpr double kNewV[] = {0.00848150325594879, 0.0346825085665531, 0.140258363709803,
                            0.00159962856990024, 0.56376888919937};
constexpr double kMomentumP[] = {-0.385690331987707, -0.114141035960783, 1.11405720279789,
                                 -1.19532500254303, 1.05705042257338};
constexpr double kMomentumV[] = {0.0310363599956828, 0.12478121995213, 0.500399439864838,
                                 0.00590761211489054, 2.00874957611866};
constexpr double kMomentumM[] = {5.6946260518655, -5.69631217630221, 5.6971504098919,
                                 5.74422336630171, 5.69671393726384};
constexpr double kMomentumNewP[] = {-1.15625689369173, 0.656866680680097, 0.342830596575522,
                                    -1.58456941121062, 0.671466139461619};
constexpr double kMomentumNewV[] = {0.0836056760684548, 0.33764565134656, 1.35705625032965,
                                    0.0168184618152331, 5.44602899572306};
constexpr double kMomentumNewM[] = {7.70566561704024, -7.71007716640879, 7.71226606222372,
                                    7.78488817335171, 7.71168566223514};
constexpr double kBegins[] = {0, 3, 5}, kMultipliers[] = {1, 1, 0.5, 3};
constexpr double kManyBegins[] = {0, 7, 300, 40000}, kFewBegins[] = {0, 1, 18, 33};

constexpr Case bad_buffers(std::string_view name, int64_t momentum, const Shape& multipliers,
                           std::string_view error) {
  return {.name = name,
          .inputs = {{{.shape = {4}},
                      {.shape = {4}},
                      {.shape = {4}},
                      {.shape = {momentum}},
                      {.shape = {2}},
                      {.shape = multipliers}}},
          .error = error};
}

constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "weight_decay=0.01",
     .inputs = {{{.shape = {5}, .values = kP},
                 {.shape = {5}, .values = kG},
                 {.shape = {5}, .values = kV},
                 {.shape = {5}, .fill = Fill::zeros},
                 {.shape = {3}, .values = kBegins},
                 {.shape = {2, 2}, .values = kMultipliers}}},
     .expect = {kNewP, kNewG, kNewV},
     .step = {.step = 3, .lr = 0.1}},
    {.name = "momentum",
     .attrs = "alpha=0.9 momentum=0.9 weight_decay=0.01",
     .inputs = {{{.shape = {5}, .values = kMomentumP},
                 {.shape = {5}, .values = kG},
                 {.shape = {5}, .values = kMomentumV},
                 {.shape = {5}, .values = kMomentumM},
                 {.shape = {3}, .values = kBegins},
                 {.shape = {2, 2}, .values = kMultipliers}}},
     .expect = {kMomentumNewP, kNewG, kMomentumNewV, kMomentumNewM},
     .step = {.step = 3, .lr = 0.1}},
    {.name = "segments",
     .inputs = {{{.shape = {40000}},
                 {.shape = {40000}},
                 {.shape = {40000}, .fill = Fill::unit},
                 {.shape = {40000}},
                 {.shape = {4}, .values = kManyBegins},
                 {.shape = {3, 2}, .fill = Fill::unit}}},
     .step = {.step = 5, .lr = 0.001},
     .bench = true},
    {.name = "first_step",
     .attrs = "weight_decay=0.1",
     .inputs = {{{.shape = {33}},
                 {.shape = {33}},
                 {.shape = {33}, .fill = Fill::zeros},
                 {.shape = {33}, .fill = Fill::zeros},
                 {.shape = {4}, .values = kFewBegins},
                 {.shape = {3, 2}, .fill = Fill::unit}}},
     .step = {.step = 1, .lr = 0.001}},
    bad_buffers("sizes", 5, {1, 2}, "buffer 3 is (5)"),
    bad_buffers("table", 4, {2, 2}, "must be (1, 2)"),
    {.name = "alpha_of_one",
     .attrs = "alpha=1",
     .inputs = {{{.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {2}},
                 {.shape = {1, 2}}}},
     .error = "alpha must be below 1"},
    {.name = "alpha_above_one", .attrs = "alpha=2", .error = "alpha=2 is out of range"},
};

constexpr OpDef kOps[] = {checked({.name = "rmsprop",
                                   .inputs = kInputs,
                                   .outputs = none,
                                   .attrs = kAttrs,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {rmsprop_ref<float>, rmsprop_ref<double>},
                                   .cpu = rmsprop_cpu,
                                   .cuda = cuda_twin(rmsprop_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> rmsprop_ops;
constinit const std::span<const OpDef> rmsprop_ops{kOps};

}  // namespace cairn
