#include "kernels/pool/pool.h"

#include <algorithm>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/pool/pool_golden.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

using namespace pool_golden;

constexpr double kMaxSize = 1 << 24;

int64_t output_size(std::string_view op, const PoolAxis& s, bool ceil_mode) {
  const int64_t padded = s.in + 2 * s.pad;
  expect(2 * s.pad <= s.kernel, op,
         fmt::format("padding {} is more than half the kernel {}", s.pad, s.kernel));
  const int64_t room = padded - s.extent + (ceil_mode ? s.stride - 1 : 0);
  expect(room >= 0, op,
         fmt::format("the kernel {} is larger than the padded input {}", s.extent, padded));
  for (int64_t p = 0; p * s.stride < s.pad; ++p)
    expect(
        s.begin(p) < s.in, op,
        fmt::format("window {}, of {} places with dilation {} and padding {}, misses the input {}",
                    p, s.kernel, s.dilation, s.pad, s.in));
  const int64_t last = room / s.stride;
  return ceil_mode && last * s.stride >= s.in + s.pad ? last : last + 1;
}

template <class S>
Shape output_shape(std::string_view op, const Shape& x, const Attrs& a) {
  const S s(x, {x[0], 0, 0}, a);
  const bool ceil_mode = a.flag(pool_attr::ceil_mode);
  return {x[0], output_size(op, s.h, ceil_mode), output_size(op, s.w, ceil_mode)};
}

template <class S>
void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  expect(x.rank() == 3, t.op,
         fmt::format("x of one example has shape {}, (C,H,W) is needed", to_string(x)));
  for (size_t i = 0; i < t.out.size(); ++i) t.out[i].shape = output_shape<S>(t.op, x, t.attrs);
}

