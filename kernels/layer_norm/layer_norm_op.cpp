#include "kernels/layer_norm/layer_norm.h"

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/bias/bias.h"

namespace cairn {
namespace {

/// The axes of a row: of x, input i.
Shape row_shape(const OpTypes& t, int i) {
  const Shape& x = t.shape(i);
  const int64_t dims = t.attrs.integer(layer_norm_attr::dims);
  expect(x.rank() >= 1, t.op, "x of one example is a scalar, but needs an axis");
  expect(dims <= x.rank(), t.op,
         fmt::format("dims={} are more axes than one example of x, {}, has", dims,
                     to_string(t.in[static_cast<size_t>(i)])));
  const Shape row(x.dims().last(static_cast<size_t>(dims == 0 ? x.rank() : dims)));
  expect(row.elements() >= 1, t.op, fmt::format("rows {} of x have no values", to_string(row)));
  return row;
}

/// The stats of x, input i: the axes before a row's, and 3.
Shape stats_shape(const OpTypes& t, int i) {
  const Shape& x = t.shape(i);
  const auto lead = x.dims().first(static_cast<size_t>(x.rank() - row_shape(t, i).rank()));
  std::vector<int64_t> dims(lead.begin(), lead.end());
  dims.push_back(3);
  return Shape(dims);
}

void expect_row(const OpTypes& t, int i, const char* name, const Shape& row) {
  if (!t.has(i)) return;
  expect(t.shape(i) == row, t.op,
         fmt::format("{} {} must be {}", name, to_string(t.shape(i)), to_string(row)));
}

void infer(const OpTypes& t) {
  const Shape row = row_shape(t, 0);
  expect_row(t, 1, "weight", row);
  expect_row(t, 2, "bias", row);
  t.set_out(0, t.shape(0));
  t.set_out(1, stats_shape(t, 0));
}

void expect_gradient(const OpTypes& t) {
  const Shape stats = stats_shape(t, 1);
  expect(t.shape(0) == t.shape(1), t.op,
         fmt::format("dy is {}, but x is {}", to_string(t.in[0]), to_string(t.in[1])));
  expect(t.shape(2) == stats, t.op,
         fmt::format("stats {} must be {}", to_string(t.shape(2)), to_string(stats)));
}

void infer_grad(const OpTypes& t) {
  expect_gradient(t);
  expect_row(t, 3, "weight", row_shape(t, 1));
  t.set_out(0, t.shape(1));
}

void infer_grad_sums(const OpTypes& t) {
  expect_gradient(t);
  for (int i = 0; i <= 1; ++i) t.set_out(i, row_shape(t, 1));
}

/// Two float64 sums for each part of each row.
int64_t workspace(const OpTypes& t, int i) {
  const LayerNormShape shape(t.shape(i), t.attrs, t.n);
  return 2 * shape.count() * layer_norm_parts(shape.count(), shape.size) * int64_t{sizeof(double)};
}
int64_t workspace_forward(const OpTypes& t) { return workspace(t, 0); }
int64_t workspace_grad(const OpTypes& t) { return workspace(t, 1); }
/// And for each part of each element of a row.
int64_t workspace_sums(const OpTypes& t) {
  const LayerNormShape shape(t.shape(1), t.attrs, t.n);
  return 2 * shape.size * bias_grad_parts(shape.size, shape.count()) * int64_t{sizeof(double)};
}

/// Of an element: 1 for the mean, 3 for the variance, 5 for y; 9 for two sums and 6 for dx; 6.
Cost cost(const OpTypes& t) { return stream_cost(t, 9); }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 15); }
Cost cost_grad_sums(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.flops = 6 * t.in_elements(0);
  return cost;
}

constexpr InputDef kWeight{"weight", Layout::plain, Use::optional},
    kBias{"bias", Layout::plain, Use::optional};
