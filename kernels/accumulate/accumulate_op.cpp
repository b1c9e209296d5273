#include "kernels/accumulate/accumulate.h"

#include <fmt/format.h>

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.shape(0) == t.shape(1), "accumulate",
         fmt::format("acc is {}, but x is {}", to_string(t.in[0]), to_string(t.in[1])));
}

Cost cost(const OpTypes& t) { return {3 * t.in_elements(0) * sizeof(float), t.in_elements(0)}; }

constexpr InputDef kInputs[] = {{"acc", Layout::plain, Use::mutated}, {"x", Layout::plain}};

// Closed form.
constexpr double kAcc[] = {1, -2, 0.5}, kX[] = {0.25, 2, -1.5}, kAfter[] = {1.25, 0, -1};
constexpr Case kCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {3}, .values = kAcc}, {.shape = {3}, .values = kX}}},
     .expect = {kAfter}},
    {.name = "weights", .inputs = {{{.shape = {120, 400}}, {.shape = {120, 400}}}}, .bench = true},
    {.name = "wrong_shape",
     .inputs = {{{.shape = {4}}, {.shape = {5}}}},
     .error = "acc is float32 (4), but x is float32 (5)"},
};

constexpr OpDef kOps[] = {checked({.name = "accumulate",
                                   .inputs = kInputs,
                                   .outputs = none,
                                   .attrs = none,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {accumulate_ref<float>, accumulate_ref<double>},
                                   .cuda = cuda_twin(accumulate_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> accumulate_ops;
constinit const std::span<const OpDef> accumulate_ops{kOps};

}  // namespace cairn
