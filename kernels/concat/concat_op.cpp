#include <fmt/format.h>

#include "core/autodiff.h"
#include "core/op_table.h"
#include "kernels/concat/concat.h"
#include "kernels/slice/axis_runs.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const Shape &a = t.shape(0), &b = t.shape(1);
  const int64_t dim = t.attrs.integer(concat_attr::dim);
  const int axis = example_axis(t.op, t.in[0], dim);
  expect(
      t.in[0].batched == t.in[1].batched && a.rank() == b.rank() && resized(b, axis, a[axis]) == a,
      t.op,
      fmt::format("a is {}, but b is {}: sizes may differ along dim={} alone", to_string(t.in[0]),
                  to_string(t.in[1]), dim));
  t.set_out(0, resized(a, axis, a[axis] + b[axis]));
}

void gradient(GradientRule& rule) {
  const double dim = rule.attrs().real(concat_attr::dim);
  double start = 0;
  for (int i = 0; i < 2; ++i) {
    const TensorType& type = rule.graph()[rule.in(i)].type;
    const int axis = example_axis(rule.op_name(), type, rule.attrs().integer(concat_attr::dim));
    const double end = start + static_cast<double>(type.shape[axis]);
    if (rule.wants(i)) {
      Attrs attrs(find_op("slice").attrs.items);
      attrs.set("dim", dim).set("start", start).set("end", end);
      rule.set(i, rule.emit("slice", {rule.dout(0)}, attrs));
    }
    start = end;
  }
}

Cost cost(const OpTypes& t) { return stream_cost(t, 0); }

constexpr InputDef kInputs[] = {{"a", Layout::any}, {"b", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr AttrDef kAttrs[] = {{.name = "dim", .min = -kMaxRank - 1, .max = kMaxRank}};

// Golden values: tests/oracle/movement.py.
constexpr double kX[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kB[] = {-0.5, 0.25, -0.75, 0};
constexpr double kC[] = {-0.5, 0, 0.5, -0.75, -0.25, 0.25};
constexpr double kConcatY[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.5,  0.25,
                               -0.25, 1, -1,   0.25,  1.5, -0.5, -0.75, 0};
constexpr double kConcatLastY[] = {-1.25, 0, -0.5,  1.25, -0.75, 0,     0.5, -1.5, 0.5,
                                   -0.25, 1, -0.75, -1,   0.25,  -0.25, 1.5, -0.5, 0.25};
constexpr CaseInput kGoldenA{.shape = {3, 2}, .values = kX};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "dim=1",
     .inputs = {{kGoldenA, {.shape = {1, 2}, .values = kB}}},
     .expect = {kConcatY}},
    {.name = "golden_last",
     .attrs = "dim=-1",
     .inputs = {{kGoldenA, {.shape = {3, 1}, .values = kC}}},
     .expect = {kConcatLastY}},
    {.name = "vectors", .attrs = "dim=1", .n = 1, .inputs = {{{.shape = {7}}, {.shape = {31}}}}},
    {.name = "columns",
     .attrs = "dim=3",
     .n = 17,
     .inputs = {{{.shape = {3, 5, 7}}, {.shape = {3, 5, 2}}}}},
    {.name = "rows",
     .attrs = "dim=-2",
     .n = 2,
     .inputs = {{{.shape = {3, 1, 7}}, {.shape = {3, 9, 7}}}}},
    {.name = "nothing", .attrs = "dim=1", .inputs = {{{.shape = {0, 3}}, {.shape = {2, 3}}}}},
    {.name = "channels",
     .attrs = "dim=1",
     .n = 33,
     .inputs = {{{.shape = {16, 14, 14}}, {.shape = {32, 14, 14}}}},
     .bench = true},
    {.name = "wrong_size",
     .attrs = "dim=1",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "a is float32 (N, 3, 4), but b is float32 (N, 3, 5): sizes may differ along dim=1"},
    {.name = "wrong_rank",
     .attrs = "dim=1",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3}}}},
     .error = "but b is float32 (N, 3)"},
    {.name = "batch", .inputs = {{{.shape = {3}}, {.shape = {3}}}}, .error = "dim=0 is the batch"},
    {.name = "range",
     .attrs = "dim=2",
     .inputs = {{{.shape = {3}}, {.shape = {3}}}},
     .error = "dim=2 is out of range"},
};

constexpr OpDef kOps[] = {
    checked({.name = "concat",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {concat_ref<float>, concat_ref<double>},
             .cuda = cuda_twin(concat_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> concat_ops;
constinit const std::span<const OpDef> concat_ops{kOps};

}  // namespace cairn
