#include <array>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/binary/binary.h"

namespace cairn {
namespace {

/// The shape that broadcasting a and b gives.
Shape broadcast_shape(const OpTypes& t) {
  const TensorType &a = t.in[0], &b = t.in[1];
  const std::string types = fmt::format("a is {}, but b is {}", to_string(a), to_string(b));
  expect(a.batched == b.batched, t.op, types + ": a batched and a plain tensor don't mix");
  std::vector<int64_t> sizes;
  for (int axis = -std::max(a.shape.rank(), b.shape.rank()); axis < 0; ++axis) {
    const int64_t p = axis >= -a.shape.rank() ? a.shape[axis] : 1;
    const int64_t q = axis >= -b.shape.rank() ? b.shape[axis] : 1;
    expect(p == q || p == 1 || q == 1, t.op,
           fmt::format("{}: sizes {} and {} at axis {} can't be broadcast", types, p, q, axis));
    sizes.push_back(p == 1 ? q : p);
  }
  return Shape(sizes);
}

void infer(const OpTypes& t) { t.set_out(0, broadcast_shape(t)); }

void infer_grad(const OpTypes& t) {
  const TensorType y{t.in[0].dtype, broadcast_shape(t), t.in[0].batched};
  for (size_t i = 2; i < t.in.size(); ++i)
    expect(t.in[i] == y, t.op,
           fmt::format("y or dy is {}, but a and b give {}", to_string(t.in[i]), to_string(y)));
  t.set_out(0, y.shape);
}

/// Gradients in y's shape, summed to the shapes of a and b.
template <Binary f>
void gradient(GradientRule& rule) {
  const Value a = rule.in(0), b = rule.in(1), dy = rule.dout(0);
  const auto shape = [&](int i) { return rule.graph()[rule.in(i)].type.shape; };
  const auto set = [&](int i, auto gradient) {
    if (rule.wants(i)) rule.set(i, sum_to(rule, gradient(), shape(i)));
  };
  const auto negative = [&](Value v) { return expand_to(rule, v, shape(1), -1); };
  if constexpr (f == Binary::add || f == Binary::sub) {
    set(0, [&] { return dy; });
    if (f == Binary::add) set(1, [&] { return dy; });
    if (f == Binary::sub && rule.wants(1)) rule.set(1, negative(sum_to(rule, dy, shape(1))));
  } else if constexpr (f == Binary::mul) {
    set(0, [&] { return rule.emit("mul", {dy, b}); });
    set(1, [&] { return rule.emit("mul", {dy, a}); });
  } else if constexpr (f == Binary::div) {
    const Value part = rule.emit("div", {dy, b});
    set(0, [&] { return part; });
    if (rule.wants(1))
      rule.set(1, negative(sum_to(rule, rule.emit("mul", {part, rule.out(0)}), shape(1))));
  } else if constexpr (f == Binary::pow) {
    set(0, [&] { return rule.emit("pow_da", {a, b, dy}); });
    set(1, [&] { return rule.emit("pow_db", {a, b, rule.out(0), dy}); });
  } else {
    const bool largest = f == Binary::maximum;
    set(largest ? 0 : 1, [&] { return rule.emit("maximum_grad", {a, b, dy}); });
    set(largest ? 1 : 0, [&] { return rule.emit("maximum_grad", {b, a, dy}); });
  }
}

Cost cost(const OpTypes& t) { return stream_cost(t, 1); }
Cost cost_pow(const OpTypes& t) { return stream_cost(t, 50); }  // of libm's powf, about

constexpr InputDef kA{"a", Layout::any}, kB{"b", Layout::any}, kGivenY{"y", Layout::any},
    kGivenDy{"dy", Layout::any};
constexpr InputDef kInputs[] = {kA, kB}, kGradInputs[] = {kA, kB, kGivenDy},
                   kPowDbInputs[] = {kA, kB, kGivenY, kGivenDy};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}}, kDa[] = {{"da", Layout::any}},
                    kDb[] = {{"db", Layout::any}};

