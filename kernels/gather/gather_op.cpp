#include "kernels/gather/gather.h"

#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void expect_index(const OpTypes& t, const Shape& index, const Shape& x) {
  const std::string text = fmt::format("index {} of x {}", to_string(index), to_string(x));
  expect(x.rank() >= 1 && index.rank() == x.rank(), t.op,
         fmt::format("{}: equal ranks from 1 are needed", text));
  const int axis = example_axis(t.op, {DType::f32, x, false}, t.attrs.integer(gather_attr::dim));
  for (int k = 0; k < x.rank(); ++k)
    expect(k == axis || index[k] <= x[k], t.op,
           fmt::format("{} is larger along another axis than {}", text, axis));
}

void infer(const OpTypes& t) {
  expect_index(t, t.shape(1), t.shape(0));
  t.set_out(0, t.shape(1));
}

void infer_grad(const OpTypes& t) {
  expect(t.shape(0) == t.shape(1), t.op,
         fmt::format("dy {} and index {} differ in shape", to_string(t.shape(0)),
                     to_string(t.shape(1))));
  std::vector<int64_t> dims;
  for (int k = 0; k < t.attrs.size(gather_attr::input_size); ++k)
    dims.push_back(t.attrs.integer(gather_attr::input_size, k));
  expect_index(t, t.shape(1), Shape(dims));
  t.set_out(0, Shape(dims));
}

constexpr AttrDef kGradAttrs[] = {
    {.name = "dim", .min = -kMaxRank, .max = kMaxRank - 1},
    {.name = "input_size", .max = 1ll << 53, .count = kMaxRank, .list = true}};
constexpr std::span<const AttrDef> kAttrs = std::span(kGradAttrs).first(gather_attr::input_size);

void gradient(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  const std::vector<double> size(x.dims().begin(), x.dims().end());
  Attrs attrs(kGradAttrs);
  attrs.set("dim", rule.attrs().real(gather_attr::dim)).set("input_size", size);
  rule.set(0, rule.emit("gather_grad", {rule.dout(0), rule.in(1)}, attrs));
}

void gradient_grad(GradientRule& rule) {
  Attrs attrs(kAttrs);
  attrs.set("dim", rule.attrs().real(gather_attr::dim));
  rule.set(0, rule.emit("gather", {rule.dout(0), rule.in(1)}, attrs));
}

// An element is read for each index.
Cost cost(const OpTypes& t) {
  return {(2 * sizeof(float) + sizeof(int32_t)) * t.out_elements(0), 0};
}
Cost cost_grad(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = t.in_elements(0);
  return cost;
}

constexpr InputDef kInputs[] = {{"x", Layout::plain},
                                {"index", Layout::plain, Use::read, DType::i32}};
constexpr OutputDef kOutputs[] = {{"y", Layout::plain}};
constexpr InputDef kGradInputs[] = {{"dy", Layout::plain},
                                    {"index", Layout::plain, Use::read, DType::i32}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::plain}};

