#include "kernels/round_bf16/round_bf16.h"

#include <limits>

namespace cairn {
namespace {

void infer(const OpTypes& t) { t.set_out(0, t.shape(0)); }

Cost cost(const OpTypes& t) { return stream_cost(t, 3); }

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};

// Golden values: tests/oracle/round_bf16.py. The second and third are ties.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kX[] = {1, 1.00390625, 1.01171875, 1.0078125, -3.1415926, 0.1, 1e-3, 123456.789};
constexpr double kY[] = {1, 1, 1.015625, 1.0078125, -3.140625, 0.100097656, 0.000999450684, 123392};
constexpr double kSpecialX[] = {kNan,     kInf,    -kInf,        -0.0,     1e-40,
                                -1.4e-45, 3.38e38, 3.3961775e38, 3.396e38, -3.4e38};
constexpr double kSpecialY[] = {kNan, kInf,           -kInf, -0.0,           9.18354962e-41,
                                -0.0, 3.37623911e+38, kInf,  3.38953139e+38, -kInf};
constexpr Case kCases[] = {
    {.name = "golden", .inputs = {{{.shape = {4}, .values = kX}}}, .expect = {kY}},
    {.name = "special", .inputs = {{{.shape = {5}, .values = kSpecialX}}}, .expect = {kSpecialY}},
    {.name = "single", .n = 1, .inputs = {{{.shape = {7}}}}},
    {.name = "planes", .n = 17, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "scalar", .inputs = {{{.shape = {}}}}},
    {.name = "resnet_block", .n = 9, .inputs = {{{.shape = {16, 32, 32}}}}, .bench = true},
    {.name = "attribute",
     .attrs = "digits=8",
     .inputs = {{{.shape = {3}}}},
     .error = "has no attribute 'digits'"},
};

constexpr OpDef kOps[] = {checked({.name = "round_bf16",
                                   .inputs = kInputs,
                                   .outputs = kOutputs,
                                   .attrs = none,
                                   .scope = Scope::per_example,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {round_bf16_ref<float>, round_bf16_ref<double>},
                                   .cpu = round_bf16_cpu,
                                   .cuda = cuda_twin(round_bf16_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases,
                                   .bit_exact = true})};

}  // namespace

extern const std::span<const OpDef> round_bf16_ops;
constinit const std::span<const OpDef> round_bf16_ops{kOps};

}  // namespace cairn