constexpr InputDef kInputs[] = {{"x"}, kWeight, kBias};
constexpr InputDef kGradInputs[] = {{"dy"}, {"x"}, {"stats"}, kWeight};
constexpr OutputDef kOutputs[] = {{"y"}, {"stats"}};
constexpr OutputDef kGradOutputs[] = {{"dx"}};
constexpr OutputDef kSumsOutputs[] = {{"dweight", Layout::plain, true},
                                      {"dbias", Layout::plain, true}};
constexpr AttrDef kAttrs[] = {{.name = "dims", .min = 0, .max = kMaxRank},
                              {.name = "eps", .type = AttrType::real, .initial = 1e-5, .max = 1}};
constexpr auto kGradAttrs = std::span(kAttrs).first(1);

void gradient(GradientRule& rule) {
  if (rule.dout(1)) not_differentiable(rule);
  const Value dy = rule.dout(0), x = rule.in(0), stats = rule.out(1);
  Attrs attrs(kGradAttrs);
  attrs.set("dims", rule.attrs().real(layer_norm_attr::dims));
  if (rule.wants(0)) rule.set(0, rule.emit("layer_norm_grad", {dy, x, stats, rule.in(1)}, attrs));
  if (!rule.wants(1) && !rule.wants(2)) return;
  const auto sums = rule.emit_all("layer_norm_grad_sums", {dy, x, stats}, attrs);
  rule.set(1, sums[0]);
  rule.set(2, sums[1]);
}

// Golden values: tests/oracle/layer_norm.py.
constexpr double kX[] = {1.5, -2, 0.25, 8, -0.5, 3, 1, 0.5, -4, 2.5, 0.75, -1};
constexpr double kDy[] = {0.5, -1, 0.25, 2, -0.75, 1, -0.5, 0.25, 3, -2, 0.125, -1.5};
constexpr double kW[] = {0.5, -2, 1, 1.5, -1, 0.25}, kB[] = {0.25, 1, 0, -0.5, 2, -1};
constexpr double kFar[] = {1000 + 3 / 512.0, 1000 - 8 / 512.0, 1000 + 1 / 512.0, 1000 + 7 / 512.0,
                           1000 - 2 / 512.0, 1000 + 5 / 512.0, 1000 - 6 / 512.0, 1000,
                           1000 + 4 / 512.0, 1000 - 3 / 512.0};
constexpr double kAllY[] = {0.217608877492334, 3.3062479225458,   -0.453475715107319,
                            2.43463569919451,  2.68669179716251,  -0.899587520226236,
                            0.50488950423311,  0.469829831195132, -1.93716023217163,
                            1.36579117098636,  1.61256795356567,  -1.11724917194723};
constexpr double kAllStats[] = {1.70833333333333,    0, 0.310954776073591,
                                -0.0416666666666667, 0, 0.489387848127571};
constexpr double kAllDx[] = {-0.24899351019831,  0.465453241629131,   -0.188180691020218,
                             0.289905464277985,  0.00378438852343255, -0.32196889321202,
                             0.381919958479164,  0.0664636594147213,  0.0413370945682667,
                             -0.384568612774004, 0.346538770978835,   -0.451690870666983};
constexpr double kAllDweight[] = {-0.287280626740775, 1.21939523237351,  -5.92484962529173,
                                  1.42512603761086,   0.563447853676175, 1.10514495077844};
constexpr double kAllDbias[] = {0, -0.75, 3.25, 0, -0.625, -0.5};
constexpr double kRowsY[] = {-0.063270866613708, -1.126221425724,    -0.442896066295957,
                             1.91078017173398,   -0.670671186105306, 0.39227937300499,
                             0.481750120509808,  0.2505100626651,    -1.83065045793727,
                             1.17547029404393,   0.366130091587454,  -0.443210110869023};
constexpr double kRowsStats[] = {1.70833333333333,    0, 0.303700159745799,
                                 -0.0416666666666667, 0, 0.462480115689415};