// Golden values: tests/oracle/indexing.py.
constexpr double kX[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kIndex[] = {2, 0, 0, 0, 1, 2, 2, 0};
constexpr double kY[] = {-1, 0, -1.25, 0, 0.5, 0.25, -1, 0};
constexpr double kDy[] = {-1, -0.25, 0.5, 1.25, -0.75, 0, 0.75, -1.25};
constexpr double kDx[] = {0.5, -0.25, 0, 0, -0.75, 0, 0, 0, -0.25, 0, 0, 0};
constexpr double kLast[] = {3, 3, 0, 1, 3, 2, 0, 0, 2, 1};
constexpr double kLastY[] = {-0.75, -0.75, -1.25, 0, -0.75, -0.25, 0.5, 0.5, -0.25, -1.5};
constexpr double kLastDy[] = {-1, -0.25, 0.5, 1.25, -0.75, 0, 0.75, -1.25, -0.5, 0.25};
constexpr double kLastDx[] = {0.5, 1.25, 0, -2, -0.5, 0.25, -0.5, 0, 0, 0, 0, 0};
constexpr double kTooLarge[] = {0, 3}, kNegative[] = {-1, 2};
constexpr CaseInput kGoldenX{.shape = {3, 4}, .values = kX},
    kGoldenIndex{.shape = {4, 2}, .values = kIndex}, kLastIndex{.shape = {2, 5}, .values = kLast};
constexpr CaseInput index_of(const Shape& shape, double range) {
  return {.shape = shape, .fill = Fill::labels, .range = range};
}
constexpr Case kCases[] = {
    {.name = "golden", .inputs = {{kGoldenX, kGoldenIndex}}, .expect = {kY}},
    {.name = "golden_last",
     .attrs = "dim=-1",
     .inputs = {{kGoldenX, kLastIndex}},
     .expect = {kLastY}},
    {.name = "vector", .inputs = {{{.shape = {7}}, index_of({17}, 7)}}},
    {.name = "middle",
     .attrs = "dim=1",
     .inputs = {{{.shape = {5, 7, 3}}, index_of({4, 33, 2}, 7)}}},
    {.name = "nothing", .inputs = {{{.shape = {7, 2}}, index_of({0, 2}, 7)}}},
    {.name = "tokens",
     .attrs = "dim=1",
     .inputs = {{{.shape = {64, 1000}}, index_of({64, 64}, 1000)}},
     .bench = true},
    {.name = "too_large",
     .inputs = {{{.shape = {3}}, {.shape = {2}, .values = kTooLarge}}},
     .error = "index 3 at element 1 is outside 0 to 2"},
    {.name = "negative",
     .inputs = {{{.shape = {3}}, {.shape = {2}, .values = kNegative}}},
     .error = "index -1 at element 0 is outside 0 to 2"},
    {.name = "ranks",
     .inputs = {{{.shape = {3, 4}}, {.shape = {2}}}},
     .error = "index (2) of x (3, 4): equal ranks from 1 are needed"},
    {.name = "larger",
     .inputs = {{{.shape = {3, 4}}, {.shape = {7, 5}}}},
     .error = "is larger along another axis than 0"},
    {.name = "range",
     .attrs = "dim=2",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 4}}}},
     .error = "dim=2 is out of range"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .attrs = "input_size=3,4",
     .inputs = {{{.shape = {4, 2}, .values = kDy}, kGoldenIndex}},
     .expect = {kDx}},
    {.name = "golden_last",
     .attrs = "dim=-1 input_size=3,4",
     .inputs = {{{.shape = {2, 5}, .values = kLastDy}, kLastIndex}},
     .expect = {kLastDx}},
    {.name = "middle",
     .attrs = "dim=1 input_size=5,7,3",
     .inputs = {{{.shape = {4, 33, 2}}, index_of({4, 33, 2}, 7)}}},
    {.name = "nothing",
     .attrs = "input_size=7,2",
     .inputs = {{{.shape = {0, 2}}, index_of({0, 2}, 7)}}},
    {.name = "tokens",
     .attrs = "dim=1 input_size=64,1000",
     .inputs = {{{.shape = {64, 64}}, index_of({64, 64}, 1000)}},
     .bench = true},
    {.name = "too_large",
     .attrs = "input_size=3",
     .inputs = {{{.shape = {2}}, {.shape = {2}, .values = kTooLarge}}},
     .error = "index 3 at element 1 is outside 0 to 2"},
    {.name = "no_size", .inputs = {{{.shape = {2}}, {.shape = {2}}}}, .error = "index (2) of x ()"},
    {.name = "shapes",
     .attrs = "input_size=3",
     .inputs = {{{.shape = {3}}, {.shape = {2}}}},
     .error = "dy (3) and index (2) differ in shape"},
};

consteval OpDef row(OpDef op) {
  op.scope = Scope::whole;
  op.workspace = no_workspace;
  op.fusions = none;
  op.bit_exact = true;
  return checked(op);
}

constexpr OpDef kOps[] = {
    row({.name = "gather",
         .inputs = kInputs,
         .outputs = kOutputs,
         .attrs = kAttrs,
         .infer = infer,
         .reference = {gather_ref<float>, gather_ref<double>},
         .cuda = cuda_twin(gather_cuda),
         .gradient = gradient,
         .cost = cost,
         .cases = kCases}),
    row({.name = "gather_grad",
         .inputs = kGradInputs,
         .outputs = kGradOutputs,
         .attrs = kGradAttrs,
         .infer = infer_grad,
         .reference = {gather_grad_ref<float>, gather_grad_ref<double>},
         .cuda = cuda_twin(gather_grad_cuda),
         .gradient = gradient_grad,
         .cost = cost_grad,
         .cases = kGradCases}),
};

}  // namespace

extern const std::span<const OpDef> gather_ops;
constinit const std::span<const OpDef> gather_ops{kOps};

}  // namespace cairn