// Golden values: tests/oracle/binary.py.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
struct Golden {
  double same[6], broadcast[12], ranks[6], special[16];
};
constexpr double kGoldenA[] = {1.5, -2, 0.25, 8, -0.5, 3};
constexpr double kGoldenB[] = {-0.5, 4, 0.125, -8, 0.75, 1};
constexpr double kTiedB[] = {-0.5, -2, 0.125, 9, -0.5, 3};
constexpr double kBases[] = {1.5, 2, 0.25, 8, 0.5, 3};
constexpr double kExponents[] = {-0.5, 4, 1.5, 0, 0.75, 1};
constexpr double kSpecialA[] = {kNan, 1,    kInf,  kInf,   -kInf, 0, 1,
                                -1,   -0.0, 1e-40, -1e-40, 2,     0, -0.0};
constexpr double kSpecialB[] = {1, kNan, kInf, -kInf, 2, 0, 0, 0, -0.0, 2, 1e-40, -kInf, -0.0, 0};
constexpr double kPowerA[] = {-2,   -2,    -2,  0,    0,    0,    kNan, 1,
                              kInf, -kInf, 0.5, -0.0, -0.0, kNan, 4,    1e-40};
constexpr double kPowerB[] = {3, 2, 0.5, 0, -1, 2, 0, kNan, -1, 3, kInf, 3, -3, 1, kNan, 0.5};
constexpr double kGoldenDy[] = {1, -2, 0.5, 3,   -1.5, 0.75, 2,    -0.25,
                                4, 1,  -3,  2.5, 1.25, 5,    -0.5, 7};
constexpr Golden kAddY = {{1, 2, 0.375, 0, 0.25, 4},
                          {1, 5.5, -2.5, 2, -0.25, 4.25, 8.125, 0, -0.375, -8.5, 3.125, -5},
                          {1, 2, 0.375, 7.5, 3.5, 3.125},
                          {kNan, kNan, kInf, kNan, -kInf, 0, 1, -1, -0.0, 2, 0, -kInf, 0, 0}};
constexpr Golden kSubY = {{2, -6, 0.125, 16, -1.25, 2},
                          {2, -2.5, -1.5, -6, 0.75, -3.75, 7.875, 16, -0.625, 7.5, 2.875, 11},
                          {2, -6, 0.125, 8.5, -4.5, 2.875},
                          {kNan, kNan, kNan, kInf, -kInf, 0, 1, -1, 0, -2, -2e-40, kInf, 0, -0.0}};
constexpr Golden kMulY = {
    {-0.75, -8, 0.03125, -64, -0.375, 3},
    {-0.75, 6, 1, -8, -0.125, 1, 1, -64, -0.0625, 4, 0.375, -24},
    {-0.75, -8, 0.03125, -4, -2, 0.375},
    {kNan, kNan, kInf, -kInf, -kInf, 0, 0, -0.0, 0, 2e-40, -1e-80, -kInf, -0.0, -0.0}};
constexpr Golden kDivY = {
    {-3, -0.5, 2, -1, -0.666666666666667, 3},
    {-3, 0.375, 4, -0.5, -0.5, 0.0625, 64, -1, -4, 0.0625, 24, -0.375},
    {-3, -0.5, 2, -16, -0.125, 24},
    {kNan, kNan, kNan, kNan, -kInf, kNan, kInf, -kInf, kNan, 5e-41, -1, -0.0, kNan, kNan}};
constexpr Golden kMinimumY = {
    {-0.5, -2, 0.125, -8, -0.5, 1},
    {-0.5, 1.5, -2, -2, -0.5, 0.25, 0.125, -8, -0.5, -8, 0.125, -8},
    {-0.5, -2, 0.125, -0.5, -0.5, 0.125},
    {kNan, kNan, kInf, -kInf, -kInf, 0, 0, -1, -0.0, 1e-40, -1e-40, -kInf, 0, 0}};
constexpr Golden kMaximumY = {{1.5, 4, 0.25, 8, 0.75, 3},
                              {1.5, 4, -0.5, 4, 0.25, 4, 8, 8, 0.125, -0.5, 3, 3},
                              {1.5, 4, 0.25, 8, 4, 3},
                              {kNan, kNan, kInf, kInf, 2, 0, 1, 0, -0.0, 2, 1e-40, 2, 0, 0}};