/// `y`: the input of that.
template <class S, int input_size, int y>
void infer_grad(const OpTypes& t) {
  const Shape& dy = t.shape(0);
  expect(dy.rank() == 3, t.op, fmt::format("dy {} must be (C,OH,OW)", to_string(dy)));
  const Shape x{dy[0], t.attrs.integer(input_size, 0), t.attrs.integer(input_size, 1)};
  const Shape out = output_shape<S>(t.op, x, t.attrs);
  expect(dy == out, t.op, fmt::format("dy {} should be {}", to_string(dy), to_string(out)));
  expect(y == 1 || t.shape(1) == dy, t.op, "indices and dy differ in shape");
  expect_activation_output(t, static_cast<Activation>(t.attrs.integer(input_size + 1)), y, x);
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

constexpr AttrDef kKernelSize{
    .name = "kernel_size", .initial = 2, .min = 1, .max = kMaxSize, .count = 2},
    kStride{.name = "stride", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    kPadding{.name = "padding", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    kCeilMode{.name = "ceil_mode", .type = AttrType::flag, .max = 1},
    kInputSize{.name = "input_size", .initial = 1, .min = 1, .max = kMaxSize, .count = 2},
    kActivation{.name = "activation", .type = AttrType::choice, .max = 4, .choices = kActivations};
constexpr AttrDef kMaxGradAttrs[] = {
    kKernelSize,
    kStride,
    kPadding,
    kCeilMode,
    {.name = "dilation", .initial = 1, .min = 1, .max = kMaxSize, .count = 2},
    kInputSize,
    kActivation};
constexpr AttrDef kAvgGradAttrs[] = {
    kKernelSize,
    kStride,
    kPadding,
    kCeilMode,
    {.name = "count_include_pad", .type = AttrType::flag, .initial = 1, .max = 1},
    {.name = "divisor_override", .initial = 0, .min = -kMaxSize, .max = kMaxSize},
    kInputSize,
    kActivation};
constexpr auto kMaxAttrs = std::span(kMaxGradAttrs).first(pool_attr::max_input_size);
constexpr auto kAvgAttrs = std::span(kAvgGradAttrs).first(pool_attr::avg_input_size);

/// The forward op's attributes and the size of its input.
Attrs with_input_size(GradientRule& rule, std::span<const AttrDef> schema) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  const double size[] = {static_cast<double>(x[1]), static_cast<double>(x[2])};
  Attrs attrs(schema);
  for (int i = 0; schema[static_cast<size_t>(i)].name != kInputSize.name; ++i)
    attrs.set(schema[static_cast<size_t>(i)].name, rule.attrs().values(i));
  return attrs.set("input_size", size);
}

void avg_gradient(GradientRule& rule) {
  rule.set(0, rule.emit("avg_pool2d_grad", {rule.dout(0)}, with_input_size(rule, kAvgGradAttrs)));
}
void max_gradient(GradientRule& rule) {
  rule.set(0, rule.emit("max_pool2d_grad", {rule.dout(0), rule.out(1)},
                        with_input_size(rule, kMaxGradAttrs)));
}

constexpr InputDef kInputs[] = {{"x"}};
constexpr OutputDef kAvgOutputs[] = {{"y"}};
constexpr OutputDef kMaxOutputs[] = {{"y"}, {"indices", Layout::batched, false, DType::i32}};
constexpr InputDef kY{"y", Layout::batched, Use::optional};
constexpr InputDef kAvgGradInputs[] = {{"dy"}, kY};
constexpr InputDef kMaxGradInputs[] = {
    {"dy"}, {"indices", Layout::batched, Use::read, DType::i32}, kY};
constexpr auto kAvgGradFusions = activation_grad_fusions(1);
constexpr auto kMaxGradFusions = activation_grad_fusions(2);
constexpr OutputDef kGradOutputs[] = {{"dx"}};
constexpr std::string_view kGolden = "kernel_size=2,3 stride=2,1 padding=1";
constexpr std::string_view kGoldenGrad = "kernel_size=2,3 stride=2,1 padding=1 input_size=4,5";
constexpr CaseInput kGoldenX{.shape = {2, 4, 5}, .values = kX},
    kGoldenDy{.shape = {2, 3, 5}, .values = kDy},
    kSpecial{.shape = {1, 2, 14}, .values = kSpecialX},
    kLarge{.shape = {1, 5, 6}, .values = kLargeX}, kSmall{.shape = {1, 4, 6}, .values = kSmallX},
    kSmallGrad{.shape = {1, 2, 3}, .values = kSmallDy},
    kSmallOutput{.shape = {1, 4, 6}, .values = kSmallY};

/// A row of one example.
constexpr Case golden(std::string_view name, std::string_view attrs,
                      const std::array<CaseInput, 8>& inputs,
                      const std::array<std::span<const double>, 6>& expect) {
  return {.name = name, .attrs = attrs, .n = 1, .inputs = inputs, .expect = expect};
}
template <size_t A, size_t B>
constexpr std::array<Case, A + B> joined(const Case (&first)[A], const Case (&second)[B]) {
  std::array<Case, A + B> rows;
  std::ranges::copy(second, std::ranges::copy(first, rows.begin()).out);
  return rows;
}

constexpr Case kBothCases[] = {
    {.name = "lenet_s2",
     .n = 33,
     .inputs = {{{.shape = {6, 28, 28}, .fill = Fill::spread}}},
     .bench = true},
    {.name = "overlapping",
     .attrs = "kernel_size=3 stride=2 padding=1",
     .n = 17,
     .inputs = {{{.shape = {3, 7, 8}, .fill = Fill::spread}}},
     .bench = true},
    {.name = "global",
     .attrs = "kernel_size=5,4",
     .n = 2,
     .inputs = {{{.shape = {31, 5, 4}, .fill = Fill::spread}}}},
    {.name = "stride_above_kernel",
     .attrs = "kernel_size=1 stride=3",
     .n = 1,
     .inputs = {{{.shape = {2, 7, 5}, .fill = Fill::spread}}}},
    {.name = "kernel_above_input",
     .attrs = "kernel_size=4 stride=3 ceil_mode=1",
     .n = 2,
     .inputs = {{{.shape = {2, 3, 2}, .fill = Fill::spread}}}},
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
constexpr auto kAvgCases = joined(
    kBothCases,
    {golden("golden", kGolden, {kGoldenX}, {kAvgY}),
     golden("special", "", {kSpecial}, {kSpecialAvgY}),
     golden("dropped", "kernel_size=2 stride=3 padding=1 ceil_mode=1", {kSmall}, {kAvgDroppedY}),
     golden("ceil_mode", "kernel_size=3 padding=1 ceil_mode=1", {kSmall}, {kAvgCeilY}),
     golden("inside", "kernel_size=3 padding=1 ceil_mode=1 count_include_pad=0", {kSmall},
            {kAvgInsideY}),
     golden("divisor_override", "kernel_size=3 padding=1 ceil_mode=1 divisor_override=5", {kSmall},
            {kAvgFifthY}),
     {.name = "no_dilation",
      .attrs = "dilation=2",
      .inputs = {{{.shape = {1, 4, 4}}}},
      .error = "has no attribute 'dilation'"}});
constexpr auto kMaxCases =
    joined(kBothCases,
           {golden("golden", kGolden, {kGoldenX}, {kMaxY, kIndices}),
            golden("special", "", {kSpecial}, {kSpecialMaxY, kSpecialIndices}),
            golden("ties", "kernel_size=3 stride=2 padding=1",
                   {{{.shape = {1, 4, 5}, .values = kTiedX}}}, {kTiedY, kTiedIndices}),
            {.name = "many_ties",
             .attrs = "kernel_size=3 stride=2 padding=1",
             .n = 17,
             .inputs = {{{.shape = {1, 7, 8}, .values = kManyTies}}}},
            golden("dropped", "kernel_size=2 stride=3 padding=1 ceil_mode=1", {kSmall},
                   {kMaxDroppedY, kMaxDroppedIndices}),
            golden("dilated", "kernel_size=2,3 stride=2 padding=1 dilation=2,1 ceil_mode=1",
                   {kLarge}, {kDilatedY, kDilatedIndices}),
            {.name = "between_places",
             .attrs = "kernel_size=2 padding=1 dilation=3",
             .inputs = {{{.shape = {1, 2, 2}}}},
             .error = "window 0, of 2 places with dilation 3 and padding 1, misses the input 2"}});
constexpr Case kAvgGradCases[] = {
    golden("golden", kGoldenGrad, {kGoldenDy}, {kAvgDx}),
    golden("dropped", "kernel_size=2 stride=3 padding=1 ceil_mode=1 input_size=4,6", {kSmallGrad},
           {kAvgDroppedDx}),
    golden("ceil_mode", "kernel_size=3 padding=1 ceil_mode=1 input_size=4,6", {kSmallGrad},
           {kAvgCeilDx}),
    golden("inside", "kernel_size=3 padding=1 ceil_mode=1 count_include_pad=0 input_size=4,6",
           {kSmallGrad}, {kAvgInsideDx}),
    golden("divisor_override",
           "kernel_size=3 padding=1 ceil_mode=1 divisor_override=5 input_size=4,6", {kSmallGrad},
           {kAvgFifthDx}),
    {.name = "lenet_s2",
     .attrs = "input_size=28",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}}}},
     .bench = true},
    golden("tanh", "kernel_size=3 padding=1 ceil_mode=1 input_size=4,6 activation=tanh",
           {kSmallGrad, kSmallOutput}, {kAvgTanhDx}),
    {.name = "lenet_tanh",
     .attrs = "input_size=28 activation=tanh",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}}, {.shape = {6, 28, 28}, .fill = Fill::spread}}},
     .bench = true},
    {.name = "overlapping_sigmoid",
     .attrs = "kernel_size=3 stride=2 padding=1 input_size=7,8 activation=sigmoid",
     .n = 17,
     .inputs = {{{.shape = {3, 4, 4}}, {.shape = {3, 7, 8}, .fill = Fill::unit}}}},
    {.name = "y_missing",
     .attrs = "input_size=8 activation=tanh",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "needs its output y"},
    {.name = "wrong_y",
     .attrs = "input_size=8 activation=tanh",
     .inputs = {{{.shape = {1, 4, 4}}, {.shape = {1, 8, 9}}}},
     .error = "y (1, 8, 9) should be (1, 8, 8)"},
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
    golden("golden", kGoldenGrad, {kGoldenDy, {.shape = {2, 3, 5}, .values = kIndices}}, {kMaxDx}),
    golden("dropped", "kernel_size=2 stride=3 padding=1 ceil_mode=1 input_size=4,6",
           {kSmallGrad, {.shape = {1, 2, 3}, .values = kMaxDroppedIndices}}, {kMaxDroppedDx}),
    golden("dilated", "kernel_size=2,3 stride=2 padding=1 dilation=2,1 ceil_mode=1 input_size=5,6",
           {{{.shape = {1, 3, 4}, .values = kDilatedDy},
             {.shape = {1, 3, 4}, .values = kDilatedIndices}}},
           {kDilatedDx}),
    {.name = "lenet_s2",
     .attrs = "input_size=28",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}},
                 {.shape = {6, 14, 14}, .fill = Fill::labels, .range = 784}}},
     .bench = true},
    golden("relu", "kernel_size=2 stride=3 padding=1 ceil_mode=1 input_size=4,6 activation=relu",
           {kSmallGrad, {.shape = {1, 2, 3}, .values = kMaxDroppedIndices}, kSmallOutput},
           {kMaxReluDx}),
    {.name = "lenet_relu",
     .attrs = "input_size=28 activation=relu",
     .n = 33,
     .inputs = {{{.shape = {6, 14, 14}},
                 {.shape = {6, 14, 14}, .fill = Fill::labels, .range = 784},
                 {.shape = {6, 28, 28}, .fill = Fill::spread}}},
     .bench = true},
    {.name = "overlapping_scaled_tanh",
     .attrs = "kernel_size=3 stride=2 padding=1 input_size=7,8 activation=scaled_tanh",
     .n = 17,
     .inputs = {{{.shape = {3, 4, 4}},
                 {.shape = {3, 4, 4}, .fill = Fill::labels, .range = 56},
                 {.shape = {3, 7, 8}, .fill = Fill::spread}}}},
    {.name = "y_without_activation",
     .attrs = "input_size=8",
     .inputs = {{{.shape = {1, 4, 4}}, {.shape = {1, 4, 4}}, {.shape = {1, 8, 8}}}},
     .error = "y is for an activation"},
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
  if (!op.fusions.given) op.fusions = none;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "avg_pool2d",
         .inputs = kInputs,
         .outputs = kAvgOutputs,
         .attrs = kAvgAttrs,
         .infer = infer<AvgPoolShape>,
         .reference = {avg_pool2d_ref<float>, avg_pool2d_ref<double>},
         .cpu = avg_pool2d_cpu,
         .cuda = cuda_twin(avg_pool2d_cuda),
         .gradient = avg_gradient,
         .cost = cost,
         .cases = std::span<const Case>(kAvgCases)}),
    row({.name = "max_pool2d",
         .inputs = kInputs,
         .outputs = kMaxOutputs,
         .attrs = kMaxAttrs,
         .infer = infer<MaxPoolShape>,
         .reference = {max_pool2d_ref<float>, max_pool2d_ref<double>},
         .cpu = max_pool2d_cpu,
         .cuda = cuda_twin(max_pool2d_cuda),
         .gradient = max_gradient,
         .cost = cost,
         .cases = std::span<const Case>(kMaxCases),
         .bit_exact = true}),
    row({.name = "avg_pool2d_grad",
         .inputs = kAvgGradInputs,
         .outputs = kGradOutputs,
         .attrs = kAvgGradAttrs,
         .infer = infer_grad<AvgPoolShape, pool_attr::avg_input_size, 1>,
         .reference = {avg_pool2d_grad_ref<float>, avg_pool2d_grad_ref<double>},
         .cpu = avg_pool2d_grad_cpu,
         .cuda = cuda_twin(avg_pool2d_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .fusions = std::span<const FusionRule>(kAvgGradFusions),
         .cases = kAvgGradCases}),
    row({.name = "max_pool2d_grad",
         .inputs = kMaxGradInputs,
         .outputs = kGradOutputs,
         .attrs = kMaxGradAttrs,
         .infer = infer_grad<MaxPoolShape, pool_attr::max_input_size, 2>,
         .reference = {max_pool2d_grad_ref<float>, max_pool2d_grad_ref<double>},
         .cpu = max_pool2d_grad_cpu,
         .cuda = cuda_twin(max_pool2d_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .fusions = std::span<const FusionRule>(kMaxGradFusions),
         .cases = kMaxGradCases,
         .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> pool_ops;
constinit const std::span<const OpDef> pool_ops{kOps};

}  // namespace cairn
