#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/dropout/dropout.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  t.set_out(0, t.shape(0));
  t.set_out(1, t.shape(0));
}

void infer_grad(const OpTypes& t) {
  expect(t.in[0].batched == t.in[1].batched && t.shape(0) == t.shape(1), t.op,
         fmt::format("dy is {}, but mask is {}", to_string(t.in[0]), to_string(t.in[1])));
  t.set_out(0, t.shape(0));
}

void gradient(GradientRule& rule) {
  rule.set(0, rule.emit("dropout_grad", {rule.dout(0), rule.out(1)}, rule.attrs()));
}

// Ten rounds of two products and four exclusive ors, shared by four elements; one multiplication.
Cost cost(const OpTypes& t) { return stream_cost(t, 16); }
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 1); }

constexpr InputDef kInputs[] = {{"x", Layout::any}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}, {"mask", Layout::any, false, DType::u8}};
constexpr AttrDef kAttrs[] = {{.name = "p", .type = AttrType::real, .initial = 0.5, .max = 1}};
constexpr InputDef kGradInputs[] = {{"dy", Layout::any},
                                    {"mask", Layout::any, Use::read, DType::u8}};
constexpr OutputDef kGradOutputs[] = {{"dx", Layout::any}};

// The closed form; what is random is checked by tests/dropout_test.cpp.
constexpr double kX[] = {1.5, -2, 0.25, 8, -0.5, 3};
constexpr double kOnes[] = {1, 1, 1, 1, 1, 1}, kZeros[] = {0, 0, 0, 0, 0, 0};
constexpr double kMask[] = {1, 0, 1, 0, 1, 1}, kDx[] = {2, -0.0, 1.0 / 3, 0, -2.0 / 3, 4};

constexpr CaseInput kGoldenX{.shape = {3}, .values = kX};
constexpr CaseInput mask_of(const Shape& shape) {
  return {.shape = shape, .fill = Fill::labels, .range = 2};
}
constexpr Case kCases[] = {
    {.name = "none", .attrs = "p=0", .inputs = {{kGoldenX}}, .expect = {kX, kOnes}},
    {.name = "all", .attrs = "p=1", .inputs = {{kGoldenX}}, .expect = {kZeros, kZeros}},
    {.name = "single", .n = 1, .inputs = {{{.shape = {7}}}}, .step = {.step = 3}},
    {.name = "scalar", .inputs = {{{.shape = {}}}}},
    {.name = "planes",
     .attrs = "p=0.2",
     .n = 17,
     .inputs = {{{.shape = {3, 5, 7}}}},
     .step = {.step = int64_t{1} << 33}},
    {.name = "long", .attrs = "p=0.75", .n = 2, .inputs = {{{.shape = {2051}}}}},
    {.name = "hidden", .n = 33, .inputs = {{{.shape = {512}}}}, .bench = true},
    {.name = "above_one",
     .attrs = "p=1.5",
     .inputs = {{{.shape = {3}}}},
     .error = "p=1.5 is out of range"},
    {.name = "negative",
     .attrs = "p=-0.5",
     .inputs = {{{.shape = {3}}}},
     .error = "p=-0.5 is out of range"},
    {.name = "attribute",
     .attrs = "inplace=1",
     .inputs = {{{.shape = {3}}}},
     .error = "has no attribute 'inplace'"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .attrs = "p=0.25",
     .inputs = {{kGoldenX, {.shape = {3}, .values = kMask}}},
     .expect = {kDx}},
    {.name = "all", .attrs = "p=1", .inputs = {{kGoldenX, {.shape = {3}, .fill = Fill::zeros}}}},
    {.name = "single", .n = 1, .inputs = {{{.shape = {7}}, mask_of({7})}}},
    {.name = "planes", .n = 17, .inputs = {{{.shape = {3, 5, 7}}, mask_of({3, 5, 7})}}},
    {.name = "hidden", .n = 33, .inputs = {{{.shape = {512}}, mask_of({512})}}, .bench = true},
    {.name = "wrong_size",
     .inputs = {{{.shape = {3, 4}}, mask_of({3, 5})}},
     .error = "dy is float32 (N, 3, 4), but mask is uint8 (N, 3, 5)"},
    {.name = "wrong_rank",
     .inputs = {{{.shape = {12}}, mask_of({3, 4})}},
     .error = "but mask is uint8 (N, 3, 4)"},
    {.name = "above_one",
     .attrs = "p=2",
     .inputs = {{{.shape = {3}}, mask_of({3})}},
     .error = "p=2 is out of range"},
};

constexpr OpDef kOps[] = {
    checked({.name = "dropout",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {dropout_ref<float>, dropout_ref<double>},
             .cpu = dropout_cpu,
             .cuda = cuda_twin(dropout_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
    checked({.name = "dropout_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer_grad,
             .workspace = no_workspace,
             .reference = {dropout_grad_ref<float>, dropout_grad_ref<double>},
             .cpu = dropout_grad_cpu,
             .cuda = cuda_twin(dropout_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> dropout_ops;
constinit const std::span<const OpDef> dropout_ops{kOps};

}  // namespace cairn
