#include "kernels/reduce/reduce.h"

#include <algorithm>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {

namespace {

/// The shape of the results; an Error where `dim` is wrong.
Shape reduced_shape(const OpTypes& t) {
  const TensorType& x = t.in[0];
  std::array<bool, kMaxRank> reduced{};
  for (const double dim : t.attrs.values(reduce_attr::dim)) {
    bool& axis = reduced[static_cast<size_t>(example_axis(t.op, x, static_cast<int64_t>(dim)))];
    expect(!axis, t.op, fmt::format("dim={} is an axis of {} given twice", dim, to_string(x)));
    axis = true;
  }
  const Shape kept = kept_shape(x, t.attrs);
  if (t.attrs.flag(reduce_attr::keepdim)) return kept;
  std::vector<int64_t> sizes;
  for (int axis = 0; axis < x.shape.rank(); ++axis)
    if (t.attrs.size(reduce_attr::dim) > 0 && !reduced[static_cast<size_t>(axis)])
      sizes.push_back(x.shape[axis]);
  return Shape(sizes);
}

void infer(const OpTypes& t) { t.set_out(0, reduced_shape(t)); }

void infer_extremum(const OpTypes& t) {
  infer(t);
  const Shape &x = t.shape(0), kept = kept_shape(t.in[0], t.attrs);
  for (int axis = 0; axis < x.rank(); ++axis)
    expect(x[axis] > 0 || kept[axis] == 0, t.op,
           fmt::format("x is {} and has no elements to compare", to_string(t.in[0])));
}

void infer_extremum_grad(const OpTypes& t) {
  TensorType y = t.in[0];
  y.shape = reduced_shape(t);
  expect(t.in[1] == y && t.in[2] == y, t.op,
         fmt::format("y is {} and dy {}, but x reduced is {}", to_string(t.in[1]),
                     to_string(t.in[2]), to_string(y)));
  t.set_out(0, t.shape(0));
}

void infer_expand(const OpTypes& t) {
  const TensorType& x = t.in[0];
  const std::span<const double> wanted = t.attrs.values(expand_attr::shape);
  const auto batch = static_cast<size_t>(x.batched);
  const auto least = static_cast<size_t>(x.shape.rank()) + batch;
  expect(wanted.size() >= least && wanted.size() <= size_t{kMaxRank} + batch, t.op,
         fmt::format("shape has {} axes, but x is {}", wanted.size(), to_string(x)));
  expect(!x.batched || wanted[0] == -1, t.op,
         fmt::format("shape begins with {}, but the batch of {} stays: write -1", wanted[0],
                     to_string(x)));
  std::vector<int64_t> sizes;
  for (size_t i = batch; i < wanted.size(); ++i) {
    const int axis = static_cast<int>(i) - static_cast<int>(wanted.size());
    const auto size = static_cast<int64_t>(wanted[i]);
    const int64_t has = axis >= -x.shape.rank() ? x.shape[axis] : size == -1 ? 0 : 1;
    expect(size == has || has == 1 || (size == -1 && has > 0), t.op,
           fmt::format("x is {}: size {} can't be had at axis {}", to_string(x), size, axis));
    sizes.push_back(size == -1 ? has : size);
  }
  t.set_out(0, Shape(sizes));
}

template <Reduce f>
void gradient(GradientRule& rule) {
  if constexpr (f == Reduce::amax || f == Reduce::amin) {
    rule.set(0, rule.emit("extremum_grad", {rule.in(0), rule.out(0), rule.dout(0)}, rule.attrs()));
  } else {
    const TensorType x = rule.graph()[rule.in(0)].type;
    const Shape kept = kept_shape(x, rule.attrs());
    const auto terms = static_cast<double>(x.shape.elements()) /
                       static_cast<double>(std::max<int64_t>(1, kept.elements()));
    const double scale = f == Reduce::mean && terms > 0 ? 1 / terms : 1;
    rule.set(0, expand_to(rule, rule.graph().reshape(rule.dout(0), kept), x.shape, scale));
  }
}

void gradient_expand(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  const Value dx = sum_to(rule, rule.dout(0), x);
  rule.set(0, expand_to(rule, dx, x, rule.attrs().real(expand_attr::scale)));
}

/// An operation for each element of x.
Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = t.in_elements(0);
  return cost;
}
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 2); }
Cost cost_expand(const OpTypes& t) { return stream_cost(t, 1); }

