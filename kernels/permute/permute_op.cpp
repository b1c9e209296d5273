#include "kernels/permute/permute.h"

#include <algorithm>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

constexpr AttrDef kTransposeAttrs[] = {{.name = "dim0", .min = -kMaxRank - 1, .max = kMaxRank},
                                       {.name = "dim1", .min = -kMaxRank - 1, .max = kMaxRank}};
constexpr AttrDef kPermuteAttrs[] = {
    {.name = "dims", .min = -kMaxRank - 1, .max = kMaxRank, .count = kMaxRank + 1, .list = true}};

template <Axes (*axes_of)(const TensorType&, const Attrs&)>
void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  const Axes axes = axes_of(t.in[0], t.attrs);
  std::vector<int64_t> dims;
  for (int k = 0; k < x.rank(); ++k) dims.push_back(x[axes[static_cast<size_t>(k)]]);
  t.set_out(0, Shape(dims));
}

void transpose_gradient(GradientRule& rule) {
  rule.set(0, rule.emit("transpose", {rule.dout(0)}, rule.attrs()));
}

void permute_gradient(GradientRule& rule) {
  const TensorType& x = rule.graph()[rule.in(0)].type;
  const Axes axes = permute_axes(x, rule.attrs());
  const int batch = x.batched ? 1 : 0;
  std::vector<double> inverse(static_cast<size_t>(x.shape.rank() + batch));
  for (int k = 0; k < x.shape.rank(); ++k)
    inverse[static_cast<size_t>(axes[static_cast<size_t>(k)] + batch)] = k + batch;
  rule.set(0, rule.emit("permute", {rule.dout(0)}, Attrs(kPermuteAttrs).set("dims", inverse)));
}

Cost cost(const OpTypes& t) { return stream_cost(t, 0); }

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};