constexpr Golden kPowY = {
    {0.816496580927726, 16, 0.125, 1, 0.594603557501361, 3},
    {0.816496580927726, 5.0625, 0.707106781186548, 16, 2, 0.00390625, 22.6274169979695, 1,
     0.353553390593274, 1, 5.19615242270663, 1},
    {0.816496580927726, 16, 0.125, 0.353553390593274, 0.0625, 5.19615242270663},
    {-8, 4, kNan, 1, kInf, 0, 1, 1, 0, -kInf, 0, -0.0, -kInf, kNan, kNan, 1e-20}};
constexpr double kTiedDa[] = {1, -1, 0.5, 0, -0.75, 0.375}, kTiedDb[] = {0, -1, 0, 3, -0.75, 0.375};
constexpr double kSpecialDa[] = {1, -2, 0.25, 3, 0, 0.375, 2, 0, 2, 0, 0, 2.5, 0.625, 2.5};
constexpr double kPowDa[] = {-0.272165526975909, -64, 0.375, 0, -1.33785800437806, 0.75},
                 kPowDb[] = {0.331060874455807, -22.1807097779182, -0.0866433975699932,
                             6.23832462503951,  0.618221669149472, 2.47187764950325};
constexpr double kPowSpecialDa[] = {12, 8,    kNan, 0, kInf,  0, 0,    kNan,
                                    0,  kInf, kNan, 0, -kInf, 5, kNan, 3.5e+20},
                 kPowSpecialDb[] = {kNan, kNan, kNan, 0, kInf, 0,    kNan, 0,
                                    kNan, kNan, 0,    0, kInf, kNan, kNan, -6.44723826038333e-18};

/// Numbers in [1, 3), where division and powers are tame.
constexpr auto kTame = [] {
  std::array<double, 540> values{};
  for (size_t i = 0; i < values.size(); ++i) values[i] = 1 + static_cast<double>(i * 37 % 64) / 32;
  return values;
}();

constexpr auto kHead = [](const auto& values, size_t n) { return std::span(values).first(n); };

template <Binary f>
constexpr bool kTameB = f == Binary::div || f == Binary::pow;
/// How b is filled where one of its numbers meets thousands of a: zero is away from all of them,
/// and so from extremes' kinks.
template <Binary f>
constexpr Fill kFewB = f == Binary::minimum || f == Binary::maximum ? Fill::zeros : Fill::normal;

/// A row that is filled: powers of numbers in (0, 1), divisors and exponents from kTame. `count` is
/// the number of b's elements, examples included.
template <Binary f>
constexpr Case filled(std::string_view name, int64_t n, const Shape& a, const Shape& b,
                      size_t count, Fill fill = Fill::normal, bool bench = false) {
  Case row{.name = name,
           .n = n,
           .inputs = {{{.shape = a, .fill = f == Binary::pow ? Fill::unit : Fill::spread},
                       {.shape = b, .fill = fill}}},
           .bench = bench};
  if (kTameB<f>) row.inputs[1].values = kHead(kTame, count);
  return row;
}

template <Binary f, const Golden& y, const auto& a, const auto& b, const auto& special_a,
          const auto& special_b>
