#include <limits>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/math/math.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }

void infer_grad(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         fmt::format("the function's value is {}, but dy is {}", to_string(t.in[0]),
                     to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

template <int flops>
Cost cost(const OpTypes& t) {
  return stream_cost(t, flops);
}

void gradient_from(GradientRule& rule, Value v) {
  rule.set(0, rule.emit(fmt::format("{}_grad", rule.op_name()), {v, rule.dout(0)}, rule.attrs()));
}
void gradient_from_input(GradientRule& rule) { gradient_from(rule, rule.in(0)); }
void gradient_from_output(GradientRule& rule) { gradient_from(rule, rule.out(0)); }
void neg_gradient(GradientRule& rule) { rule.set(0, rule.emit("neg", {rule.dout(0)})); }
void scale_gradient(GradientRule& rule) {
  Attrs attrs = rule.attrs();
  rule.set(0, rule.emit("scale", {rule.dout(0)}, attrs.set("offset", 0)));
}

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kMax = std::numeric_limits<float>::max();
constexpr double kTiny = 0x1p-133, kLeast = 0x1p-149;  // denormal in float32

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr InputDef kFromInput[] = {{"x", Layout::any}, {"dy", Layout::any}};
constexpr InputDef kFromOutput[] = {{"y", Layout::any}, {"dy", Layout::any}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};
constexpr AttrDef kLimits[] = {
    {.name = "min", .type = AttrType::real, .initial = -kInf, .min = -kInf, .max = kInf},
    {.name = "max", .type = AttrType::real, .initial = kInf, .min = -kInf, .max = kInf}};
constexpr AttrDef kLine[] = {
    {.name = "factor", .type = AttrType::real, .initial = 1, .min = -kMax, .max = kMax},
    {.name = "offset", .type = AttrType::real, .initial = 0, .min = -kMax, .max = kMax}};

// Golden values, also at the ends of floating point: tests/oracle/math.py.
constexpr double kX[] = {-20, -1.5, 0.25, 0.75, 3, 11};
constexpr double kPositiveX[] = {0.125, 0.5, 1, 2.5, 3, 40};
constexpr double kDy[] = {0.5, -1, 2, 1.5, -0.25, 4};
constexpr double kSpecialX[] = {kNan,   kInf,  -kInf,  -0.0,  0,   kTiny,
                                -kTiny, 3e+38, -3e+38, 1e-30, 100, -100};
constexpr double kSpecialV[] = {kNan, kInf, -kInf, -0.0, 0, kTiny, 1e-30, 2, 3, 0, 1, 1};
constexpr double kSpecialDy[] = {1, 2, 3, 4, 5, 0.001, 7, kInf, -kInf, kInf, kNan, -0.0};
constexpr double kNegY[] = {20, 1.5, -0.25, -0.75, -3, -11};
constexpr double kNegSpecialY[] = {kNan,  -kInf,  kInf,  0,      -0.0, -kTiny,
                                   kTiny, -3e+38, 3e+38, -1e-30, -100, 100};
constexpr double kExpY[] = {2.06115362243856e-09, 0.22313016014843, 1.28402541668774,
                            2.11700001661267,     20.0855369231877, 59874.1417151978};
constexpr double kExpSpecialX[] = {kNan,   kInf,  -kInf,  -0.0,  0,  kTiny,
                                   -kTiny, 3e+38, -3e+38, 1e-30, 88, -100};
constexpr double kExpSpecialY[] = {
    kNan, kInf, 0, 1, 1, 1, 1, kInf, 0, 1, 1.651636254994e+38, 3.72007597602084e-44};
constexpr double kExpDx[] = {1.03057681121928e-09, -0.22313016014843, 2.56805083337548,
                             3.17550002491901,     -5.02138423079692, 239496.566860791};
constexpr double kExpSpecialDx[] = {kNan,  kInf, -kInf, -0.0, 0,    9.18354961579912e-44,
                                    7e-30, kInf, -kInf, kNan, kNan, -0.0};
constexpr double kLogY[] = {-2.07944154167984, -0.693147180559945, 0,
                            0.916290731874155, 1.09861228866811,   3.68887945411394};
constexpr double kLogSpecialX[] = {kNan, kInf,  -kInf,  -0.0,  0,   kTiny,
                                   -1,   3e+38, kLeast, 1e-30, 100, 1};
constexpr double kLogSpecialY[] = {kNan,
                                   kInf,
                                   kNan,
                                   -kInf,
                                   -kInf,
                                   -92.1885750144727,
                                   kNan,
                                   88.5968458224418,
                                   -103.278929903432,
                                   -69.0775527898214,
                                   4.60517018598809,
                                   0};
constexpr double kLogDx[] = {4, -2, 2, 0.6, -0.0833333333333333, 0.1};
constexpr double kLogSpecialDx[] = {kNan,  0,    -0.0,  -kInf, kInf, 1.088903574147e+37,
                                    7e+30, kInf, -kInf, kInf,  kNan, -0.0};
constexpr double kSquareY[] = {400, 2.25, 0.0625, 0.5625, 9, 121};
constexpr double kSquareSpecialX[] = {
    kNan, kInf, -kInf, -0.0, 0, kTiny, 1e-30, 1e+19, -1e+19, 1.35525271560688e-20, 100, -100};
constexpr double kSquareSpecialY[] = {
    kNan,  kInf, kInf, 0, 0, 8.43375835458442e-81, 1e-60, 1e+38, 1e+38, 1.83670992315982e-40,
    10000, 10000};
constexpr double kSquareDx[] = {-20, 3, 1, 2.25, -1.5, 88};
constexpr double kSquareSpecialDx[] = {kNan,    kInf, -kInf, -0.0, 0,    1.83670992315982e-43,
                                       1.4e-29, kInf, -kInf, kNan, kNan, -0.0};
constexpr double kSqrtY[] = {0.353553390593274, 0.707106781186548, 1,
                             1.58113883008419,  1.73205080756888,  6.32455532033676};
constexpr double kSqrtSpecialX[] = {kNan,   kInf,  -kInf, -0.0,  0,   kTiny,
                                    -kTiny, 3e+38, -1,    1e-30, 100, kLeast};
constexpr double kSqrtSpecialY[] = {kNan, kInf,
                                    kNan, -0.0,
                                    0,    9.58308385427109e-21,
                                    kNan, 1.73205080756888e+19,
                                    kNan, 1e-15,
                                    10,   3.74339213057464e-23};
constexpr double kSqrtDx[] = {0.707106781186547, -0.707106781186547,  1,
                              0.474341649025257, -0.0721687836487032, 0.316227766016838};
constexpr double kSqrtSpecialDx[] = {kNan,    0,    -0.0,  -kInf, kInf, 5.44451787073502e+36,
                                     3.5e+30, kInf, -kInf, kInf,  kNan, -0.0};
constexpr double kAbsY[] = {20, 1.5, 0.25, 0.75, 3, 11};
constexpr double kAbsSpecialY[] = {kNan,  kInf,  kInf,  0,     0,   kTiny,
                                   kTiny, 3e+38, 3e+38, 1e-30, 100, 100};
constexpr double kAbsDx[] = {-0.5, 1, 2, 1.5, -0.25, 4};
constexpr double kAbsSpecialDx[] = {0, 2, -3, 0, 0, 0.001, 7, kInf, -kInf, kNan, kNan, -0.0};
constexpr double kClampY[] = {-0.4, -0.4, 0.25, 0.6, 0.6, 0.6};
constexpr double kClampSpecialY[] = {kNan,   0.6, -0.4, -0.0,  0,   kTiny,
                                     -kTiny, 0.6, -0.4, 1e-30, 0.6, -0.4};
// of min=-1.5 max=3, which are among kX
constexpr double kClampDx[] = {0, -1, 2, 1.5, -0.25, 0};
constexpr double kClampSpecialDx[] = {0, 0, 0, 4, 5, 0.001, 7, kInf, -kInf, kInf, kNan, -0.0};
constexpr double kReversedY[] = {1, 1, 1, 1, 1, 1};
constexpr double kScaleY[] = {10.25, 1, 0.125, -0.125, -1.25, -5.25};
constexpr double kScaleSpecialY[] = {kNan, -kInf,    kInf,    0.25, 0.25,   0.25,
                                     0.25, -1.5e+38, 1.5e+38, 0.25, -49.75, 50.25};

/// What the rows of a function are made of.
struct Golden {
  std::span<const double> x, y, special_x, special_y;
  Fill fill = Fill::spread;
  std::string_view attrs = "";
  std::string_view bad_attrs = "dim=0", error = "has no attribute 'dim'";
};
constexpr Golden kNeg{kX, kNegY, kSpecialX, kNegSpecialY};
constexpr Golden kExp{kX, kExpY, kExpSpecialX, kExpSpecialY};
constexpr Golden kLog{kPositiveX, kLogY, kLogSpecialX, kLogSpecialY, Fill::positive};
constexpr Golden kSquare{kX, kSquareY, kSquareSpecialX, kSquareSpecialY};
constexpr Golden kSqrt{kPositiveX, kSqrtY, kSqrtSpecialX, kSqrtSpecialY, Fill::positive};
constexpr Golden kAbs{kX, kAbsY, kSpecialX, kAbsSpecialY};
constexpr Golden kClamp{kX,           kClampY,
                        kSpecialX,    kClampSpecialY,
                        Fill::spread, "min=-0.4 max=0.6",
                        "max=nan",    "max=nan is out of range"};
constexpr Golden kScale{kX,
                        kScaleY,
                        kSpecialX,
                        kScaleSpecialY,
                        Fill::spread,
                        "factor=-0.5 offset=0.25",
                        "factor=1e39",
                        "factor=1e+39 is out of range"};

/// Two examples.
constexpr Case golden_case(std::string_view name, std::string_view attrs, std::span<const double> x,
                           std::span<const double> y) {
  const auto half = static_cast<int64_t>(x.size() / 2);
  return {
      .name = name, .attrs = attrs, .inputs = {{{.shape = {half}, .values = x}}}, .expect = {y}};
}
constexpr Case function_case(const Golden& g, std::string_view name, int64_t n, const Shape& shape,
                             bool bench = false) {
  return {.name = name,
          .attrs = g.attrs,
          .n = n,
          .inputs = {{{.shape = shape, .fill = g.fill}}},
          .bench = bench};
}
constexpr Case bad_attribute(std::string_view attrs, std::string_view error) {
  return {
      .name = error, .attrs = attrs, .inputs = {{{.shape = {3}}, {.shape = {3}}}}, .error = error};
}

constexpr Case kReversed = golden_case("min_above_max", "min=2 max=1", kX, kReversedY);
constexpr Case kNoLimits = golden_case("no_limits", "", kX, kX);
constexpr Case kIdentity = golden_case("defaults", "", kX, kX);

template <const Golden& g, const Case&... more>
constexpr Case kCases[] = {
    more...,
    golden_case("golden", g.attrs, g.x, g.y),
    golden_case("special", g.attrs, g.special_x, g.special_y),
    function_case(g, "single", 1, {7}),
    function_case(g, "planes", 17, {3, 5, 7}),
    function_case(g, "scalar", 2, {}),
    function_case(g, "lenet_c1", 33, {6, 28, 28}, true),
    bad_attribute("slope=0.1", "has no attribute 'slope'"),
    bad_attribute("inplace", "'inplace' is no attribute"),
    bad_attribute(g.bad_attrs, g.error),
};

/// The same of a gradient; v is the function's input or output.
struct GoldenGrad {
  std::span<const double> v, dx, special_dx;
  std::string_view attrs = "", golden_attrs = "";
};
constexpr GoldenGrad kExpGrad{kExpY, kExpDx, kExpSpecialDx};
constexpr GoldenGrad kLogGrad{kPositiveX, kLogDx, kLogSpecialDx};
constexpr GoldenGrad kSquareGrad{kX, kSquareDx, kSquareSpecialDx};
constexpr GoldenGrad kSqrtGrad{kSqrtY, kSqrtDx, kSqrtSpecialDx};
constexpr GoldenGrad kAbsGrad{kX, kAbsDx, kAbsSpecialDx};
constexpr GoldenGrad kClampGrad{kX, kClampDx, kClampSpecialDx, kClamp.attrs, "min=-1.5 max=3"};

/// Two examples.
constexpr Case golden_gradient(std::string_view name, std::string_view attrs,
                               std::span<const double> v, std::span<const double> dy,
                               std::span<const double> dx) {
  const auto half = static_cast<int64_t>(v.size() / 2);
  return {.name = name,
          .attrs = attrs,
          .inputs = {{{.shape = {half}, .values = v}, {.shape = {half}, .values = dy}}},
          .expect = {dx}};
}
constexpr Case gradient_case(std::string_view name, std::string_view attrs, int64_t n,
                             const Shape& shape, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = shape, .fill = Fill::spread}, {.shape = shape}}},
          .bench = bench};
}

