#include "kernels/adam/adam.h"
#include "kernels/sgd/segments.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect_flat_buffers(t, 4, t.op);
  expect(t.attrs.real(adam_attr::beta1) < 1 && t.attrs.real(adam_attr::beta2) < 1, t.op,
         "beta1 and beta2 must be below 1");
}

Cost cost(const OpTypes& t) {
  return {t.in_elements(0) * 8 * sizeof(float), t.in_elements(0) * 12};
}

constexpr InputDef kInputs[] = {{"parameters", Layout::plain, Use::mutated},
                                {"gradients", Layout::plain, Use::mutated},
                                {"first_moment", Layout::plain, Use::mutated},
                                {"second_moment", Layout::plain, Use::mutated},
                                {"begins", Layout::plain, Use::read, DType::i64},
                                {"multipliers", Layout::plain}};
constexpr AttrDef kAttrs[] = {{.name = "beta1", .type = AttrType::real, .initial = 0.9, .max = 1},
                              {.name = "beta2", .type = AttrType::real, .initial = 0.999, .max = 1},
                              {.name = "eps", .type = AttrType::real, .initial = 1e-8, .max = 1},
                              {.name = "weight_decay", .type = AttrType::real, .max = 1e6},
                              {.name = "decoupled", .type = AttrType::flag, .max = 1}};

// Golden values: tests/oracle/optimizers.py.
constexpr double kP[] = {0.30335622201479, -0.803366691068567, 1.80337192516357, -0.847719998018687,
                         1.40168022066872};
constexpr double kG[] = {0.75, -1.5, 3, 0.375, 6};
constexpr double kM[] = {0.0733500000039215, -0.146800000001961, 0.29370000000098,
                         0.0318250000146341, 0.588400000000733};
constexpr double kV[] = {0.00031897597503953, 0.00127792090003957, 0.00511572060003959,
                         6.15717438161464e-05, 0.0205277352250593};
constexpr double kNewP[] = {0.207432649791411, -0.707453279269014, 1.70746358876665,
                            -0.895114987633271, 1.35372034378747};
constexpr double kNewG[] = {0, 0, 0, 0, 0};
constexpr double kNewM[] = {0.141318356225544, -0.282923366692833, 0.566133371926046,
                            0.0635993400191147, 1.13376504066267};
constexpr double kNewV[] = {0.000885716544894456, 0.00355080851967562, 0.0142191324099794,
                            0.000183708238392447, 0.057013580605972};
constexpr double kWP[] = {0.302582303855195, -0.801582800636509, 1.79958379902717,
                          -0.845935782355716, 1.39731927411112};
constexpr double kWM[] = {0.0725, -0.145, 0.29, 0.03625, 0.58};
constexpr double kWV[] = {0.0003124375, 0.00124975, 0.004999, 7.81093750000001e-05, 0.019996};
constexpr double kNewWP[] = {0.20647960091488, -0.704981096312729, 1.70198409326165,
                             -0.89256693811373, 1.34732323410588};
constexpr double kNewWM[] = {0.14025, -0.2805, 0.561, 0.070125, 1.122};
constexpr double kNewWV[] = {0.000874625062500001, 0.00349850025, 0.013994001, 0.000218656265625,
                             0.0559760040000001};
constexpr double kBegins[] = {0, 3, 5}, kMultipliers[] = {1, 1, 0.5, 3};
constexpr double kManyBegins[] = {0, 7, 300, 40000}, kFewBegins[] = {0, 1, 18, 33};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "weight_decay=0.01",
     .inputs = {{{.shape = {5}, .values = kP},
                 {.shape = {5}, .values = kG},
                 {.shape = {5}, .values = kM},
                 {.shape = {5}, .values = kV},
                 {.shape = {3}, .values = kBegins},
                 {.shape = {2, 2}, .values = kMultipliers}}},
     .expect = {kNewP, kNewG, kNewM, kNewV},
     .step = {.step = 3, .lr = 0.1}},
    {.name = "adamw",
     .attrs = "weight_decay=0.01 decoupled=1",
     .inputs = {{{.shape = {5}, .values = kWP},
                 {.shape = {5}, .values = kG},
                 {.shape = {5}, .values = kWM},
                 {.shape = {5}, .values = kWV},
                 {.shape = {3}, .values = kBegins},
                 {.shape = {2, 2}, .values = kMultipliers}}},
     .expect = {kNewWP, kNewG, kNewWM, kNewWV},
     .step = {.step = 3, .lr = 0.1}},
    {.name = "segments",
     .inputs = {{{.shape = {40000}},
                 {.shape = {40000}},
                 {.shape = {40000}},
                 {.shape = {40000}, .fill = Fill::unit},
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
    {.name = "sizes",
     .inputs = {{{.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {5}},
                 {.shape = {2}},
                 {.shape = {1, 2}}}},
     .error = "buffer 3 is (5)"},
    {.name = "no_segments",
     .inputs = {{{.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {1}},
                 {.shape = {0, 2}}}},
     .error = "at least one segment"},
    {.name = "beta_of_one",
     .attrs = "beta2=1",
     .inputs = {{{.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {4}},
                 {.shape = {2}},
                 {.shape = {1, 2}}}},
     .error = "must be below 1"},
    {.name = "beta_above_one", .attrs = "beta1=2", .error = "beta1=2 is out of range"},
};

constexpr OpDef kOps[] = {checked({.name = "adam",
                                   .inputs = kInputs,
                                   .outputs = none,
                                   .attrs = kAttrs,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {adam_ref<float>, adam_ref<double>},
                                   .cpu = adam_cpu,
                                   .cuda = cuda_twin(adam_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> adam_ops;
constinit const std::span<const OpDef> adam_ops{kOps};

}  // namespace cairn
