#include <algorithm>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/bias/bias.h"
#include "kernels/conv2d/conv2d.h"
#include "kernels/conv2d/conv2d_rows.h"
#include "kernels/unary/unary.h"

namespace cairn {
namespace {

using namespace conv2d_attr;

/// Size of the output along one axis; below 1 where the kernel is larger than the padded input.
int64_t output_size(int64_t in, int64_t kernel, const Attrs& a, int axis) {
  const int64_t reach = a.integer(dilation, axis) * (kernel - 1) + 1;
  const int64_t room = in + 2 * a.integer(padding, axis) - reach;
  return room < 0 ? 0 : room / a.integer(stride, axis) + 1;
}

void infer(const OpTypes& t) {
  const Shape &x = t.shape(0), &w = t.shape(1);
  const int64_t g = t.attrs.integer(groups);
  expect(x.rank() == 3, t.op,
         fmt::format("x of one example has shape {}, (C,H,W) is needed", to_string(x)));
  expect(w.rank() == 4, t.op, fmt::format("w {} must be (Cout,Cin/groups,KH,KW)", to_string(w)));
  expect(w[0] % g == 0 && x[0] == w[1] * g, t.op,
         fmt::format("w {} doesn't fit {} input channels in {} groups", to_string(w), x[0], g));
  expect(!t.has(2) || t.shape(2) == Shape{w[0]}, t.op,
         fmt::format("b {} must be ({})", to_string(t.shape(2)), w[0]));
  const int64_t oh = output_size(x[1], w[2], t.attrs, 0), ow = output_size(x[2], w[3], t.attrs, 1);
  expect(
      oh > 0 && ow > 0, t.op,
      fmt::format("the kernel {} is larger than the padded input {}", to_string(w), to_string(x)));
  t.set_out(0, {w[0], oh, ow});
}

/// Refuses a dy that no x of the given size would produce.
void expect_output(std::string_view op, const Shape& dy, int64_t h, int64_t w, int64_t kh,
                   int64_t kw, const Attrs& a) {
  const Shape wanted{dy[0], output_size(h, kh, a, 0), output_size(w, kw, a, 1)};
  expect(dy == wanted, op, fmt::format("dy {} should be {}", to_string(dy), to_string(wanted)));
}

void infer_dx(const OpTypes& t) {
  const Shape &dy = t.shape(0), &w = t.shape(1);
  const int64_t g = t.attrs.integer(groups);
  expect(dy.rank() == 3 && w.rank() == 4 && dy[0] == w[0] && w[0] % g == 0, t.op,
         fmt::format("w {} doesn't fit dy {} in {} groups", to_string(w), to_string(dy), g));
  const int64_t h = t.attrs.integer(input_size, 0), width = t.attrs.integer(input_size, 1);
  expect_output(t.op, dy, h, width, w[2], w[3], t.attrs);
  t.set_out(0, {w[1] * g, h, width});
}

void infer_dw(const OpTypes& t) {
  const Shape &x = t.shape(0), &dy = t.shape(1);
  const int64_t g = t.attrs.integer(groups);
  const int64_t kh = t.attrs.integer(kernel_size, 0), kw = t.attrs.integer(kernel_size, 1);
  expect(x.rank() == 3 && dy.rank() == 3 && x[0] % g == 0 && dy[0] % g == 0, t.op,
         fmt::format("x {} and dy {} don't fit {} groups", to_string(x), to_string(dy), g));
  expect_output(t.op, dy, x[1], x[2], kh, kw, t.attrs);
  t.set_out(0, {dy[0], x[0] / g, kh, kw});
  t.set_out(1, {t.attrs.flag(bias) ? dy[0] : 0});
}

/// One multiplication and one addition a weight, output position and example.
Cost product_cost(const OpTypes& t, const Shape& w, const Shape& y) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 2.0 * static_cast<double>(w.elements() * y[1] * y[2]) * static_cast<double>(t.n);
  return cost;
}
Cost cost(const OpTypes& t) { return product_cost(t, t.shape(1), t.out[0].shape); }
Cost cost_dx(const OpTypes& t) { return product_cost(t, t.shape(1), t.shape(0)); }
Cost cost_dw(const OpTypes& t) { return product_cost(t, t.out[0].shape, t.shape(1)); }

int64_t workspace(const OpTypes& t) {
  return conv2d_workspace_bytes(ConvShape(t.shape(0), t.shape(1), t.out[0].shape, t.attrs), t.n);
}
int64_t workspace_dx(const OpTypes& t) {
  return conv2d_workspace_bytes(ConvShape(t.out[0].shape, t.shape(1), t.shape(0), t.attrs), t.n);
}
int64_t workspace_dw(const OpTypes& t) {
  const ConvShape s(t.shape(0), t.out[0].shape, t.shape(1), t.attrs);
  return std::max({conv2d_workspace_bytes(s, t.n), DwParts::bytes(s, t.n),
                   bias_grad_workspace(t.shape(1), t.n)});
}

constexpr double kMaxSize = 1 << 24;
constexpr AttrDef kStride{.name = "stride", .initial = 1, .min = 1, .max = kMaxSize, .count = 2},
    kPadding{.name = "padding", .initial = 0, .min = 0, .max = kMaxSize, .count = 2},
    kDilation{.name = "dilation", .initial = 1, .min = 1, .max = kMaxSize, .count = 2},
    kGroups{.name = "groups", .initial = 1, .min = 1, .max = kMaxSize};
constexpr AttrDef kAttrs[] = {
    kStride,
    kPadding,
    kDilation,
    kGroups,
    {.name = "activation", .type = AttrType::choice, .max = 4, .choices = kActivations}};
constexpr AttrDef kDxAttrs[] = {
    kStride,
    kPadding,
    kDilation,
    kGroups,
    {.name = "input_size", .initial = 1, .min = 1, .max = kMaxSize, .count = 2}};
constexpr AttrDef kDwAttrs[] = {
    kStride,
    kPadding,
    kDilation,
    kGroups,
    {.name = "kernel_size", .initial = 1, .min = 1, .max = kMaxSize, .count = 2},
    kBiasFlag};

/// Attributes of a gradient op: the convolution's own, and the size of what it makes.
Attrs gradient_attrs(std::span<const AttrDef> schema, const Attrs& forward, int64_t h, int64_t w) {
  Attrs attrs(schema);
  for (int i = 0; i < activation; ++i)
    attrs.set(schema[static_cast<size_t>(i)].name, forward.values(i));
  const double size[] = {static_cast<double>(h), static_cast<double>(w)};
  return attrs.set(schema[activation].name, size);
}

void gradient(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape, w = rule.graph()[rule.in(1)].type.shape;
  const auto act = static_cast<Activation>(rule.attrs().integer(activation));
  Value dz = rule.dout(0);
  if (act != Activation::none)
    dz = rule.emit(fmt::format("{}_grad", kActivations[static_cast<size_t>(act)]),
                   {rule.out(0), dz});
  if (rule.wants(0))
    rule.set(0, rule.emit("conv2d_dx", {dz, rule.in(1)},
                          gradient_attrs(kDxAttrs, rule.attrs(), x[1], x[2])));
  if (rule.wants(1))
    rule.set(1, rule.emit("conv2d_dw", {rule.in(0), dz},
                          gradient_attrs(kDwAttrs, rule.attrs(), w[2], w[3])));
  if (rule.wants(2)) rule.set(2, rule.emit("bias_grad", {dz}));
}

constexpr InputDef kInputs[] = {{"x"}, {"w", Layout::plain}, {"b", Layout::plain, Use::optional}};
constexpr OutputDef kOutputs[] = {{"y"}};
constexpr InputDef kDxInputs[] = {{"dy"}, {"w", Layout::plain}};
constexpr OutputDef kDxOutputs[] = {{"dx"}};
constexpr InputDef kDwInputs[] = {{"x"}, {"dy"}};
constexpr OutputDef kDwOutputs[] = {{"dw", Layout::plain, true}, kBiasOutput};

constexpr OpDef kOps[] = {
    checked({.name = "conv2d",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = workspace,
             .reference = {conv2d_ref<float>, conv2d_ref<double>},
             .cpu = conv2d_cpu,
             .prepare = {conv2d_prepared_bytes, conv2d_prepare_cpu},
             .cuda = cuda_twin(conv2d_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = kActivationFusions,
             .factors = 2,
             .cases = kCases,
             .lanes_of_places = true}),
    checked({.name = "conv2d_dx",
             .inputs = kDxInputs,
             .outputs = kDxOutputs,
             .attrs = kDxAttrs,
             .scope = Scope::per_example,
             .infer = infer_dx,
             .workspace = workspace_dx,
             .reference = {conv2d_dx_ref<float>, conv2d_dx_ref<double>},
             .cpu = conv2d_dx_cpu,
             .prepare = {conv2d_dx_prepared_bytes, conv2d_dx_prepare_cpu},
             .cuda = cuda_twin(conv2d_dx_cuda),
             .gradient = not_differentiable,
             .cost = cost_dx,
             .fusions = none,
             .factors = 2,
             .cases = kDxCases,
             .lanes_of_places = true}),
    checked({.name = "conv2d_dw",
             .inputs = kDwInputs,
             .outputs = kDwOutputs,
             .attrs = kDwAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer_dw,
             .workspace = workspace_dw,
             .reference = {conv2d_dw_ref<float>, conv2d_dw_ref<double>},
             .cpu = conv2d_dw_cpu,
             .cuda = cuda_twin(conv2d_dw_cuda),
             .gradient = not_differentiable,
             .cost = cost_dw,
             .fusions = none,
             .companions = kBiasCompanion,
             .factors = 2,
             .cases = kDwCases,
             .lanes_of_places = true}),
};

}  // namespace

extern const std::span<const OpDef> conv2d_ops;
constinit const std::span<const OpDef> conv2d_ops{kOps};

}  // namespace cairn
