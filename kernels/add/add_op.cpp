#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/add/add.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.in[0] == t.in[1], t.op,
         fmt::format("a is {}, but b is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

void gradient(GradientRule& rule) {
  rule.set(0, rule.dout(0));
  rule.set(1, rule.dout(0));
}

Cost cost(const OpTypes& t) { return stream_cost(t, 1); }

constexpr InputDef kInputs[] = {{"a", Layout::any}, {"b", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};

// Golden values: tests/oracle/add.py.
constexpr double kA[] = {1.5, -2, 0.25, 8, -0.5, 3};
constexpr double kB[] = {-0.5, 4, 0.125, -8, 0.75, 1};
constexpr double kY[] = {1, 2, 0.375, 0, 0.25, 4};

constexpr Case kCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {3}, .values = kA}, {.shape = {3}, .values = kB}}},
     .expect = {kY}},
    {.name = "single", .n = 1, .inputs = {{{.shape = {7}}, {.shape = {7}}}}},
    {.name = "planes", .n = 17, .inputs = {{{.shape = {3, 5, 7}}, {.shape = {3, 5, 7}}}}},
    {.name = "scalar", .n = 2, .inputs = {{{.shape = {}}, {.shape = {}}}}},
    {.name = "resnet_block",
     .n = 9,
     .inputs = {{{.shape = {16, 32, 32}}, {.shape = {16, 32, 32}}}},
     .bench = true},
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
     .error = "a is float32 (N, 3, 4), but b is float32 (N, 3, 5)"},
    {.name = "no_broadcast",
     .inputs = {{{.shape = {3, 4}}, {.shape = {4}}}},
     .error = "but b is float32 (N, 4)"},
    {.name = "attribute",
     .attrs = "alpha=2",
     .inputs = {{{.shape = {3}}, {.shape = {3}}}},
     .error = "has no attribute 'alpha'"},
};

constexpr OpDef kOps[] = {
    checked({.name = "add",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = none,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {add_ref<float>, add_ref<double>},
             .cpu = add_cpu,
             .cuda = cuda_twin(add_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> add_ops;
constinit const std::span<const OpDef> add_ops{kOps};

}  // namespace cairn