constexpr double kMaxSize = 0x1p53, kMaxScale = std::numeric_limits<double>::max();
constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"x", Layout::any}, {"y", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};
constexpr AttrDef kAttrs[] = {
    {.name = "dim", .min = -kMaxRank - 1, .max = kMaxRank, .count = kMaxRank + 1, .list = true},
    {.name = "keepdim", .type = AttrType::flag, .max = 1}};
constexpr AttrDef kExpandAttrs[] = {
    {.name = "shape", .min = -1, .max = kMaxSize, .count = kMaxRank + 1, .list = true},
    {.name = "scale", .type = AttrType::real, .initial = 1, .min = -kMaxScale, .max = kMaxScale}};

// Golden values: tests/oracle/reduce.py. Results by the axes that are reduced.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
struct Golden {
  double last[12], middle[8], outer[6], plane[4], all[1], special[6];
};
constexpr double kX[] = {1.5, -2,  0.25, 3,     2.5, -0.5, -1,    0.75, -1.25, 2,  1.75, -3,
                         -4,  0.5, 1,    -0.25, 6,   -5,   0.125, 8,    7,     -8, 5,    -6};
constexpr Golden kSumY = {{-0.5, 3.25, 2, -0.25, 0.75, -1.25, -3.5, 0.75, 1, 8.125, -1, -1},
                          {4.25, 0.5, -0.5, -0.25, 3, -4.75, 12.125, -6},
                          {-0.75, 4, 0.75, 4.625, -0.25, 0},
                          {4.75, -0.75, -1.75, 6.125},
                          {4},
                          {kNan, kNan, kInf, -kInf, 0, 4e-40}};
constexpr Golden kMeanY = {
    {-0.25, 1.625, 1, -0.125, 0.375, -0.625, -1.75, 0.375, 0.5, 4.0625, -0.5, -0.5},
    {1.41666666666667, 0.166666666666667, -0.166666666666667, -0.0833333333333333, 1,
     -1.58333333333333, 4.04166666666667, -2},
    {-0.1875, 1, 0.1875, 1.15625, -0.0625, 0},
    {0.791666666666667, -0.125, -0.291666666666667, 1.02083333333333},
    {0.333333333333333},
    {kNan, kNan, kInf, -kInf, 0, 1.33333333333333e-40}};
constexpr Golden kAmaxY = {{1.5, 3, 2.5, 0.75, 2, 1.75, 0.5, 1, 6, 8, 7, 5},
                           {2.5, 3, 1.75, 2, 6, 0.5, 7, 8},
                           {1.5, 3, 2.5, 8, 7, 6},
                           {3, 2, 6, 8},
                           {3},
                           {kNan, kInf, kInf, 2, -0.0, 2e-40}};
constexpr Golden kAminY = {{-2, 0.25, -0.5, -1, -1.25, -3, -4, -0.25, -5, 0.125, -8, -6},
                           {0.25, -2, -1.25, -3, -4, -5, 0.125, -8},
                           {-2, -1.25, -3, -4, -8, -6},
                           {-2, -3, -5, -8},
                           {-3},
                           {kNan, -kInf, 1, -kInf, -0.0, 1e-40}};
constexpr double kSpecialX[] = {kNan,  1,  2, kInf, 1,    -kInf, kInf,  2,     1,
                                -kInf, -3, 2, -0.0, -0.0, -0.0,  1e-40, 2e-40, 1e-40};
