#include "kernels/pool/pool.h"

#include <limits>
#include <tuple>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

constexpr double kMaxSize = 1 << 24;

int64_t output_size(std::string_view op, int64_t in, const Attrs& a, int axis) {
  const PoolAxis s(a, axis, in, 0);
  expect(2 * s.pad <= s.kernel, op,
         fmt::format("padding {} is more than half the kernel {}", s.pad, s.kernel));
  expect(in + 2 * s.pad >= s.kernel, op,
         fmt::format("the kernel {} is larger than the padded input {}", s.kernel, in + 2 * s.pad));
  return (in + 2 * s.pad - s.kernel) / s.stride + 1;
}

Shape output_shape(std::string_view op, const Shape& x, const Attrs& a) {
  return {x[0], output_size(op, x[1], a, 0), output_size(op, x[2], a, 1)};
}

void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  expect(x.rank() == 3, t.op,
         fmt::format("x of one example has shape {}, (C,H,W) is needed", to_string(x)));
  for (size_t i = 0; i < t.out.size(); ++i) t.out[i].shape = output_shape(t.op, x, t.attrs);
}

void infer_grad(const OpTypes& t) {
  const Shape& dy = t.shape(0);
  expect(dy.rank() == 3, t.op, fmt::format("dy {} must be (C,OH,OW)", to_string(dy)));
  const Shape x{dy[0], t.attrs.integer(pool_attr::input_size, 0),
                t.attrs.integer(pool_attr::input_size, 1)};
  const Shape y = output_shape(t.op, x, t.attrs);
  expect(dy == y, t.op, fmt::format("dy {} should be {}", to_string(dy), to_string(y)));
  expect(t.in.size() < 2 || t.shape(1) == dy, t.op, "indices and dy differ in shape");
  t.set_out(0, x);
}

/// An operation for each place of a window.
Cost window_cost(const OpTypes& t, double windows) {
  Cost cost = stream_cost(t, 0);
  cost.flops = windows * static_cast<double>(t.attrs.integer(pool_attr::kernel_size, 0) *
                                             t.attrs.integer(pool_attr::kernel_size, 1));
  return cost;
}
Cost cost(const OpTypes& t) { return window_cost(t, t.out_elements(0)); }
Cost cost_grad(const OpTypes& t) { return window_cost(t, t.in_elements(0)); }

