#include <fmt/format.h>

#include <limits>

#include "kernels/clip_norm/clip_norm.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.shape(0).rank() == 1, t.op,
         fmt::format("gradients {} must be flat", to_string(t.shape(0))));
  t.set_out(0, {});
}

int64_t workspace(const OpTypes&) { return 256 * int64_t{sizeof(double)}; }  // a sum a block

Cost cost(const OpTypes& t) { return {t.in_elements(0) * 3 * sizeof(float), t.in_elements(0) * 3}; }

constexpr InputDef kInputs[] = {{"gradients", Layout::plain, Use::mutated}};
constexpr OutputDef kOutputs[] = {{"norm", Layout::plain}};
constexpr AttrDef kAttrs[] = {
    {.name = "max_norm", .type = AttrType::real, .initial = 1, .min = 1e-30, .max = 1e30}};

// Golden values: tests/oracle/optimizers.py.
constexpr double kG[] = {0.75, -1.5, 3, 0.375, 6}, kNorm[] = {6.92481949223227};
constexpr double kClipped[] = {0.21661211314901, -0.43322422629802, 0.86644845259604,
                               0.108306056574505, 1.73289690519208};
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kBad[] = {1, kNan, 2}, kBadNorm[] = {kNan}, kAllBad[] = {kNan, kNan, kNan};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "max_norm=2",
     .inputs = {{{.shape = {5}, .values = kG}}},
     .expect = {kNorm, kClipped}},
    {.name = "below",
     .attrs = "max_norm=100",
     .inputs = {{{.shape = {5}, .values = kG}}},
     .expect = {kNorm, kG}},
    {.name = "nan", .inputs = {{{.shape = {3}, .values = kBad}}}, .expect = {kBadNorm, kAllBad}},
    {.name = "large", .inputs = {{{.shape = {70001}}}}, .bench = true},
    {.name = "single", .attrs = "max_norm=0.25", .inputs = {{{.shape = {1}}}}},
    {.name = "zeros", .inputs = {{{.shape = {33}, .fill = Fill::zeros}}}},
    {.name = "matrix", .inputs = {{{.shape = {2, 3}}}}, .error = "gradients (2, 3) must be flat"},
    {.name = "no_limit",
     .attrs = "max_norm=0",
     .inputs = {{{.shape = {3}}}},
     .error = "max_norm=0 is out of range"},
    {.name = "attribute",
     .attrs = "norm_type=1",
     .inputs = {{{.shape = {3}}}},
     .error = "has no attribute 'norm_type'"},
};

constexpr OpDef kOps[] = {checked({.name = "clip_norm",
                                   .inputs = kInputs,
                                   .outputs = kOutputs,
                                   .attrs = kAttrs,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = workspace,
                                   .reference = {clip_norm_ref<float>, clip_norm_ref<double>},
                                   .cpu = clip_norm_cpu,
                                   .cuda = cuda_twin(clip_norm_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> clip_norm_ops;
constinit const std::span<const OpDef> clip_norm_ops{kOps};

}  // namespace cairn