constexpr Case kCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {3}, .values = a}, {.shape = {3}, .values = b}}},
     .expect = {y.same}},
    {.name = "golden_broadcast",
     .inputs = {{{.shape = {3, 1}, .values = a}, {.shape = {1, 2}, .values = kHead(b, 4)}}},
     .expect = {y.broadcast}},
    {.name = "golden_ranks",
     .n = 1,
     .inputs = {{{.shape = {2, 3}, .values = a}, {.shape = {3}, .values = kHead(b, 3)}}},
     .expect = {y.ranks}},
    {.name = "special",
     .inputs = {{{.shape = {std::ssize(special_a) / 2}, .values = special_a},
                 {.shape = {std::ssize(special_a) / 2}, .values = special_b}}},
     .expect = {kHead(y.special, std::size(special_a))}},
    filled<f>("single", 1, {7}, {7}, 7),
    filled<f>("planes", 17, {2, 3, 5}, {2, 3, 5}, 510),
    filled<f>("scalar", 2, {}, {}, 2),
    f == Binary::add ? filled<f>("resnet_block", 9, {64, 8, 8}, {64, 8, 8}, 0, {}, true)
                     : filled<f>("block", 9, {3, 5, 4}, {3, 5, 4}, 540),
    filled<f>("channels", 33, {6, 14, 14}, {6, 1, 1}, 198, kFewB<f>, true),
    filled<f>("outer", 17, {7, 1}, {1, 9}, 153),
    filled<f>("a_broadcast", 2, {1, 1, 7}, {3, 5, 7}, 210),
    filled<f>("by_one", 1, {17001}, {1}, 1, kFewB<f>),
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "a is float32 (N, 3, 4), but b is float32 (N, 3, 5): sizes 4 and 5 at axis -1"},
    {.name = "wrong_ranks",
     .inputs = {{{.shape = {3, 2, 5}}, {.shape = {3, 1}}}},
     .error = "but b is float32 (N, 3, 1): sizes 2 and 3 at axis -2 can't be broadcast"},
    {.name = "attribute",
     .attrs = "alpha=2",
     .inputs = {{{.shape = {3}}, {.shape = {3}}}},
     .error = "has no attribute 'alpha'"},
};

/// A gradient's row; `given` are the tensors in y's shape.
template <size_t kGiven>
constexpr Case gradient_case(std::string_view name, int64_t n, const CaseInput& a,
                             const CaseInput& b, const std::array<CaseInput, kGiven>& given,
                             std::span<const double> expected = {}, bool bench = false) {
  Case row{.name = name, .n = n, .inputs = {{a, b}}, .expect = {expected}, .bench = bench};
  for (size_t i = 0; i < kGiven; ++i) row.inputs[2 + i] = given[i];
  return row;
}
constexpr CaseInput values(std::span<const double> v) {
  return {.shape = {static_cast<int64_t>(v.size())}, .values = v};
}

constexpr Case kBadSizes{.name = "wrong_size",
                         .inputs = {{{.shape = {3, 4}}, {.shape = {2, 1}}}},
                         .error = "sizes 3 and 2 at axis -2 can't be broadcast"};
constexpr Case kBadDy{.name = "dy_size",
                      .inputs = {{{.shape = {3, 1}}, {.shape = {4}}, {.shape = {3}}, {}}},
                      .error = "y or dy is float32 (N, 3), but a and b give float32 (N, 3, 4)"};
constexpr Case kBadAttribute{
    .name = "attribute",
    .attrs = "alpha=2",
    .inputs = {{{.shape = {3}}, {.shape = {3}}, {.shape = {3}}, {.shape = {3}}}},
    .error = "has no attribute 'alpha'"};

constexpr CaseInput kLabels{.shape = {6, 14, 14}, .fill = Fill::labels, .range = 3},
    kUnit{.shape = {6, 14, 14}, .fill = Fill::unit}, kPlanes{.shape = {6, 14, 14}},
    kChannels{.shape = {6, 1, 1}, .values = kHead(kTame, 198)};

constexpr Case kMaximumGradCases[] = {
    gradient_case<1>("golden", 1, values(kGoldenA), values(kTiedB), {values(kHead(kGoldenDy, 6))},
                     kTiedDa),
    gradient_case<1>("golden_exchanged", 1, values(kTiedB), values(kGoldenA),
                     {values(kHead(kGoldenDy, 6))}, kTiedDb),
    gradient_case<1>("special", 1, values(kSpecialA), values(kSpecialB),
                     {values(kHead(kGoldenDy, 14))}, kSpecialDa),
    gradient_case<1>("planes", 33, kLabels, kLabels, {kPlanes}, {}, true),
    gradient_case<1>("channels", 17, {.shape = {6, 1, 1}, .fill = Fill::labels, .range = 3},
                     kLabels, {kPlanes}),
    kBadSizes,
    kBadDy,
    kBadAttribute,
};
constexpr Case kPowDaCases[] = {
    gradient_case<1>("golden", 1, values(kBases), values(kExponents), {values(kHead(kGoldenDy, 6))},
                     kPowDa),
    gradient_case<1>("special", 1, values(kPowerA), values(kPowerB), {values(kGoldenDy)},
                     kPowSpecialDa),
    gradient_case<1>("planes", 33, kUnit, kChannels, {kPlanes}, {}, true),
    kBadSizes,
    kBadDy,
    kBadAttribute,
};
constexpr Case kPowDbCases[] = {
    gradient_case<2>("golden", 1, values(kBases), values(kExponents),
                     {values(kPowY.same), values(kHead(kGoldenDy, 6))}, kPowDb),
    gradient_case<2>("special", 1, values(kPowerA), values(kPowerB),
                     {values(kPowY.special), values(kGoldenDy)}, kPowSpecialDb),
    gradient_case<2>("planes", 33, kUnit, kChannels, {kPlanes, kPlanes}, {}, true),
    kBadSizes,
    kBadDy,
    kBadAttribute,
};

