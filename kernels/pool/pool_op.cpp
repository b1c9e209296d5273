#include "kernels/pool/pool.h"

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
  expect(x.rank() == 3, "pool",
         fmt::format("x of one example has shape {}, (C,H,W) is needed", to_string(x)));
  for (size_t i = 0; i < t.out.size(); ++i) t.out[i].shape = output_shape("pool", x, t.attrs);
}

void infer_grad(const OpTypes& t) {
  const Shape& dy = t.shape(0);
  expect(dy.rank() == 3, "pool gradient", fmt::format("dy {} must be (C,OH,OW)", to_string(dy)));
  const Shape x{dy[0], t.attrs.integer(pool_attr::input_size, 0),
                t.attrs.integer(pool_attr::input_size, 1)};
  const Shape y = output_shape("pool gradient", x, t.attrs);
  expect(dy == y, "pool gradient", fmt::format("dy {} should be {}", to_string(dy), to_string(y)));
  expect(t.in.size() < 2 || t.shape(1) == dy, "pool gradient", "indices and dy differ in shape");
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

Attrs with_input_size(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  const double size[] = {static_cast<double>(x[1]), static_cast<double>(x[2])};
  Attrs attrs = rule.attrs();
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
constexpr AttrDef kAttrs[] = {
    {.name = "kernel_size", .initial = 2, .min = 1, .max = kMaxSize, .count = 2},
    {.name = "stride", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    {.name = "padding", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    {.name = "input_size", .initial = 1, .min = 1, .max = kMaxSize, .count = 2}};

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

constexpr std::string_view kGolden = "kernel_size=2,3 stride=2,1 padding=1 input_size=4,5";
constexpr CaseInput kGoldenX{.shape = {2, 4, 5}, .values = kX},
    kGoldenDy{.shape = {2, 3, 5}, .values = kDy};

template <const double (&y)[30], size_t kOutputs>
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = kGolden,
     .n = 1,
     .inputs = {{kGoldenX}},
     .expect = {y, kOutputs > 1 ? std::span<const double>(kIndices) : std::span<const double>()}},
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
};
constexpr Case kAvgGradCases[] = {
    {.name = "golden", .attrs = kGolden, .n = 1, .inputs = {{kGoldenDy}}, .expect = {kAvgDx}},
    {.name = "lenet_s2",
     .attrs = "input_size=28",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}}}},
     .bench = true},
    {.name = "wrong_size",
     .attrs = "input_size=9",
     .inputs = {{{.shape = {1, 5, 5}}}},
     .error = "should be (1, 4, 4)"},
};
constexpr Case kMaxGradCases[] = {
    {.name = "golden",
     .attrs = kGolden,
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
};

consteval OpDef row(OpDef op) {
  op.attrs = kAttrs;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "avg_pool2d",
         .inputs = kInputs,
         .outputs = kAvgOutputs,
         .infer = infer,
         .reference = {avg_pool2d_ref<float>, avg_pool2d_ref<double>},
         .cpu = avg_pool2d_cpu,
         .cuda = cuda_twin(avg_pool2d_cuda),
         .gradient = avg_gradient,
         .cost = cost,
         .cases = kCases<kAvgY, 1>}),
    row({.name = "max_pool2d",
         .inputs = kInputs,
         .outputs = kMaxOutputs,
         .infer = infer,
         .reference = {max_pool2d_ref<float>, max_pool2d_ref<double>},
         .cpu = max_pool2d_cpu,
         .cuda = cuda_twin(max_pool2d_cuda),
         .gradient = max_gradient,
         .cost = cost,
         .cases = kCases<kMaxY, 2>}),
    row({.name = "avg_pool2d_grad",
         .inputs = kAvgGradInputs,
         .outputs = kGradOutputs,
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
         .infer = infer_grad,
         .reference = {max_pool2d_grad_ref<float>, max_pool2d_grad_ref<double>},
         .cpu = max_pool2d_grad_cpu,
         .cuda = cuda_twin(max_pool2d_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .cases = kMaxGradCases}),
};

}  // namespace

extern const std::span<const OpDef> pool_ops;
constinit const std::span<const OpDef> pool_ops{kOps};

}  // namespace cairn
