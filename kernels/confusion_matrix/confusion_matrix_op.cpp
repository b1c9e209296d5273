#include <fmt/format.h>

#include "kernels/confusion_matrix/confusion_matrix.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  const Shape& x = t.shape(0);
  expect(x.rank() == 1 && x[0] >= 1, t.op,
         fmt::format("logits of one example have shape {}, (K) is needed", to_string(x)));
  expect(t.shape(1) == Shape{}, t.op, "a label must be a scalar");
  t.set_out(0, {x[0], x[0]});
}

Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 0);
  cost.bytes += t.out_elements(0) * sizeof(float);  // counts are added to: read and written
  cost.flops = t.in_elements(0);
  return cost;
}

constexpr InputDef kInputs[] = {{"logits"}, {"labels", Layout::batched, Use::read, DType::i32}};
constexpr OutputDef kOutputs[] = {{"counts", Layout::plain, true}};

// Golden values: tests/oracle/confusion_matrix.py.
constexpr double kX[] = {1, 2, 0, 5, 5, 0, 0, 1, 9, 3, 1, 2}, kLabels[] = {1, 0, 2, 2};
constexpr double kCounts[] = {1, 0, 0, 0, 1, 0, 1, 0, 1};
constexpr double kBadLabels[] = {0, -1};
constexpr std::array<double, 257> kLastLargest = [] {
  std::array<double, 257> x{};
  x[256] = 1;
  return x;
}();
constexpr Case kCases[] = {
    {.name = "golden",
     .n = 4,
     .inputs = {{{.shape = {3}, .values = kX}, {.shape = {}, .values = kLabels}}},
     .expect = {kCounts}},
    {.name = "ten_classes",
     .n = 33,
     .inputs = {{{.shape = {10}, .fill = Fill::spread}, {.shape = {}, .fill = Fill::labels}}},
     .bench = true},
    {.name = "many_classes",
     .n = 17,
     .inputs = {{{.shape = {300}, .fill = Fill::spread},
                 {.shape = {}, .fill = Fill::labels, .range = 300}}}},
    {.name = "class_256",
     .n = 1,
     .inputs = {{{.shape = {257}, .values = kLastLargest},
                 {.shape = {}, .fill = Fill::labels, .range = 257}}}},
    {.name = "tiles",
     .n = 600,
     .inputs = {{{.shape = {3}, .fill = Fill::spread},
                 {.shape = {}, .fill = Fill::labels, .range = 3}}}},
    {.name = "one_example",
     .n = 1,
     .inputs = {{{.shape = {10}}, {.shape = {}, .fill = Fill::labels}}}},
    {.name = "negative_label",
     .inputs = {{{.shape = {3}}, {.shape = {}, .values = kBadLabels}}},
     .error = "label -1 of example 1"},
    {.name = "planes", .inputs = {{{.shape = {3, 2}}, {}}}, .error = "(K) is needed"},
    {.name = "label_vector",
     .inputs = {{{.shape = {3}}, {.shape = {3}}}},
     .error = "must be a scalar"},
};

constexpr OpDef kOps[] = {
    checked({.name = "confusion_matrix",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = none,
             .scope = Scope::sums_over_batch,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {confusion_matrix_ref<float>, confusion_matrix_ref<double>},
             .cuda = cuda_twin(confusion_matrix_cuda),
             .gradient = not_differentiable,
             .cost = cost,
             .fusions = none,
             .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> confusion_matrix_ops;
constinit const std::span<const OpDef> confusion_matrix_ops{kOps};

}  // namespace cairn