consteval OpDef row(OpDef op) {
  op.attrs = none;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  return checked(op);
}

template <Binary f>
consteval OpDef function(std::string_view name, KernelFn cpu, CudaFn cuda,
                         std::span<const Case> cases) {
  return row({.name = name,
              .inputs = kInputs,
              .outputs = kOutputs,
              .infer = infer,
              .reference = {binary_ref<float, f>, binary_ref<double, f>},
              .cpu = cpu,
              .cuda = cuda_twin(cuda),
              .gradient = gradient<f>,
              .cost = f == Binary::pow ? cost_pow : cost,
              .cases = cases,
              .bit_exact = f != Binary::pow});
}

consteval OpDef function_grad(OpDef op) {
  op.infer = infer_grad;
  op.gradient = not_differentiable;
  return row(op);
}

template <Binary f, const Golden& y>
constexpr std::span<const Case> kPlainCases =
    kCases<f, y, kGoldenA, kGoldenB, kSpecialA, kSpecialB>;

constexpr OpDef kOps[] = {
    function<Binary::add>("add", add_cpu, add_cuda, kPlainCases<Binary::add, kAddY>),
    function<Binary::sub>("sub", sub_cpu, sub_cuda, kPlainCases<Binary::sub, kSubY>),
    function<Binary::mul>("mul", mul_cpu, mul_cuda, kPlainCases<Binary::mul, kMulY>),
    function<Binary::div>("div", div_cpu, div_cuda, kPlainCases<Binary::div, kDivY>),
    function<Binary::minimum>("minimum", minimum_cpu, minimum_cuda,
                              kPlainCases<Binary::minimum, kMinimumY>),
    function<Binary::maximum>("maximum", maximum_cpu, maximum_cuda,
                              kPlainCases<Binary::maximum, kMaximumY>),
    function<Binary::pow>("pow", pow_cpu, pow_cuda,
                          kCases<Binary::pow, kPowY, kBases, kExponents, kPowerA, kPowerB>),
    function_grad({.name = "maximum_grad",
                   .inputs = kGradInputs,
                   .outputs = kDa,
                   .reference = {maximum_grad_ref<float>, maximum_grad_ref<double>},
                   .cpu = maximum_grad_cpu,
                   .cuda = cuda_twin(maximum_grad_cuda),
                   .cost = cost,
                   .cases = kMaximumGradCases,
                   .bit_exact = true}),
    function_grad({.name = "pow_da",
                   .inputs = kGradInputs,
                   .outputs = kDa,
                   .reference = {pow_da_ref<float>, pow_da_ref<double>},
                   .cpu = pow_da_cpu,
                   .cuda = cuda_twin(pow_da_cuda),
                   .cost = cost_pow,
                   .cases = kPowDaCases}),
    function_grad({.name = "pow_db",
                   .inputs = kPowDbInputs,
                   .outputs = kDb,
                   .reference = {pow_db_ref<float>, pow_db_ref<double>},
                   .cpu = pow_db_cpu,
                   .cuda = cuda_twin(pow_db_cuda),
                   .cost = cost_pow,
                   .cases = kPowDbCases}),
};

}  // namespace

extern const std::span<const OpDef> binary_ops;
constinit const std::span<const OpDef> binary_ops{kOps};

}  // namespace cairn
