#include "kernels/add/add.h"

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.in[0] == t.in[1], "add",
         fmt::format("a is {}, but b is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

Cost cost(const OpTypes& t) { return stream_cost(t, 1); }

void gradient(GradientRule& rule) {
  rule.set(0, rule.dout(0));
  rule.set(1, rule.dout(0));
}

constexpr InputDef kInputs[] = {{"a", Layout::any}, {"b", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};

// Closed form.
constexpr double kA[] = {1, -2, 0.5}, kB[] = {0.25, 2, -1.5}, kY[] = {1.25, 0, -1};
constexpr Case kCases[] = {
    {.name = "golden",
     .n = 1,
     .inputs = {{{.shape = {3}, .values = kA}, {.shape = {3}, .values = kB}}},
     .expect = {kY}},
    {.name = "planes",
     .n = 33,
     .inputs = {{{.shape = {3, 5, 7}}, {.shape = {3, 5, 7}}}},
     .bench = true},
    {.name = "wrong_shape",
     .inputs = {{{.shape = {4}}, {.shape = {5}}}},
     .error = "a is float32 (N, 4), but b is float32 (N, 5)"},
};

constexpr OpDef kOps[] = {checked({.name = "add",
                                   .inputs = kInputs,
                                   .outputs = kOutputs,
                                   .attrs = none,
                                   .scope = Scope::per_example,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {add_ref<float>, add_ref<double>},
                                   .cuda = cuda_twin(add_cuda),
                                   .gradient = gradient,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> add_ops;
constinit const std::span<const OpDef> add_ops{kOps};

}  // namespace cairn