constexpr double kZerosX[] = {0, -0.0, -0.0, 0, -0.0, -0.0, 0, 0};
constexpr double kDy[] = {1, -2, 0.5, 3, -1.5, 0.75, 2, -0.25, 4, 1, -3, 2.5};
constexpr double kTiesX[] = {1.5, -2,  0.25, 3,  3, -0.5, -1,    0.75, -1, 2,  2, 2,
                             -4,  0.5, 1,    -4, 6, -4,   0.125, 8,    8,  -8, 5, -8},
                 kTiesAmax[] = {1.5, 3, 3, 0.75, 2, 2, 0.5, 1, 6, 8, 8, 5},
                 kTiesAmin[] = {-2, -1, -0.5, -4, -8, -8};
constexpr double kAmaxDx[] = {1, 0, 0,     -2, 0.5, 0, 0, 3, 0,  -1.5, 0.375, 0.375,
                              0, 2, -0.25, 0,  4,   0, 0, 1, -3, 0,    2.5,   0};
constexpr double kAminDx[] = {0, 1, 0, 0, 0, 0.5, 0, 0, -2, 0,    0, 0,
                              3, 0, 0, 0, 0, 0,   0, 0, 0,  -1.5, 0, 0.75};
constexpr double kSpecialDx[] = {kNan, kNan, kNan, -2,   0,    0,    0.5, 0,    0,
                                 0,    0,    3,    -0.5, -0.5, -0.5, 0,   0.75, 0};
constexpr double kScaledY[] = {3, 3, -6, -6, 1.5, 1.5, 9, 9, -4.5, -4.5, 2.25, 2.25};
constexpr double kRepeatedY[] = {1, -2, 0.5, 1, -2, 0.5, 3, -1.5, 0.75, 3, -1.5, 0.75};

constexpr auto kFirst = [](const auto& values, size_t n) { return std::span(values).first(n); };
constexpr CaseInput kGolden{.shape = {2, 3, 2}, .values = kX},
    kTies{.shape = {2, 3, 2}, .values = kTiesX}, kSpecial{.shape = {6, 3}, .values = kSpecialX};

/// Nothing has a sum, and a mean where no result is asked for.
constexpr Case empty(Reduce f) {
  const bool extremes = f == Reduce::amax || f == Reduce::amin;
  return {.name = "empty",
          .attrs = f == Reduce::mean ? "dim=1" : "dim=2",
          .inputs = {{{.shape = {3, 0, 2}}}},
          .error = extremes ? "x is float32 (N, 3, 0, 2) and has no elements to compare" : ""};
}

template <Reduce f, const Golden& y>
constexpr Case kCases[] = {
    {.name = "golden", .attrs = "dim=3", .inputs = {{kGolden}}, .expect = {y.last}},
    {.name = "golden_middle",
     .attrs = "dim=-2 keepdim=1",
     .inputs = {{kGolden}},
     .expect = {y.middle}},
    {.name = "golden_outer", .attrs = "dim=1,3", .inputs = {{kGolden}}, .expect = {y.outer}},
    {.name = "golden_plane", .attrs = "dim=3,2", .inputs = {{kGolden}}, .expect = {y.plane}},
    {.name = "golden_all",
     .n = 1,
     .inputs = {{{.shape = {2, 3, 2}, .values = kFirst(kX, 12)}}},
     .expect = {y.all}},
    {.name = "special", .attrs = "dim=2", .n = 1, .inputs = {{kSpecial}}, .expect = {y.special}},
    {.name = "zeros", .attrs = "dim=2", .inputs = {{{.shape = {2, 2}, .values = kZerosX}}}},
    {.name = "planes",
     .attrs = "dim=2,3",
     .n = 33,
     .inputs = {{{.shape = {16, 14, 14}, .fill = Fill::unit}}},
     .bench = true},
    {.name = "channels",
     .attrs = "dim=1",
     .n = 17,
     .inputs = {{{.shape = {31, 3, 5}, .fill = Fill::unit}}}},
    {.name = "all", .n = 17, .inputs = {{{.shape = {3, 5, 7}, .fill = Fill::unit}}}},
    {.name = "long", .n = 1, .inputs = {{{.shape = {20011}}}}},
    {.name = "wide",
     .attrs = "dim=1",
     .n = 1,
     .inputs = {{{.shape = {67, 301}, .fill = Fill::unit}}}},
    {.name = "pairs",
     .attrs = "dim=1",
     .n = 1,
     .inputs = {{{.shape = {2, 301}, .fill = Fill::unit}}}},
    {.name = "scalar", .n = 17, .inputs = {{{.shape = {}, .fill = Fill::unit}}}},
    empty(f),
    {.name = "range",
     .attrs = "dim=1,3",
     .inputs = {{{.shape = {3, 4}}}},
     .error = "dim=3 is out of range for float32 (N, 3, 4)"},
    {.name = "batch",
     .attrs = "dim=0",
     .inputs = {{{.shape = {3, 4}}}},
     .error = "dim=0 is the batch of float32 (N, 3, 4)"},
    {.name = "twice",
     .attrs = "dim=1,-2",
     .inputs = {{{.shape = {3, 4}}}},
     .error = "dim=-2 is an axis of float32 (N, 3, 4) given twice"},
    {.name = "attribute",
     .attrs = "axis=1",
     .inputs = {{{.shape = {3, 4}}}},
     .error = "has no attribute 'axis'"},
};