constexpr AttrDef kGradAttrs[] = {
    {.name = "kernel_size", .initial = 2, .min = 1, .max = kMaxSize, .count = 2},
    {.name = "stride", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    {.name = "padding", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    {.name = "input_size", .initial = 1, .min = 1, .max = kMaxSize, .count = 2}};
constexpr std::span<const AttrDef> kAttrs = std::span(kGradAttrs).first(pool_attr::input_size);

/// The forward op's attributes and the size of its input.
Attrs with_input_size(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  const double size[] = {static_cast<double>(x[1]), static_cast<double>(x[2])};
  Attrs attrs(kGradAttrs);
  for (int i = 0; i < pool_attr::input_size; ++i) {
    const double pair[] = {rule.attrs().real(i, 0), rule.attrs().real(i, 1)};
    attrs.set(kGradAttrs[i].name, pair);
  }
  return attrs.set("input_size", size);
}

void avg_gradient(GradientRule& rule) {
  rule.set(0, rule.emit("avg_pool2d_grad", {rule.dout(0)}, with_input_size(rule)));
}
void max_gradient(GradientRule& rule) {
  rule.set(0, rule.emit("max_pool2d_grad", {rule.dout(0), rule.out(1)}, with_input_size(rule)));
}

constexpr InputDef kInputs[] = {{"x"}};
constexpr OutputDef kAvgOutputs[] = {{"y"}};
constexpr OutputDef kMaxOutputs[] = {{"y"}, {"indices", Layout::batched, false, DType::i32}};
constexpr InputDef kAvgGradInputs[] = {{"dy"}};
constexpr InputDef kMaxGradInputs[] = {{"dy"}, {"indices", Layout::batched, Use::read, DType::i32}};
constexpr OutputDef kGradOutputs[] = {{"dx"}};
// Golden values: tests/oracle/bias_pool.py.
constexpr double kX[] = {-1.25, 0,    1.25,  -0.75, 0.5,  -1.5, -0.25, 1,    -1,   0.25,
                         1.5,   -0.5, 0.75,  -1.25, 0,    1.25, -0.75, 0.5,  -1.5, -0.25,
                         1,     -1,   0.25,  1.5,   -0.5, 0.75, -1.25, 0,    1.25, -0.75,
                         0.5,   -1.5, -0.25, 1,     -1,   0.25, 1.5,   -0.5, 0.75, -1.25};
constexpr double kAvgY[] = {-0.208333333333,
                            0,
                            0.0833333333333,
                            0.166666666667,
                            -0.0416666666667,
                            -0.125,
                            0.166666666667,
                            -0.208333333333,
                            -0.0416666666667,
                            -0.333333333333,
                            0.0833333333333,
                            0.166666666667,
                            -0.291666666667,
                            -0.208333333333,
                            -0.291666666667,
                            0,
                            0.0416666666667,
                            0.125,
                            0.208333333333,
                            0.166666666667,
                            -0.25,
                            -0.291666666667,
                            -0.125,
                            0.0416666666667,
                            0.0833333333333,
                            0.291666666667,
                            0.208333333333,
                            0.291666666667,
                            -0.166666666667,
                            -0.0833333333333};
constexpr double kDy[] = {-0.25, 0.5,   -0.5, 0.25, -0.75, 0,     0.75, -0.25, 0.5,   -0.5,
                          0.25,  -0.75, 0,    0.75, -0.25, 0.5,   -0.5, 0.25,  -0.75, 0,
                          0.75,  -0.25, 0.5,  -0.5, 0.25,  -0.75, 0,    0.75,  -0.25, 0.5};
constexpr double kAvgDx[] = {0.0416666666667,
                             -0.0416666666667,
                             0.0416666666667,
                             -0.166666666667,
                             -0.0833333333333,
                             0.125,
                             0.0833333333333,
                             0.166666666667,
                             -0.0416666666667,
                             0,
                             0.125,
                             0.0833333333333,
                             0.166666666667,
                             -0.0416666666667,
                             0,
                             -0.0833333333333,
                             -0.0833333333333,
                             0,
                             0.0833333333333,
                             0.0833333333333,
                             0,
                             0.0416666666667,
                             -0.166666666667,
                             -0.0833333333333,
                             -0.125,
                             0.0833333333333,
                             0.166666666667,
                             -0.0416666666667,
                             0.0416666666667,
                             -0.0416666666667,
                             0.0833333333333,
                             0.166666666667,
                             -0.0416666666667,
                             0.0416666666667,
                             -0.0416666666667,
                             -0.125,
                             0,
                             0.0833333333333,
                             0.166666666667,
                             0.0416666666667};
constexpr double kMaxY[] = {0,    1.25, 1.25, 1.25, 0.5,   1.5, 1.5, 1,   1,    0.25,
                            1.25, 1.25, 0.5,  0.5,  -0.25, 1,   1,   1.5, 1.5,  1.5,
                            0.75, 0.75, 1.25, 1.25, 1.25,  1.5, 1.5, 1.5, 0.75, 0.75};
constexpr double kIndices[] = {1, 2, 2, 2, 4, 10, 10, 7, 7, 9, 15, 15, 17, 17, 19,
                               0, 0, 3, 3, 3, 5,  5,  8, 8, 8, 16, 16, 16, 18, 18};
constexpr double kMaxDx[] = {
    0, -0.25, 0.25, 0, -0.75, 0, 0, 0.25, 0, -0.5, 0.75, 0, 0, 0, 0, -0.5, 0, 0.75, 0, -0.25, 0,
    0, 0,     -0.5, 0, 0.5,   0, 0, 0.25, 0, 0,    0,    0, 0, 0, 0, 0,    0, 0.25, 0};

constexpr std::string_view kGolden = "kernel_size=2,3 stride=2,1 padding=1";
constexpr std::string_view kGoldenGrad = "kernel_size=2,3 stride=2,1 padding=1 input_size=4,5";
constexpr CaseInput kGoldenX{.shape = {2, 4, 5}, .values = kX},
    kGoldenDy{.shape = {2, 3, 5}, .values = kDy};

// Windows with a NaN first and last, one NaN, nothing else; ties; both zeros; infinities.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSpecialX[] = {kNan,  1,     5,    kNan,  kNan,  kNan,  2, 2,   -0.0, 0,
                                -kInf, -kInf, kInf, -kInf, 7,     kNan,  9, 8,   kNan, kNan,
                                2,     1,     0,    -0.0,  -kInf, -kInf, 0, kInf};
constexpr double kSpecialAvgY[] = {kNan, kNan, kNan, 1.75, 0, -kInf, kNan};
constexpr double kSpecialMaxY[] = {kNan, kNan, kNan, 2, -0.0, -kInf, kInf};
constexpr double kSpecialIndices[] = {15, 3, 19, 6, 8, 10, 12};
constexpr std::tuple<std::span<const double>, std::span<const double>> kAllIndices{kIndices,
                                                                                   kSpecialIndices};
constexpr CaseInput kSpecial{.shape = {1, 2, 14}, .values = kSpecialX};

template <const auto& y, const auto& special, const auto&... indices>
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = kGolden,
     .n = 1,
     .inputs = {{kGoldenX}},
     .expect = {y, std::get<0>(indices)...}},
    {.name = "special",
     .n = 1,
     .inputs = {{kSpecial}},
     .expect = {special, std::get<1>(indices)...}},
    {.name = "lenet_s2",
     .n = 33,
     .inputs = {{{.shape = {6, 28, 28}, .fill = Fill::spread}}},
     .bench = true},
    {.name = "overlapping",
     .attrs = "kernel_size=3 stride=2 padding=1",
     .n = 17,
     .inputs = {{{.shape = {3, 7, 8}, .fill = Fill::spread}}}},
    {.name = "global",
     .attrs = "kernel_size=5,4",
     .n = 2,
     .inputs = {{{.shape = {31, 5, 4}, .fill = Fill::spread}}}},
    {.name = "stride_above_kernel",
     .attrs = "kernel_size=1 stride=3",
     .n = 1,
     .inputs = {{{.shape = {2, 7, 5}, .fill = Fill::spread}}}},
    {.name = "too_much_padding",
     .attrs = "kernel_size=2 padding=2",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "padding 2 is more than half the kernel 2"},
    {.name = "kernel_too_large",
     .attrs = "kernel_size=5",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "larger than the padded input 4"},
    {.name = "flat", .inputs = {{{.shape = {16}}}}, .error = "(C,H,W) is needed"},
    {.name = "input_size",
     .attrs = "input_size=4",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "has no attribute 'input_size'"},
};
constexpr Case kAvgGradCases[] = {
    {.name = "golden", .attrs = kGoldenGrad, .n = 1, .inputs = {{kGoldenDy}}, .expect = {kAvgDx}},
    {.name = "lenet_s2",
     .attrs = "input_size=28",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}}}},
     .bench = true},
    {.name = "wrong_size",
     .attrs = "input_size=9",
     .inputs = {{{.shape = {1, 5, 5}}}},
     .error = "should be (1, 4, 4)"},
    {.name = "flat", .inputs = {{{.shape = {16}}}}, .error = "dy (16) must be (C,OH,OW)"},
    {.name = "kernel_too_large",
     .attrs = "input_size=1",
     .inputs = {{{.shape = {1, 1, 1}}}},
     .error = "the kernel 2 is larger than the padded input 1"},
};
constexpr Case kMaxGradCases[] = {
    {.name = "golden",
     .attrs = kGoldenGrad,
     .n = 1,
     .inputs = {{kGoldenDy, {.shape = {2, 3, 5}, .values = kIndices}}},
     .expect = {kMaxDx}},
    {.name = "lenet_s2",
     .attrs = "input_size=28",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}},
                 {.shape = {6, 14, 14}, .fill = Fill::labels, .range = 784}}},
     .bench = true},
    {.name = "indices_differ",
     .attrs = "input_size=8",
     .inputs = {{{.shape = {1, 4, 4}}, {.shape = {1, 4, 5}}}},
     .error = "indices and dy differ in shape"},
    {.name = "wrong_size",
     .attrs = "input_size=9",
     .inputs = {{{.shape = {1, 5, 5}}, {.shape = {1, 5, 5}}}},
     .error = "should be (1, 4, 4)"},
    {.name = "flat",
     .inputs = {{{.shape = {16}}, {.shape = {16}}}},
     .error = "dy (16) must be (C,OH,OW)"},
};