constexpr double kRowsDx[] = {0.068873555042432,   -0.079961407151646, 0.102489685614775,
                              -0.0451902919845931, -0.135485771825748, 0.0892742303047799,
                              0.0884001632198762,  0.304956949660408,  0.404047564867535,
                              -0.214410109334658,  0.312298585362496,  -0.895293153775657};
constexpr double kFarY[] = {0.165133842141017,  -0.483606251981682,    0.0471810977550715,
                            0.401039330912907,  -0.129748018823846,    0.299157799826742,
                            -0.358989359793466, -6.25277607468888e-13, 0.239326239861268,
                            -0.179494679897046};

constexpr CaseInput kAllX{.shape = {3, 2}, .values = kX}, kAllDy{.shape = {3, 2}, .values = kDy},
    kAllS{.shape = {3}, .values = kAllStats}, kAllW{.shape = {3, 2}, .values = kW},
    kAllB{.shape = {3, 2}, .values = kB}, kRowsX{.shape = {2, 6}, .values = kX},
    kRowsDy{.shape = {2, 6}, .values = kDy}, kRowsS{.shape = {2, 3}, .values = kRowsStats};

constexpr CaseInput normal(const Shape& shape) { return {.shape = shape}; }
constexpr CaseInput positive(const Shape& shape) {
  return {.shape = shape, .fill = Fill::positive};
}
constexpr std::string_view kLast = "dims=1", kLastTwo = "dims=2";

