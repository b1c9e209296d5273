#include "kernels/slice/slice.h"

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/slice/axis_runs.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  const int axis = example_axis(t.op, t.in[0], t.attrs.integer(slice_attr::dim));
  t.set_out(0, resized(x, axis, SliceRange(t.attrs, x[axis]).count));
}

void infer_grad(const OpTypes& t) {
  const Shape& dy = t.shape(0);
  const int axis = example_axis(t.op, t.in[0], t.attrs.integer(slice_attr::dim));
  const int64_t size = t.attrs.integer(slice_attr::size);
  const int64_t count = SliceRange(t.attrs, size).count;
  expect(
      dy[axis] == count, t.op,
      fmt::format("dy is {}, but the slice of {} places has {}", to_string(t.in[0]), size, count));
  t.set_out(0, resized(dy, axis, size));
}

constexpr double kMaxSize = static_cast<double>(int64_t{1} << 53);
constexpr AttrDef kGradAttrs[] = {
    {.name = "dim", .min = -kMaxRank - 1, .max = kMaxRank},
    {.name = "start", .min = -kMaxSize, .max = kMaxSize},
    {.name = "end", .initial = kMaxSize, .min = -kMaxSize, .max = kMaxSize},
    {.name = "step", .initial = 1, .min = 1, .max = kMaxSize},
    {.name = "size", .max = kMaxSize}};
constexpr std::span<const AttrDef> kAttrs = std::span(kGradAttrs).first(slice_attr::size);

/// `from`, for the other of the two ops.
Attrs same_range(const Attrs& from, std::span<const AttrDef> schema) {
  Attrs attrs(schema);
  for (int i = 0; i < slice_attr::size; ++i) attrs.set(kGradAttrs[i].name, from.real(i));
  return attrs;
}

void gradient(GradientRule& rule) {
  const TensorType& x = rule.graph()[rule.in(0)].type;
  const int axis = example_axis("slice", x, rule.attrs().integer(slice_attr::dim));
  Attrs attrs = same_range(rule.attrs(), kGradAttrs);
  attrs.set("size", static_cast<double>(x.shape[axis]));
  rule.set(0, rule.emit("slice_grad", {rule.dout(0)}, attrs));
}

void gradient_grad(GradientRule& rule) {
  rule.set(0, rule.emit("slice", {rule.dout(0)}, same_range(rule.attrs(), kAttrs)));
}

// What is not in the slice isn't read.
Cost cost(const OpTypes& t) { return {2 * sizeof(float) * t.out_elements(0), 0}; }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 0); }

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kGradInputs[] = {{"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

// Golden values: tests/oracle/movement.py.
constexpr double kX[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kSliceY[] = {1.25, -0.75, 0.5, -1.5, -1, 0.25, 1.5, -0.5};
constexpr double kSliceStepY[] = {-1.25, 0, 0.5, -1.5, -0.25, 1, 1.5, -0.5};
constexpr double kSliceNegativeY[] = {-1.25, 1.25, 0.5, -0.25, -1, 1.5};
constexpr double kDy[] = {-1, -0.25, 0.5, 1.25, -0.75, 0, 0.75, -1.25};
constexpr double kSliceDx[] = {0, 0, -1, -0.25, 0.5, 1.25, 0, 0, -0.75, 0, 0.75, -1.25};
constexpr double kSliceStepDx[] = {-1, -0.25, 0, 0, 0.5, 1.25, -0.75, 0, 0, 0, 0.75, -1.25};
constexpr CaseInput kGoldenX{.shape = {3, 2}, .values = kX};
constexpr Case kCases[] = {
    {.name = "golden", .attrs = "dim=1 start=1 end=3", .inputs = {kGoldenX}, .expect = {kSliceY}},
    {.name = "golden_step",
     .attrs = "dim=1 start=-3 end=100 step=2",
     .inputs = {kGoldenX},
     .expect = {kSliceStepY}},
    {.name = "golden_negative",
     .attrs = "dim=-1 start=-100 end=-1",
     .inputs = {kGoldenX},
     .expect = {kSliceNegativeY}},
    {.name = "empty", .attrs = "dim=1 start=2 end=1", .inputs = {kGoldenX}},
    {.name = "past_the_end", .attrs = "dim=1 start=7", .inputs = {kGoldenX}},
    {.name = "whole", .attrs = "dim=1", .n = 1, .inputs = {{{.shape = {7}}}}},
    {.name = "columns",
     .attrs = "dim=3 start=1 step=3",
     .n = 17,
     .inputs = {{{.shape = {3, 5, 8}}}}},
    {.name = "channels",
     .attrs = "dim=1 start=16 end=48",
     .n = 33,
     .inputs = {{{.shape = {64, 14, 14}}}},
     .bench = true},
    {.name = "batch", .inputs = {{{.shape = {3}}}}, .error = "dim=0 is the batch"},
    {.name = "range",
     .attrs = "dim=2",
     .inputs = {{{.shape = {3}}}},
     .error = "dim=2 is out of range"},
    {.name = "backwards",
     .attrs = "dim=1 step=-1",
     .inputs = {{{.shape = {3}}}},
     .error = "step=-1 is out of range"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .attrs = "dim=1 start=1 end=3 size=3",
     .inputs = {{{.shape = {2, 2}, .values = kDy}}},
     .expect = {kSliceDx}},
    {.name = "golden_step",
     .attrs = "dim=1 start=-3 end=100 step=2 size=3",
     .inputs = {{{.shape = {2, 2}, .values = kDy}}},
     .expect = {kSliceStepDx}},
    {.name = "empty", .attrs = "dim=1 start=2 end=1 size=3", .inputs = {{{.shape = {0, 2}}}}},
    {.name = "whole", .attrs = "dim=1 size=7", .n = 1, .inputs = {{{.shape = {7}}}}},
    {.name = "columns",
     .attrs = "dim=3 start=1 step=3 size=8",
     .n = 17,
     .inputs = {{{.shape = {3, 5, 3}}}}},
    {.name = "channels",
     .attrs = "dim=1 start=16 end=48 size=64",
     .n = 33,
     .inputs = {{{.shape = {32, 14, 14}}}},
     .bench = true},
    {.name = "wrong_size",
     .attrs = "dim=1 start=1 size=3",
     .inputs = {{{.shape = {3}}}},
     .error = "dy is float32 (N, 3), but the slice of 3 places has 2"},
    {.name = "no_size",
     .attrs = "dim=1",
     .inputs = {{{.shape = {3}}}},
     .error = "the slice of 0 places has 0"},
    {.name = "batch", .inputs = {{{.shape = {3}}}}, .error = "dim=0 is the batch"},
};

consteval OpDef row(OpDef op) {
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  op.bit_exact = true;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "slice",
         .inputs = kInputs,
         .outputs = kOutputs,
         .attrs = kAttrs,
         .infer = infer,
         .reference = {slice_ref<float>, slice_ref<double>},
         .cuda = cuda_twin(slice_cuda),
         .gradient = gradient,
         .cost = cost,
         .cases = kCases}),
    row({.name = "slice_grad",
         .inputs = kGradInputs,
         .outputs = kGradOutputs,
         .attrs = kGradAttrs,
         .infer = infer_grad,
         .reference = {slice_grad_ref<float>, slice_grad_ref<double>},
         .cuda = cuda_twin(slice_grad_cuda),
         .gradient = gradient_grad,
         .cost = cost_grad,
         .cases = kGradCases}),
};

}  // namespace

extern const std::span<const OpDef> slice_ops;
constinit const std::span<const OpDef> slice_ops{kOps};

}  // namespace cairn