/// x and y are whole numbers below 2, so that there are many ties.
constexpr Case ties(std::string_view name, std::string_view attrs, int64_t n, const Shape& x,
                    const Shape& y, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = x, .fill = Fill::labels, .range = 2},
                      {.shape = y, .fill = Fill::labels, .range = 2},
                      {.shape = y}}},
          .bench = bench};
}
constexpr Case kGradCases[] = {
    {.name = "golden",
     .attrs = "dim=3",
     .inputs = {{kTies, {.shape = {2, 3}, .values = kTiesAmax}, {.shape = {2, 3}, .values = kDy}}},
     .expect = {kAmaxDx}},
    {.name = "golden_amin",
     .attrs = "dim=1,3 keepdim=1",
     .inputs = {{kTies,
                 {.shape = {1, 3, 1}, .values = kTiesAmin},
                 {.shape = {1, 3, 1}, .values = kFirst(kDy, 6)}}},
     .expect = {kAminDx}},
    {.name = "special",
     .attrs = "dim=2",
     .n = 1,
     .inputs = {{kSpecial,
                 {.shape = {6}, .values = kAmaxY.special},
                 {.shape = {6}, .values = kFirst(kDy, 6)}}},
     .expect = {kSpecialDx}},
    ties("planes", "dim=2,3", 33, {6, 14, 14}, {6}, true),
    ties("channels", "dim=1", 17, {67, 3, 5}, {3, 5}),
    ties("outer", "dim=1,3", 2, {13, 3, 11}, {3}),
    ties("rows", "dim=2", 1, {5, 301}, {5}),
    ties("wide", "dim=1", 1, {64, 301}, {301}),
    {.name = "y_size",
     .attrs = "dim=2",
     .inputs = {{{.shape = {3, 4}}, {.shape = {4}}, {.shape = {3}}}},
     .error = "y is float32 (N, 4) and dy float32 (N, 3), but x reduced is float32 (N, 3)"},
    {.name = "keepdim",
     .attrs = "dim=2 keepdim=1",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3}}, {.shape = {3}}}},
     .error = "but x reduced is float32 (N, 3, 1)"},
    {.name = "batch",
     .attrs = "dim=0",
     .inputs = {{{.shape = {3}}, {.shape = {3}}, {.shape = {3}}}},
     .error = "dim=0 is the batch"},
};