constexpr Case kCases[] = {
    {.name = "golden_all", .inputs = {kAllX, kAllW, kAllB}, .expect = {kAllY, kAllStats}},
    {.name = "golden_rows",
     .attrs = "dims=1 eps=0.5",
     .n = 1,
     .inputs = {kRowsX},
     .expect = {kRowsY, kRowsStats}},
    {.name = "golden_far",
     .attrs = "eps=0.001",
     .inputs = {{{.shape = {5}, .values = kFar}}},
     .expect = {kFarY}},
    {.name = "tokens",
     .attrs = kLast,
     .n = 17,
     .inputs = {normal({5, 31}), normal({31}), normal({31})}},
    {.name = "planes",
     .attrs = kLastTwo,
     .n = 33,
     .inputs = {normal({3, 5, 7}), normal({5, 7}), normal({5, 7})}},
    {.name = "weight_alone", .n = 9, .inputs = {normal({6, 5, 7}), normal({6, 5, 7})}},
    {.name = "one_example", .n = 1, .inputs = {normal({40}), normal({40}), normal({40})}},
    {.name = "long_rows", .n = 3, .inputs = {normal({1100}), normal({1100})}},
    {.name = "transformer",
     .attrs = kLast,
     .n = 33,
     .inputs = {normal({16, 256}), normal({256}), normal({256})},
     .bench = true},
    {.name = "scalar", .inputs = {normal({})}, .error = "is a scalar, but needs an axis"},
    {.name = "dims",
     .attrs = "dims=3",
     .inputs = {normal({3, 4})},
     .error = "dims=3 are more axes than one example of x, float32 (N, 3, 4), has"},
    {.name = "no_values", .inputs = {normal({3, 0})}, .error = "rows (3, 0) of x have no values"},
    {.name = "weight",
     .attrs = kLast,
     .inputs = {normal({3, 4}), normal({3, 4})},
     .error = "weight (3, 4) must be (4)"},
    {.name = "bias",
     .inputs = {normal({3}), normal({3}), normal({4})},
     .error = "bias (4) must be (3)"},
};
constexpr Case kGradCases[] = {
    {.name = "golden_all", .inputs = {kAllDy, kAllX, kAllS, kAllW}, .expect = {kAllDx}},
    {.name = "golden_rows",
     .attrs = kLast,
     .n = 1,
     .inputs = {kRowsDy, kRowsX, kRowsS},
     .expect = {kRowsDx}},
    {.name = "planes",
     .attrs = kLastTwo,
     .n = 17,
     .inputs = {normal({3, 5, 7}), normal({3, 5, 7}), positive({3, 3}), normal({5, 7})}},
    {.name = "one_example", .n = 1, .inputs = {normal({40}), normal({40}), positive({3})}},
    {.name = "long_rows", .n = 3, .inputs = {normal({1100}), normal({1100}), positive({3})}},
    {.name = "transformer",
     .attrs = kLast,
     .n = 33,
     .inputs = {normal({16, 256}), normal({16, 256}), positive({16, 3}), normal({256})},
     .bench = true},
    {.name = "sizes",
     .inputs = {normal({3}), normal({4}), positive({3})},
     .error = "dy is float32 (N, 3), but x is float32 (N, 4)"},
    {.name = "stats",
     .attrs = kLast,
     .inputs = {normal({2, 4}), normal({2, 4}), positive({3})},
     .error = "stats (3) must be (2, 3)"},
    {.name = "weight",
     .inputs = {normal({4}), normal({4}), positive({3}), normal({3})},
     .error = "weight (3) must be (4)"},
};
constexpr Case kSumsCases[] = {
    {.name = "golden", .inputs = {kAllDy, kAllX, kAllS}, .expect = {kAllDweight, kAllDbias}},
    {.name = "planes",
     .attrs = kLastTwo,
     .n = 17,
     .inputs = {normal({3, 5, 7}), normal({3, 5, 7}), positive({3, 3})}},
    {.name = "one_example", .n = 1, .inputs = {normal({40}), normal({40}), positive({3})}},
    {.name = "many_examples",
     .attrs = kLast,
     .n = 1100,
     .inputs = {normal({9, 2}), normal({9, 2}), positive({9, 3})}},
    {.name = "transformer",
     .attrs = kLast,
     .n = 33,
     .inputs = {normal({16, 256}), normal({16, 256}), positive({16, 3})},
     .bench = true},
    {.name = "sizes",
     .inputs = {normal({3}), normal({4}), positive({3})},
     .error = "dy is float32 (N, 3), but x is float32 (N, 4)"},
    {.name = "stats",
     .inputs = {normal({4}), normal({4}), positive({2})},
     .error = "stats (2) must be (3)"},
    {.name = "dims",
     .attrs = kLastTwo,
     .inputs = {normal({4}), normal({4}), positive({3})},
     .error = "dims=2 are more axes than one example of x, float32 (N, 4), has"},
};

constexpr OpDef kOps[] = {
    checked({.name = "layer_norm",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = workspace_forward,
             .reference = {layer_norm_ref<float>, layer_norm_ref<double>},
             .cpu = layer_norm_cpu,
             .cuda = cuda_twin(layer_norm_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases}),
    checked({.name = "layer_norm_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kGradAttrs,
             .scope = Scope::per_example,
             .infer = infer_grad,
             .workspace = workspace_grad,
             .reference = {layer_norm_grad_ref<float>, layer_norm_grad_ref<double>},
             .cpu = layer_norm_grad_cpu,
             .cuda = cuda_twin(layer_norm_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases}),
    checked({.name = "layer_norm_grad_sums",
             .inputs = std::span(kGradInputs).first(3),
             .outputs = kSumsOutputs,
             .attrs = kGradAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer_grad_sums,
             .workspace = workspace_sums,
             .reference = {layer_norm_grad_sums_ref<float>, layer_norm_grad_sums_ref<double>},
             .cpu = layer_norm_grad_sums_cpu,
             .cuda = cuda_twin(layer_norm_grad_sums_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad_sums,
             .fusions = none,
             .cases = kSumsCases}),
};

}  // namespace

extern const std::span<const OpDef> layer_norm_ops;
constinit const std::span<const OpDef> layer_norm_ops{kOps};

}  // namespace cairn
