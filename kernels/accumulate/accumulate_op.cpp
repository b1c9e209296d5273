#include <fmt/format.h>

#include "kernels/accumulate/accumulate.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.shape(0) == t.shape(1), t.op,
         fmt::format("acc {} and x {} must agree", to_string(t.shape(0)), to_string(t.shape(1))));
}

/// acc moves twice.
Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 1);
  cost.bytes += t.in_elements(0) * static_cast<double>(size_of(t.in[0].dtype));
  return cost;
}

constexpr InputDef kInputs[] = {{"acc", Layout::plain, Use::mutated}, {"x", Layout::plain}};

// Golden values: tests/oracle/binary.py.
constexpr double kAcc[] = {1.5, -2, 0.25, 8, -0.5, 3};
constexpr double kX[] = {-0.5, 4, 0.125, -8, 0.75, 1};
constexpr double kSum[] = {1, 2, 0.375, 0, 0.25, 4};

constexpr Case kCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {2, 3}, .values = kAcc}, {.shape = {2, 3}, .values = kX}}},
     .expect = {kSum}},
    {.name = "scalar", .inputs = {{{.shape = {}}, {.shape = {}}}}},
    {.name = "odd", .n = 1, .inputs = {{{.shape = {13, 37}}, {.shape = {13, 37}}}}},
    {.name = "fc1", .inputs = {{{.shape = {400, 120}}, {.shape = {400, 120}}}}, .bench = true},
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, {.shape = {4, 3}}}},
     .error = "acc (3, 4) and x (4, 3) must agree"},
    {.name = "wrong_rank",
     .inputs = {{{.shape = {12}}, {.shape = {3, 4}}}},
     .error = "acc (12) and x (3, 4) must agree"},
    {.name = "attribute",
     .attrs = "alpha=2",
     .inputs = {{{.shape = {3}}, {.shape = {3}}}},
     .error = "has no attribute 'alpha'"},
};

constexpr OpDef kOps[] = {
    checked({.name = "accumulate",
             .inputs = kInputs,
             .outputs = none,
             .attrs = none,
             .scope = Scope::whole,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {accumulate_ref<float>, accumulate_ref<double>},
             .cpu = accumulate_cpu,
             .cuda = cuda_twin(accumulate_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> accumulate_ops;
constinit const std::span<const OpDef> accumulate_ops{kOps};

}  // namespace cairn
