#include "kernels/softmax/softmax.h"

#include <limits>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const int axis = example_axis(t.op, t.in[0], t.attrs.integer(softmax_attr::dim));
  expect(t.shape(0)[axis] >= 1, t.op,
         fmt::format("axis dim={} of {} has no elements", t.attrs.integer(softmax_attr::dim),
                     to_string(t.in[0])));
  t.set_out(0, t.shape(0));
}

void infer_grad(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         fmt::format("y is {}, but dy is {}", to_string(t.in[0]), to_string(t.in[1])));
  infer(t);
}

void gradient(GradientRule& rule) {
  rule.set(0, rule.emit(fmt::format("{}_grad", rule.op_name()), {rule.out(0), rule.dout(0)},
                        rule.attrs()));
}

// Comparison, difference, exponential, sum and division or difference for each element.
Cost cost(const OpTypes& t) { return stream_cost(t, 18); }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 4); }
Cost cost_log_grad(const OpTypes& t) { return stream_cost(t, 17); }

constexpr double kMaxDim = kMaxRank;
constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"y", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};
constexpr AttrDef kAttrs[] = {{.name = "dim", .initial = -1, .min = -kMaxDim - 1, .max = kMaxDim}};

// Golden values: tests/oracle/softmax.py.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = 0x1p-133;  // denormal in float32
constexpr double kX[] = {1, -2, 0.5, 0.25, 3, -1, 2, 2, -0.5, 0, -3, 1.5};
constexpr double kDy[] = {0.5, -1, 2, 1.5, -0.25, 4, 0, 1, -2, 0.75, 3, -0.5};
constexpr double kSpecialX[] = {kNan,  1,     2,     kInf, 1,     2,   -kInf, 1, 2,
                                -kInf, -kInf, -kInf, 1000, -1000, 999, -0.0,  0, kTiny};
constexpr double kSoftmaxMiddleY[] = {0.111165622302421,  0.0757230548512835,  0.0674253582324529,
                                      0.718440341151065,  0.821409019465126,   0.205836603997652,
                                      0.918422966764203,  0.574096992967695,   0.0753887479629967,
                                      0.0776955791485706, 0.00618828527280004, 0.348207427883735};
constexpr double kSoftmaxMiddleDx[] = {0.0572412607499353, -0.213939125675473, 0.13585661699412,
                                       -0.233697056592731, -0.193097877744056, 0.447636182268204,
                                       0.121427125171344,  0.311008455504621,  -0.1408101505234,
                                       0.0226665226275567, 0.0193830253520559, -0.333674978132177};
constexpr double kSoftmaxLastY[] = {0.952574126822433,
                                    0.0474258731775668,
                                    0.562176500885798,
                                    0.437823499114202,
                                    0.982013790037908,
                                    0.0179862099620916,
                                    0.5,
                                    0.5,
                                    0.377540668798145,
                                    0.622459331201855,
                                    0.0109869426305932,
                                    0.989013057369407};
constexpr double kSoftmaxLastDx[] = {0.0677649895963682,
                                     -0.0677649895963682,
                                     0.123067041368799,
                                     -0.123067041368799,
                                     -0.0750665014064872,
                                     0.0750665014064872,
                                     -0.25,
                                     0.25,
                                     -0.646260208554385,
                                     0.646260208554385,
                                     0.0380318040277883,
                                     -0.0380318040277883};
constexpr double kSoftmaxSpecialY[] = {kNan,
                                       kNan,
                                       kNan,
                                       kNan,
                                       kNan,
                                       kNan,
                                       0,
                                       0.268941421369995,
                                       0.731058578630005,
                                       kNan,
                                       kNan,
                                       kNan,
                                       0.731058578630005,
                                       0,
                                       0.268941421369995,
                                       0.333333333333333,
                                       0.333333333333333,
                                       0.333333333333333};
constexpr double kLogSoftmaxMiddleY[] = {
    -2.19673409691962,  -2.58067260940722, -2.69673409691962,   -0.330672609407224,
    -0.196734096919617, -1.58067260940722, -0.0850972463643099, -0.554956919641991,
    -2.58509724636431,  -2.55495691964199, -5.08509724636431,   -1.05495691964199};
constexpr double kLogSoftmaxMiddleDx[] = {
    0.249877349819552, -1.34075374683078, 1.84829294397698,   -1.73298153517979,
    -2.09817029379653, 3.07373528201057,  -0.918422966764203, 0.282378758790382,
    -2.075388747963,   0.652880526064287, 2.9938117147272,    -0.935259284854669};
constexpr double kLogSoftmaxLastY[] = {
    -0.048587351573742,  -3.04858735157374,  -0.575939419878844, -0.825939419878844,
    -0.0181499279178098, -4.01814992791781,  -0.693147180559945, -0.693147180559945,
    -0.974076984180107,  -0.474076984180107, -4.51104774484859,  -0.0110477448485938};
constexpr double kLogSoftmaxLastDx[] = {0.976287063411217,
                                        -0.976287063411217,
                                        0.0323822468997068,
                                        -0.0323822468997066,
                                        -3.93255171264216,
                                        3.93255171264216,
                                        -0.5,
                                        0.5,
                                        -1.52807416400232,
                                        1.52807416400232,
                                        2.97253264342352,
                                        -2.97253264342352};