// Golden values: tests/oracle/movement.py.
constexpr double kX[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kTransposeY[] = {-1.25, -0.75, 0, 0.5, 1.25, -1.5, -0.25, 0.25, 1, 1.5, -1, -0.5};
constexpr double kPermuteY[] = {-1.25, 1.25, 0.5, -0.25, -1, 1.5, 0, -0.75, -1.5, 1, 0.25, -0.5};
constexpr Case bad(std::string_view name, std::string_view attrs, std::string_view error) {
  return {.name = name, .attrs = attrs, .inputs = {{{.shape = {2, 3}}}}, .error = error};
}
constexpr Case kTransposeCases[] = {
    {.name = "golden",
     .attrs = "dim0=1 dim1=-1",
     .inputs = {{{.shape = {2, 3}, .values = kX}}},
     .expect = {kTransposeY}},
    {.name = "same", .attrs = "dim0=1 dim1=1", .n = 1, .inputs = {{{.shape = {5, 2}}}}},
    {.name = "outer", .attrs = "dim0=1 dim1=2", .n = 17, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "far", .attrs = "dim0=-1 dim1=1", .n = 2, .inputs = {{{.shape = {33, 2, 17}}}}},
    {.name = "tiles", .attrs = "dim0=2 dim1=3", .inputs = {{{.shape = {2, 64, 96}}}}},
    {.name = "square_tiles", .attrs = "dim0=2 dim1=3", .inputs = {{{.shape = {1, 64, 64}}}}},
    {.name = "three_tiles", .attrs = "dim0=1 dim1=2", .n = 3, .inputs = {{{.shape = {2, 3}}}}},
    {.name = "many_tiles", .attrs = "dim0=2 dim1=3", .inputs = {{{.shape = {4100, 2, 3}}}}},
    {.name = "empty", .attrs = "dim0=1 dim1=2", .inputs = {{{.shape = {3, 0}}}}},
    {.name = "heads",
     .attrs = "dim0=1 dim1=2",
     .n = 33,
     .inputs = {{{.shape = {64, 8, 16}}}},
     .bench = true},
    bad("batch", "dim0=0 dim1=1", "dim=0 is the batch of float32 (N, 2, 3)"),
    bad("default", "", "dim=0 is the batch"),
    bad("range", "dim0=1 dim1=3", "dim=3 is out of range"),
};
constexpr Case kPermuteCases[] = {
    {.name = "golden",
     .attrs = "dims=0,3,1,2",
     .n = 1,
     .inputs = {{{.shape = {2, 3, 2}, .values = kX}}},
     .expect = {kPermuteY}},
    {.name = "same", .attrs = "dims=0,1,2", .n = 2, .inputs = {{{.shape = {5, 2}}}}},
    {.name = "vector", .attrs = "dims=0,1", .n = 17, .inputs = {{{.shape = {31}}}}},
    {.name = "channels_last", .attrs = "dims=0,2,3,1", .n = 17, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "reversed", .attrs = "dims=0,-1,-2,-3", .n = 1, .inputs = {{{.shape = {17, 1, 35}}}}},
    {.name = "six", .attrs = "dims=0,4,2,6,1,5,3", .inputs = {{{.shape = {2, 3, 1, 4, 2, 3}}}}},
    {.name = "patches",
     .attrs = "dims=0,2,4,1,3,5",
     .n = 33,
     .inputs = {{{.shape = {3, 8, 4, 8, 4}}}},
     .bench = true},
    bad("count", "dims=0,1", "dims names 2 axes, but float32 (N, 2, 3) has 3"),
    bad("none", "", "dims names 0 axes"),
    bad("twice", "dims=0,1,-2", "dims names axis 1 twice"),
    bad("batch", "dims=1,0,2", "the batch of float32 (N, 2, 3) must stay axis 0"),
    bad("range", "dims=0,1,3", "dim=3 is out of range"),
};

consteval OpDef row(OpDef op) {
  op.inputs = kInputs, op.outputs = kOutputs;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.cost = cost;
  op.fusions = none;
  op.bit_exact = true;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "transpose",
         .attrs = kTransposeAttrs,
         .infer = infer<transpose_axes>,
         .reference = {transpose_ref<float>, transpose_ref<double>},
         .cpu = transpose_cpu,
         .cuda = cuda_twin(transpose_cuda),
         .gradient = transpose_gradient,
         .cases = kTransposeCases}),
    row({.name = "permute",
         .attrs = kPermuteAttrs,
         .infer = infer<permute_axes>,
         .reference = {permute_ref<float>, permute_ref<double>},
         .cpu = permute_cpu,
         .cuda = cuda_twin(permute_cuda),
         .gradient = permute_gradient,
         .cases = kPermuteCases}),
};

}  // namespace

Axes transpose_axes(const TensorType& x, const Attrs& attrs) {
  const int first = example_axis("transpose", x, attrs.integer(transpose_attr::dim0));
  const int second = example_axis("transpose", x, attrs.integer(transpose_attr::dim1));
  Axes axes = {};
  for (int k = 0; k < kMaxRank; ++k) axes[static_cast<size_t>(k)] = k;
  std::swap(axes[static_cast<size_t>(first)], axes[static_cast<size_t>(second)]);
  return axes;
}

Axes permute_axes(const TensorType& x, const Attrs& attrs) {
  const int batch = x.batched ? 1 : 0, count = x.shape.rank() + batch;
  const int given = attrs.size(permute_attr::dims);
  expect(given == count, "permute",
         fmt::format("dims names {} axes, but {} has {}", given, to_string(x), count));
  if (batch) {
    const int64_t first = attrs.integer(permute_attr::dims, 0);
    expect(first == 0 || first == -count, "permute",
           fmt::format("the batch of {} must stay axis 0, examples stay apart here", to_string(x)));
  }
  Axes axes = {};
  for (int k = 0; k < x.shape.rank(); ++k) {
    const int64_t dim = attrs.integer(permute_attr::dims, k + batch);
    const int axis = example_axis("permute", x, dim);
    const auto taken = std::span(axes).first(static_cast<size_t>(k));
    expect(std::ranges::find(taken, axis) == taken.end(), "permute",
           fmt::format("dims names axis {} twice", axis + batch));
    axes[static_cast<size_t>(k)] = axis;
  }
  return axes;
}

extern const std::span<const OpDef> permute_ops;
constinit const std::span<const OpDef> permute_ops{kOps};

}  // namespace cairn