constexpr Case kExpandCases[] = {
    {.name = "golden",
     .attrs = "shape=-1,3,2 scale=3",
     .inputs = {{{.shape = {3, 1}, .values = kFirst(kDy, 6)}}},
     .expect = {kScaledY}},
    {.name = "golden_repeat",
     .attrs = "shape=-1,2,-1",
     .inputs = {{{.shape = {1, 3}, .values = kFirst(kDy, 6)}}},
     .expect = {kRepeatedY}},
    {.name = "same", .attrs = "shape=-1,3,5 scale=-1", .n = 17, .inputs = {{{.shape = {3, 5}}}}},
    {.name = "planes",
     .attrs = "shape=-1,6,14,14 scale=0.25",
     .n = 17,
     .inputs = {{{.shape = {6, 1, 1}}}},
     .bench = true},
    {.name = "both", .attrs = "shape=-1,7,3,5,2", .n = 17, .inputs = {{{.shape = {1, 3, 1, 2}}}}},
    {.name = "long", .attrs = "shape=-1,17001", .n = 1, .inputs = {{{.shape = {1}}}}},
    {.name = "size",
     .attrs = "shape=-1,3,5",
     .inputs = {{{.shape = {3, 4}}}},
     .error = "x is float32 (N, 3, 4): size 5 can't be had at axis -1"},
    {.name = "new_axis",
     .attrs = "shape=-1,-1,4",
     .inputs = {{{.shape = {4}}}},
     .error = "x is float32 (N, 4): size -1 can't be had at axis -2"},
    {.name = "rank",
     .attrs = "shape=-1,4",
     .inputs = {{{.shape = {1, 4}}}},
     .error = "shape has 2 axes, but x is float32 (N, 1, 4)"},
    {.name = "batch",
     .attrs = "shape=2,4",
     .inputs = {{{.shape = {4}}}},
     .error = "shape begins with 2, but the batch of float32 (N, 4) stays"},
};

consteval OpDef row(OpDef op) {
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  return checked(op);
}

template <Reduce f>
consteval OpDef reduction(std::string_view name, KernelFn cpu, CudaFn cuda,
                          std::span<const Case> cases) {
  constexpr bool kExtremum = f == Reduce::amax || f == Reduce::amin;
  return row({.name = name,
              .inputs = kInputs,
              .outputs = kOutputs,
              .attrs = kAttrs,
              .infer = kExtremum ? infer_extremum : infer,
              .reference = {reduce_ref<float, f>, reduce_ref<double, f>},
              .cpu = cpu,
              .cuda = cuda_twin(cuda),
              .gradient = gradient<f>,
              .cost = cost,
              .cases = cases,
              .bit_exact = kExtremum});
}

constexpr OpDef kOps[] = {
    reduction<Reduce::sum>("sum", sum_cpu, sum_cuda, kCases<Reduce::sum, kSumY>),
    reduction<Reduce::mean>("mean", mean_cpu, mean_cuda, kCases<Reduce::mean, kMeanY>),
    reduction<Reduce::amax>("amax", amax_cpu, amax_cuda, kCases<Reduce::amax, kAmaxY>),
    reduction<Reduce::amin>("amin", amin_cpu, amin_cuda, kCases<Reduce::amin, kAminY>),
    row({.name = "extremum_grad",
         .inputs = kGradInputs,
         .outputs = kGradOutputs,
         .attrs = kAttrs,
         .infer = infer_extremum_grad,
         .reference = {extremum_grad_ref<float>, extremum_grad_ref<double>},
         .cpu = extremum_grad_cpu,
         .cuda = cuda_twin(extremum_grad_cuda),
         .gradient = not_differentiable,
         .cost = cost_grad,
         .cases = kGradCases,
         .bit_exact = true}),
    row({.name = "expand",
         .inputs = kInputs,
         .outputs = kOutputs,
         .attrs = kExpandAttrs,
         .infer = infer_expand,
         .reference = {expand_ref<float>, expand_ref<double>},
         .cpu = expand_cpu,
         .cuda = cuda_twin(expand_cuda),
         .gradient = gradient_expand,
         .cost = cost_expand,
         .cases = kExpandCases,
         .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> reduce_ops;
constinit const std::span<const OpDef> reduce_ops{kOps};

}  // namespace cairn
