#include "kernels/pad/pad.h"

#include <limits>
#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "core/op_table.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const int count = t.attrs.size(pad_attr::pad), rank = t.shape(0).rank();
  expect(count % 2 == 0, t.op, fmt::format("pad has {} numbers; it takes two an axis", count));
  expect(count / 2 <= rank, t.op,
         fmt::format("pad is for {} axes, but {} has {}{}", count / 2, to_string(t.in[0]), rank,
                     t.in[0].batched ? " besides the batch" : ""));
  std::vector<int64_t> dims(t.shape(0).dims().begin(), t.shape(0).dims().end());
  for (int i = 0; i < count; ++i) {
    const int64_t border = t.attrs.integer(pad_attr::pad, i);
    expect(border >= 0, t.op, fmt::format("pad {} is negative: slice takes places away", border));
    dims[static_cast<size_t>(rank - 1 - i / 2)] += border;
  }
  t.set_out(0, Shape(dims));
}

void gradient(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  Value g = rule.dout(0);
  for (int i = 0; i < rule.attrs().size(pad_attr::pad); i += 2) {
    const double before = rule.attrs().real(pad_attr::pad, i);
    const double after = rule.attrs().real(pad_attr::pad, i + 1);
    if (before == 0 && after == 0) continue;
    const int axis = -1 - i / 2;
    Attrs attrs(find_op("slice").attrs.items);
    attrs.set("dim", axis).set("start", before);
    g = rule.emit("slice", {g}, attrs.set("end", before + static_cast<double>(x[axis])));
  }
  rule.set(0, g);
}

Cost cost(const OpTypes& t) { return stream_cost(t, 0); }

constexpr double kMaxPad = 1 << 30, kHuge = std::numeric_limits<double>::infinity();
constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr AttrDef kAttrs[] = {
    {.name = "pad", .min = -kMaxPad, .max = kMaxPad, .count = 2 * kMaxRank, .list = true},
    {.name = "value", .type = AttrType::real, .min = -kHuge, .max = kHuge}};

// Golden values: tests/oracle/movement.py.
constexpr double kX[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kPadY[] = {0, -1.25, 0, 0, 0, 0, 1.25, -0.75, 0, 0, 0, 0.5, -1.5, 0, 0,
                            0, -0.25, 1, 0, 0, 0, -1,   0.25,  0, 0, 0, 1.5, -0.5, 0, 0};
constexpr double kPadValueY[] = {0.5,   0.5,   0.5, 0.5,  0.5, 0.5,  -1.25, 0,   0.5,  1.25,
                                 -0.75, 0.5,   0.5, -1.5, 0.5, 0.5,  0.5,   0.5, 0.5,  0.5,
                                 0.5,   -0.25, 1,   0.5,  -1,  0.25, 0.5,   1.5, -0.5, 0.5};
constexpr double kSpecial[] = {-0.0, kHuge}, kSpecialY[] = {-kHuge, -0.0, kHuge};
constexpr CaseInput kGoldenX{.shape = {3, 2}, .values = kX};
constexpr Case bad(std::string_view name, std::string_view attrs, std::string_view error) {
  return {.name = name, .attrs = attrs, .inputs = {{{.shape = {2, 3}}}}, .error = error};
}
constexpr Case kCases[] = {
    {.name = "golden", .attrs = "pad=1,2", .inputs = {kGoldenX}, .expect = {kPadY}},
    {.name = "golden_value",
     .attrs = "pad=0,1,2,0 value=0.5",
     .inputs = {kGoldenX},
     .expect = {kPadValueY}},
    {.name = "nothing", .inputs = {kGoldenX}, .expect = {kX}},
    {.name = "scalar", .n = 1, .inputs = {{{.shape = {}}}}},
    {.name = "special",
     .attrs = "pad=1,0 value=-inf",
     .n = 1,
     .inputs = {{{.shape = {2}, .values = kSpecial}}},
     .expect = {kSpecialY}},
    {.name = "vector", .attrs = "pad=3,4", .n = 1, .inputs = {{{.shape = {7}}}}},
    {.name = "channels", .attrs = "pad=0,0,0,0,1,2", .n = 17, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "empty", .attrs = "pad=1,1", .inputs = {{{.shape = {2, 0}}}}},
    {.name = "planes",
     .attrs = "pad=4,4,4,4",
     .n = 33,
     .inputs = {{{.shape = {3, 32, 32}}}},
     .bench = true},
    bad("odd", "pad=1,2,3", "pad has 3 numbers; it takes two an axis"),
    bad("batch", "pad=0,0,0,0,1,1", "float32 (N, 2, 3) has 2 besides the batch"),
    bad("negative", "pad=1,-1", "pad -1 is negative: slice takes places away"),
    bad("mode", "mode=1", "has no attribute 'mode'"),
};

constexpr OpDef kOps[] = {
    checked({.name = "pad",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {pad_ref<float>, pad_ref<double>},
             .cuda = cuda_twin(pad_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> pad_ops;
constinit const std::span<const OpDef> pad_ops{kOps};

}  // namespace cairn
