#include <fmt/format.h>

#include "kernels/ema/ema.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.shape(0).rank() == 1 && t.shape(0) == t.shape(1), t.op,
         fmt::format("average {} and parameters {} must be flat and of one size",
                     to_string(t.shape(0)), to_string(t.shape(1))));
}

Cost cost(const OpTypes& t) { return {t.in_elements(0) * 3 * sizeof(float), t.in_elements(0) * 3}; }

constexpr InputDef kInputs[] = {{"average", Layout::plain, Use::mutated},
                                {"parameters", Layout::plain}};
constexpr AttrDef kAttrs[] = {
    {.name = "decay", .type = AttrType::real, .initial = 0.999, .max = 1}};

// Closed form: 0.75 average + 0.25 p.
constexpr double kAverage[] = {1, -2, 0, 4}, kP[] = {5, 2, -8, 4}, kNew[] = {2, -1, -2, 4};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "decay=0.75",
     .inputs = {{{.shape = {4}, .values = kAverage}, {.shape = {4}, .values = kP}}},
     .expect = {kNew}},
    {.name = "replaced",
     .attrs = "decay=0",
     .inputs = {{{.shape = {4}, .values = kAverage}, {.shape = {4}, .values = kP}}},
     .expect = {kP}},
    {.name = "large", .inputs = {{{.shape = {40001}}, {.shape = {40001}}}}, .bench = true},
    {.name = "single", .inputs = {{{.shape = {1}}, {.shape = {1}}}}},
    {.name = "sizes", .inputs = {{{.shape = {4}}, {.shape = {5}}}}, .error = "of one size"},
    {.name = "matrix", .inputs = {{{.shape = {2, 2}}, {.shape = {2, 2}}}}, .error = "must be flat"},
    {.name = "decay_above_one",
     .attrs = "decay=1.5",
     .inputs = {{{.shape = {4}}, {.shape = {4}}}},
     .error = "decay=1.5 is out of range"},
};

constexpr OpDef kOps[] = {checked({.name = "ema",
                                   .inputs = kInputs,
                                   .outputs = none,
                                   .attrs = kAttrs,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {ema_ref<float>, ema_ref<double>},
                                   .cpu = ema_cpu,
                                   .cuda = cuda_twin(ema_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> ema_ops;
constinit const std::span<const OpDef> ema_ops{kOps};

}  // namespace cairn