template <const GoldenGrad& g>
constexpr Case kGradCases[] = {
    golden_gradient("golden", g.golden_attrs, g.v, kDy, g.dx),
    golden_gradient("special", g.golden_attrs, kSpecialV, kSpecialDy, g.special_dx),
    gradient_case("single", g.attrs, 1, {7}),
    gradient_case("planes", g.attrs, 17, {3, 5, 7}),
    gradient_case("lenet_c1", g.attrs, 33, {6, 28, 28}, true),
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "value is float32 (N, 3, 4), but dy is float32 (N, 3, 5)"},
    {.name = "wrong_rank",
     .inputs = {{{.shape = {12}}, {.shape = {3, 4}}}},
     .error = "but dy is float32 (N, 3, 4)"},
    bad_attribute("slope=0.1", "has no attribute 'slope'"),
};

consteval OpDef with_defaults(OpDef op) {
  if (!op.attrs.given) op.attrs = none;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.fusions = none;
  return checked(op);
}

template <MathFunction f>
consteval OpDef function(OpDef op) {
  op.inputs = kInputs, op.outputs = kOutputs;
  op.infer = infer;
  op.reference = {math_ref<float, f>, math_ref<double, f>};
  op.cpu = math_cpu<f>, op.cuda = cuda_twin(math_cuda<f>);
  op.bit_exact = f != MathFunction::exp && f != MathFunction::log;
  return with_defaults(op);
}

