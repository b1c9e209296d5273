#include "kernels/one_hot/one_hot.h"

#include <vector>

#include <fmt/format.h>

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const int64_t classes = t.attrs.integer(one_hot_attr::num_classes);
  expect(classes >= 1, t.op, "num_classes must be given: at least 1");
  std::vector<int64_t> dims(t.shape(0).dims().begin(), t.shape(0).dims().end());
  expect(dims.size() < size_t{kMaxRank}, t.op,
         fmt::format("labels {} leave no axis for the classes", to_string(t.in[0])));
  dims.push_back(classes);
  t.set_out(0, Shape(dims));
}

Cost cost(const OpTypes& t) { return stream_cost(t, 0); }

constexpr InputDef kInputs[] = {{"labels", Layout::any, Use::read, DType::i32}};
constexpr OutputDef kOutputs[] = {{"y", Layout::any}};
constexpr AttrDef kAttrs[] = {{.name = "num_classes", .max = 1 << 30}};

// Golden values: tests/oracle/indexing.py.
constexpr double kLabels[] = {3, 0, 1, 1, 2, 3};
constexpr double kY[] = {0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1};
constexpr double kTooLarge[] = {0, 3}, kNegative[] = {-1, 2};
constexpr Case kCases[] = {
    {.name = "golden",
     .attrs = "num_classes=4",
     .n = 3,
     .inputs = {{{.shape = {2}, .values = kLabels}}},
     .expect = {kY}},
    {.name = "one_class",
     .attrs = "num_classes=1",
     .n = 1,
     .inputs = {{{.shape = {}, .fill = Fill::zeros}}}},
    {.name = "scalar",
     .attrs = "num_classes=10",
     .n = 17,
     .inputs = {{{.shape = {}, .fill = Fill::labels}}}},
    {.name = "tokens",
     .attrs = "num_classes=31",
     .n = 2,
     .inputs = {{{.shape = {3, 5}, .fill = Fill::labels, .range = 31}}}},
    {.name = "thousand",
     .attrs = "num_classes=1000",
     .n = 33,
     .inputs = {{{.shape = {}, .fill = Fill::labels, .range = 1000}}},
     .bench = true},
    {.name = "too_large",
     .attrs = "num_classes=3",
     .inputs = {{{.shape = {}, .values = kTooLarge}}},
     .error = "label 3 is outside 0 to 2"},
    {.name = "negative",
     .attrs = "num_classes=3",
     .inputs = {{{.shape = {}, .values = kNegative}}},
     .error = "label -1 is outside 0 to 2"},
    {.name = "no_classes", .inputs = {{{.shape = {}}}}, .error = "num_classes must be given"},
    {.name = "no_axis",
     .attrs = "num_classes=2",
     .inputs = {{{.shape = {1, 1, 1, 1, 1, 1, 1, 1}}}},
     .error = "leave no axis for the classes"},
};

constexpr OpDef kOps[] = {
    checked({.name = "one_hot",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {one_hot_ref<float>, one_hot_ref<double>},
             .cuda = cuda_twin(one_hot_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
};

}  // namespace

extern const std::span<const OpDef> one_hot_ops;
constinit const std::span<const OpDef> one_hot_ops{kOps};

}  // namespace cairn
