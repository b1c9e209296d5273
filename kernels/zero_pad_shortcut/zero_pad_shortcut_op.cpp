#include <algorithm>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "core/op_table.h"
#include "kernels/zero_pad_shortcut/zero_pad_shortcut.h"

namespace cairn {
namespace {

constexpr int kStride = 0, kChannels = 1, kInputSize = 1;  // positions of attributes

int64_t taken(int64_t size, int64_t stride) { return (size + stride - 1) / stride; }

void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  expect(x.rank() == 3, t.op,
         fmt::format("x of one example has shape {}, (C,H,W) is needed", to_string(x)));
  const int64_t channels = t.attrs.integer(kChannels), stride = t.attrs.integer(kStride);
  expect(channels == 0 || channels >= x[0], t.op,
         fmt::format("channels={}, but x has {} already", channels, x[0]));
  t.set_out(0, {channels ? channels : x[0], taken(x[1], stride), taken(x[2], stride)});
}

void infer_grad(const OpTypes& t) {
  const Shape& dy = t.shape(0);
  expect(t.attrs.size(kInputSize) == 3, t.op, "input_size=C,H,W must be given");
  const Shape x{t.attrs.integer(kInputSize), t.attrs.integer(kInputSize, 1),
                t.attrs.integer(kInputSize, 2)};
  const int64_t stride = t.attrs.integer(kStride);
  const bool fits = dy.rank() == 3 && dy[0] >= x[0] && dy[1] == taken(x[1], stride) &&
                    dy[2] == taken(x[2], stride);
  expect(fits, t.op,
         fmt::format("dy of one example has shape {}, which is no shortcut of {} by stride {}",
                     to_string(dy), to_string(x), stride));
  t.set_out(0, x);
}

/// What is taken is read once; all is written.
Cost cost(const OpTypes& t) {
  const double small = std::min(t.in_elements(0), t.out_elements(0));
  return {(small + t.out_elements(0)) * sizeof(float), 0};
}

void gradient(GradientRule& rule) {
  const Shape& x = rule.graph()[rule.in(0)].type.shape;
  const auto size = [&](int axis) { return static_cast<double>(x[axis]); };
  Attrs attrs(find_op("zero_pad_shortcut_grad").attrs.items);
  attrs.set("stride", rule.attrs().real(kStride));
  attrs.set("input_size", std::array{size(0), size(1), size(2)});
  rule.set(0, rule.emit("zero_pad_shortcut_grad", {rule.dout(0)}, attrs));
}

constexpr InputDef kInputs[] = {{"x"}};
constexpr OutputDef kOutputs[] = {{"y"}};
constexpr InputDef kGradInputs[] = {{"dy"}};
constexpr OutputDef kGradOutputs[] = {{"dx"}};
constexpr AttrDef kStrideAttr{.name = "stride", .initial = 1, .min = 1, .max = 1024};
constexpr AttrDef kAttrs[] = {kStrideAttr, {.name = "channels", .max = 1e9}};
constexpr AttrDef kGradAttrs[] = {kStrideAttr,
                                  {.name = "input_size", .max = 1e9, .count = 3, .list = true}};

// Golden values: tests/oracle/zero_pad_shortcut.py.
constexpr double kX[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
constexpr double kY[] = {1, 3, 7, 9, 0, 0, 0, 0, 10, 12, 16, 18, 0, 0, 0, 0};
constexpr double kDx[] = {1, 0, 3, 0, 0, 0, 7, 0, 9, 10, 0, 12, 0, 0, 0, 16, 0, 18};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "stride=2 channels=2",
     .inputs = {{{.shape = {1, 3, 3}, .values = kX}}},
     .expect = {kY}},
    {.name = "same", .n = 17, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "odd", .attrs = "stride=3 channels=7", .n = 33, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "one_example", .attrs = "stride=2", .n = 1, .inputs = {{{.shape = {2, 4, 1}}}}},
    {.name = "resnet",
     .attrs = "stride=2 channels=32",
     .n = 9,
     .inputs = {{{.shape = {16, 32, 32}}}},
     .bench = true},
    {.name = "vector", .inputs = {{{.shape = {3}}}}, .error = "(C,H,W) is needed"},
    {.name = "channels",
     .attrs = "channels=2",
     .inputs = {{{.shape = {3, 2, 2}}}},
     .error = "channels=2, but x has 3 already"},
    {.name = "stride",
     .attrs = "stride=0",
     .inputs = {{{.shape = {3, 2, 2}}}},
     .error = "stride=0 is out of range"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .attrs = "stride=2 input_size=1,3,3",
     .inputs = {{{.shape = {2, 2, 2}, .values = kY}}},
     .expect = {kDx}},
    {.name = "odd",
     .attrs = "stride=3 input_size=3,5,7",
     .n = 33,
     .inputs = {{{.shape = {7, 2, 3}}}}},
    {.name = "same", .attrs = "input_size=3,5,7", .n = 17, .inputs = {{{.shape = {3, 5, 7}}}}},
    {.name = "resnet",
     .attrs = "stride=2 input_size=16,32,32",
     .n = 9,
     .inputs = {{{.shape = {32, 16, 16}}}},
     .bench = true},
    {.name = "no_size", .inputs = {{{.shape = {3, 2, 2}}}}, .error = "input_size=C,H,W"},
    {.name = "channels",
     .attrs = "input_size=4,2,2",
     .inputs = {{{.shape = {3, 2, 2}}}},
     .error = "is no shortcut of (4, 2, 2)"},
    {.name = "planes",
     .attrs = "stride=2 input_size=3,5,4",
     .inputs = {{{.shape = {3, 2, 2}}}},
     .error = "is no shortcut of (3, 5, 4) by stride 2"},
};

constexpr OpDef kOps[] = {
    checked({.name = "zero_pad_shortcut",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {zero_pad_shortcut_ref<float>, zero_pad_shortcut_ref<double>},
             .cuda = cuda_twin(zero_pad_shortcut_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
    checked({.name = "zero_pad_shortcut_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kGradAttrs,
             .scope = Scope::per_example,
             .infer = infer_grad,
             .workspace = no_workspace,
             .reference = {zero_pad_shortcut_grad_ref<float>, zero_pad_shortcut_grad_ref<double>},
             .cuda = cuda_twin(zero_pad_shortcut_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kGradCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> zero_pad_shortcut_ops;
constinit const std::span<const OpDef> zero_pad_shortcut_ops{kOps};

}  // namespace cairn