constexpr double kLogSoftmaxSpecialY[] = {kNan,
                                          kNan,
                                          kNan,
                                          kNan,
                                          kNan,
                                          kNan,
                                          -kInf,
                                          -1.31326168751822,
                                          -0.313261687518223,
                                          kNan,
                                          kNan,
                                          kNan,
                                          -0.313261687518223,
                                          -2000.31326168752,
                                          -1.31326168751822,
                                          -1.09861228866811,
                                          -1.09861228866811,
                                          -1.09861228866811};

constexpr Case axis_case(std::string_view name, std::string_view attrs, int64_t n,
                         const Shape& shape, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = shape}, {.shape = shape}}},
          .bench = bench};
}
constexpr Case bad_case(std::string_view name, std::string_view attrs, const Shape& shape,
                        std::string_view error) {
  return {.name = name,
          .attrs = attrs,
          .inputs = {{{.shape = shape}, {.shape = shape}}},
          .error = error};
}
constexpr Case golden_case(std::string_view name, std::string_view attrs,
                           std::span<const double> y) {
  return {.name = name,
          .attrs = attrs,
          .n = 1,
          .inputs = {{{.shape = {2, 3, 2}, .values = kX}}},
          .expect = {y}};
}
constexpr Case golden_gradient(std::string_view name, std::string_view attrs,
                               std::span<const double> y, std::span<const double> dx) {
  return {.name = name,
          .attrs = attrs,
          .n = 1,
          .inputs = {{{.shape = {2, 3, 2}, .values = y}, {.shape = {2, 3, 2}, .values = kDy}}},
          .expect = {dx}};
}

template <const auto& middle, const auto& last, const auto& special>
constexpr Case kCases[] = {
    golden_case("golden_middle", "dim=2", middle),
    golden_case("golden_last", "", last),
    {.name = "special",
     .n = 6,
     .inputs = {{{.shape = {3}, .values = kSpecialX}}},
     .expect = {special}},
    axis_case("channels", "dim=1", 17, {5, 3, 7}),
    axis_case("rows", "dim=-2", 2, {3, 13, 5}),
    axis_case("one_element", "", 1, {1}),
    axis_case("thousand_classes", "", 33, {1000}, true),
    bad_case("batch", "dim=0", {3, 4}, "dim=0 is the batch of float32 (N, 3, 4)"),
    bad_case("scalar", "", {}, "dim=-1 is the batch"),
    bad_case("out_of_range", "dim=3", {3, 4}, "dim=3 is out of range for float32 (N, 3, 4)"),
    bad_case("no_elements", "", {3, 0}, "axis dim=-1 of float32 (N, 3, 0) has no elements"),
};

template <const auto& middle_y, const auto& middle_dx, const auto& last_y, const auto& last_dx>
constexpr Case kGradCases[] = {
    golden_gradient("golden_middle", "dim=2", middle_y, middle_dx),
    golden_gradient("golden_last", "", last_y, last_dx),
    axis_case("channels", "dim=1", 17, {5, 3, 7}),
    axis_case("rows", "dim=-2", 2, {3, 13, 5}),
    axis_case("one_element", "", 1, {1}),
    axis_case("ten_classes", "", 33, {10}, true),
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "y is float32 (N, 3, 4), but dy is float32 (N, 3, 5)"},
    bad_case("batch", "dim=0", {3, 4}, "dim=0 is the batch of float32 (N, 3, 4)"),
    bad_case("out_of_range", "dim=3", {3, 4}, "dim=3 is out of range for float32 (N, 3, 4)"),
};

consteval OpDef row(OpDef op) {
  op.attrs = kAttrs;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "softmax",
         .inputs = kInputs,
         .outputs = kOutputs,
         .infer = infer,
         .reference = {softmax_ref<float, false>, softmax_ref<double, false>},
         .cpu = softmax_cpu,
         .cuda = cuda_twin(softmax_cuda),
         .gradient = gradient,
         .cost = cost,
         .cases = kCases<kSoftmaxMiddleY, kSoftmaxLastY, kSoftmaxSpecialY>}),
    row({.name = "log_softmax",
         .inputs = kInputs,
         .outputs = kOutputs,
         .infer = infer,
         .reference = {softmax_ref<float, true>, softmax_ref<double, true>},
         .cpu = log_softmax_cpu,
         .cuda = cuda_twin(log_softmax_cuda),
         .gradient = gradient,
         .cost = cost,
         .cases = kCases<kLogSoftmaxMiddleY, kLogSoftmaxLastY, kLogSoftmaxSpecialY>}),
    row({.name = "softmax_grad",
         .inputs = kGradInputs,
         .outputs = kGradOutputs,
         .infer = infer_grad,
         .reference = {softmax_grad_ref<float, false>, softmax_grad_ref<double, false>},
         .cpu = softmax_grad_cpu,
         .cuda = cuda_twin(softmax_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .cases = kGradCases<kSoftmaxMiddleY, kSoftmaxMiddleDx, kSoftmaxLastY, kSoftmaxLastDx>}),
    row({.name = "log_softmax_grad",
         .inputs = kGradInputs,
         .outputs = kGradOutputs,
         .infer = infer_grad,
         .reference = {softmax_grad_ref<float, true>, softmax_grad_ref<double, true>},
         .cpu = log_softmax_grad_cpu,
         .cuda = cuda_twin(log_softmax_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_log_grad,
         .cases = kGradCases<kLogSoftmaxMiddleY, kLogSoftmaxMiddleDx, kLogSoftmaxLastY,
                             kLogSoftmaxLastDx>}),
};

}  // namespace

extern const std::span<const OpDef> softmax_ops;
constinit const std::span<const OpDef> softmax_ops{kOps};

}  // namespace cairn