template <MathFunction f>
consteval OpDef function_grad(OpDef op) {
  const bool from_output = f == MathFunction::exp || f == MathFunction::sqrt;
  op.inputs = from_output ? Rows<InputDef>(kFromOutput) : Rows<InputDef>(kFromInput);
  op.outputs = kGradOutputs;
  op.infer = infer_grad;
  op.reference = {math_grad_ref<float, f>, math_grad_ref<double, f>};
  op.cpu = math_grad_cpu<f>, op.cuda = cuda_twin(math_grad_cuda<f>);
  op.gradient = not_differentiable;
  op.cost = cost<2>;
  op.bit_exact = true;
  return with_defaults(op);
}

constexpr OpDef kOps[] = {
    function<MathFunction::neg>(
        {.name = "neg", .gradient = neg_gradient, .cost = cost<1>, .cases = kCases<kNeg>}),
    function<MathFunction::exp>(
        {.name = "exp", .gradient = gradient_from_output, .cost = cost<14>, .cases = kCases<kExp>}),
    function<MathFunction::log>(
        {.name = "log", .gradient = gradient_from_input, .cost = cost<22>, .cases = kCases<kLog>}),
    function<MathFunction::square>({.name = "square",
                                    .gradient = gradient_from_input,
                                    .cost = cost<1>,
                                    .cases = kCases<kSquare>}),
    function<MathFunction::sqrt>({.name = "sqrt",
                                  .gradient = gradient_from_output,
                                  .cost = cost<1>,
                                  .cases = kCases<kSqrt>}),
    function<MathFunction::abs>(
        {.name = "abs", .gradient = gradient_from_input, .cost = cost<1>, .cases = kCases<kAbs>}),
    function<MathFunction::clamp>({.name = "clamp",
                                   .attrs = kLimits,
                                   .gradient = gradient_from_input,
                                   .cost = cost<2>,
                                   .cases = kCases<kClamp, kReversed, kNoLimits>}),
    function<MathFunction::scale>({.name = "scale",
                                   .attrs = kLine,
                                   .gradient = scale_gradient,
                                   .cost = cost<2>,
                                   .cases = kCases<kScale, kIdentity>}),
    function_grad<MathFunction::exp>({.name = "exp_grad", .cases = kGradCases<kExpGrad>}),
    function_grad<MathFunction::log>({.name = "log_grad", .cases = kGradCases<kLogGrad>}),
    function_grad<MathFunction::square>({.name = "square_grad", .cases = kGradCases<kSquareGrad>}),
    function_grad<MathFunction::sqrt>({.name = "sqrt_grad", .cases = kGradCases<kSqrtGrad>}),
    function_grad<MathFunction::abs>({.name = "abs_grad", .cases = kGradCases<kAbsGrad>}),
    function_grad<MathFunction::clamp>(
        {.name = "clamp_grad", .attrs = kLimits, .cases = kGradCases<kClampGrad>}),
};

}  // namespace

extern const std::span<const OpDef> math_ops;
constinit const std::span<const OpDef> math_ops{kOps};

}  // namespace cairn
