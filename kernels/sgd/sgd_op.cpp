#include "kernels/sgd/sgd.h"

#include <fmt/format.h>

#include "kernels/sgd/segments.h"

namespace cairn {

void expect_flat_buffers(const OpTypes& t, int flats, std::string_view op) {
  const Shape& p = t.shape(0);
  expect(p.rank() == 1, op, fmt::format("parameters {} must be flat", to_string(p)));
  for (int i = 1; i < flats; ++i)
    expect(t.shape(i) == p, op,
           fmt::format("buffer {} is {}, but the parameters are {}", i, to_string(t.shape(i)),
                       to_string(p)));
  const Shape &begins = t.shape(flats), &multipliers = t.shape(flats + 1);
  expect(begins.rank() == 1 && begins[0] >= 2, op, "begins must hold at least one segment");
  expect(multipliers == Shape{begins[0] - 1, 2}, op,
         fmt::format("multipliers {} must be ({}, 2)", to_string(multipliers), begins[0] - 1));
}

namespace {

void infer(const OpTypes& t) {
  expect_flat_buffers(t, 3, t.op);
  expect(!t.attrs.flag(sgd_attr::nesterov) || t.attrs.real(sgd_attr::momentum) > 0, t.op,
         "nesterov needs a momentum above 0");
}

Cost cost(const OpTypes& t) { return {t.in_elements(0) * 6 * sizeof(float), t.in_elements(0) * 6}; }

constexpr InputDef kInputs[] = {{"parameters", Layout::plain, Use::mutated},
                                {"gradients", Layout::plain, Use::mutated},
                                {"momentum", Layout::plain, Use::mutated},
                                {"begins", Layout::plain, Use::read, DType::i64},
                                {"multipliers", Layout::plain}};
constexpr AttrDef kAttrs[] = {{.name = "momentum", .type = AttrType::real, .max = 1},
                              {.name = "weight_decay", .type = AttrType::real, .max = 1e6},
                              {.name = "nesterov", .type = AttrType::flag, .max = 1}};

// Golden values: tests/oracle/optimizers.py.
constexpr double kP[] = {0.4010755, -0.802151, 1.604302, -0.7711048125, 1.103628375};
constexpr double kG[] = {0.75, -1.5, 3, 0.375, 6}, kNewG[] = {0, 0, 0, 0, 0};
constexpr double kM[] = {0.734245, -1.46849, 2.93698, 0.31959625, 5.8824325};
constexpr double kNewP[] = {0.2595923745, -0.519184749, 1.038369498, -0.80307998653125,
                            0.5372634699375};
constexpr double kNewM[] = {1.414831255, -2.82966251, 5.65932502, 0.639503480625, 11.32729810125};
constexpr double kNesterovP[] = {0.335037055, -0.67007411, 1.34014822, -0.785473498125,
                                 0.83918118375};
constexpr double kNesterovM[] = {0.7340155, -1.468031, 2.936062, 0.319457875, 5.87967175};
constexpr double kNesterovNewP[] = {0.1324452290955, -0.264890458191, 0.529780916382,
                                    -0.831797942592844, 0.0286628115013125};
constexpr double kNesterovNewM[] = {1.41396432055, -2.8279286411, 5.6558572822, 0.63894788255625,
                                    11.3168800105125};
constexpr double kBegins[] = {0, 3, 5}, kMultipliers[] = {1, 1, 0.5, 3};
constexpr double kManyBegins[] = {0, 7, 7, 300, 40000}, kFewBegins[] = {0, 1, 18, 33};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "momentum=0.9 weight_decay=0.01",
     .inputs = {{{.shape = {5}, .values = kP},
                 {.shape = {5}, .values = kG},
                 {.shape = {5}, .values = kM},
                 {.shape = {3}, .values = kBegins},
                 {.shape = {2, 2}, .values = kMultipliers}}},
     .expect = {kNewP, kNewG, kNewM},
     .step = {.step = 3, .lr = 0.1}},
    {.name = "segments",
     .attrs = "momentum=0.9 weight_decay=0.0005",
     .inputs = {{{.shape = {40000}},
                 {.shape = {40000}},
                 {.shape = {40000}},
                 {.shape = {5}, .values = kManyBegins},
                 {.shape = {4, 2}, .fill = Fill::unit}}},
     .step = {.step = 3, .lr = 0.1},
     .bench = true},
    {.name = "plain",
     .inputs = {{{.shape = {33}},
                 {.shape = {33}},
                 {.shape = {33}},
                 {.shape = {4}, .values = kFewBegins},
                 {.shape = {3, 2}, .fill = Fill::unit}}},
     .step = {.step = 1, .lr = 0.1}},
    {.name = "nesterov",
     .attrs = "momentum=0.9 weight_decay=0.01 nesterov=1",
     .inputs = {{{.shape = {5}, .values = kNesterovP},
                 {.shape = {5}, .values = kG},
                 {.shape = {5}, .values = kNesterovM},
                 {.shape = {3}, .values = kBegins},
                 {.shape = {2, 2}, .values = kMultipliers}}},
     .expect = {kNesterovNewP, kNewG, kNesterovNewM},
     .step = {.step = 3, .lr = 0.1}},
    {.name = "nesterov_without_momentum",
     .attrs = "nesterov=1",
     .inputs =
         {{{.shape = {4}}, {.shape = {4}}, {.shape = {4}}, {.shape = {2}}, {.shape = {1, 2}}}},
     .error = "nesterov needs a momentum above 0"},
    {.name = "sizes",
     .inputs =
         {{{.shape = {4}}, {.shape = {4}}, {.shape = {5}}, {.shape = {2}}, {.shape = {1, 2}}}},
     .error = "buffer 2 is (5)"},
    {.name = "table",
     .inputs =
         {{{.shape = {4}}, {.shape = {4}}, {.shape = {4}}, {.shape = {2}}, {.shape = {2, 2}}}},
     .error = "must be (1, 2)"},
    {.name = "momentum_above_one",
     .attrs = "momentum=1.5",
     .error = "momentum=1.5 is out of range"},
};

constexpr OpDef kOps[] = {checked({.name = "sgd",
                                   .inputs = kInputs,
                                   .outputs = none,
                                   .attrs = kAttrs,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {sgd_ref<float>, sgd_ref<double>},
                                   .cpu = sgd_cpu,
                                   .cuda = cuda_twin(sgd_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> sgd_ops;
constinit const std::span<const OpDef> sgd_ops{kOps};

}  // namespace cairn