consteval OpDef row(OpDef op) {
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "avg_pool2d",
         .inputs = kInputs,
         .outputs = kAvgOutputs,
         .attrs = kAttrs,
         .infer = infer,
         .reference = {avg_pool2d_ref<float>, avg_pool2d_ref<double>},
         .cpu = avg_pool2d_cpu,
         .cuda = cuda_twin(avg_pool2d_cuda),
         .gradient = avg_gradient,
         .cost = cost,
         .cases = kCases<kAvgY, kSpecialAvgY>}),
    row({.name = "max_pool2d",
         .inputs = kInputs,
         .outputs = kMaxOutputs,
         .attrs = kAttrs,
         .infer = infer,
         .reference = {max_pool2d_ref<float>, max_pool2d_ref<double>},
         .cpu = max_pool2d_cpu,
         .cuda = cuda_twin(max_pool2d_cuda),
         .gradient = max_gradient,
         .cost = cost,
         .cases = kCases<kMaxY, kSpecialMaxY, kAllIndices>,
         .bit_exact = true}),
    row({.name = "avg_pool2d_grad",
         .inputs = kAvgGradInputs,
         .outputs = kGradOutputs,
         .attrs = kGradAttrs,
         .infer = infer_grad,
         .reference = {avg_pool2d_grad_ref<float>, avg_pool2d_grad_ref<double>},
         .cpu = avg_pool2d_grad_cpu,
         .cuda = cuda_twin(avg_pool2d_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .cases = kAvgGradCases}),
    row({.name = "max_pool2d_grad",
         .inputs = kMaxGradInputs,
         .outputs = kGradOutputs,
         .attrs = kGradAttrs,
         .infer = infer_grad,
         .reference = {max_pool2d_grad_ref<float>, max_pool2d_grad_ref<double>},
         .cpu = max_pool2d_grad_cpu,
         .cuda = cuda_twin(max_pool2d_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .cases = kMaxGradCases,
         .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> pool_ops;
constinit const std::span<const OpDef> pool_ops{kOps};

}  // namespace cairn
