#include <fmt/format.h>

#include "kernels/record/record.h"

namespace cairn {
namespace {

void infer(const OpTypes& t) {
  expect(t.shape(0) == Shape{} && t.shape(1) == Shape{}, t.op, "loss and correct must be scalars");
  for (const int i : {3, 4})
    expect(!t.has(i) || t.shape(i) == Shape{}, t.op, "share and later must be scalars");
  const Shape& ring = t.shape(2);
  expect(ring.rank() == 2 && ring[0] >= 1 && ring[1] == 2, t.op,
         fmt::format("ring {} must be (R,2)", to_string(ring)));
}

Cost cost(const OpTypes&) { return {16, 1}; }

constexpr InputDef kInputs[] = {{"loss", Layout::plain},
                                {"correct", Layout::plain},
                                {"ring", Layout::plain, Use::mutated},
                                {"share", Layout::plain, Use::optional},
                                {"later", Layout::plain, Use::optional}};

constexpr double kLoss[] = {1.5}, kCorrect[] = {3}, kRing[] = {9, 8, 7, 6, 5, 4};
constexpr double kAfter[] = {9, 8, 1.5, 0.75, 5, 4};
constexpr double kZero[] = {0}, kAfterEmpty[] = {9, 8, 7, 6, 0, 0};
constexpr double kHalf[] = {0.5}, kOne[] = {1}, kHalfOf[] = {9, 8, 0.75, 0.375, 5, 4},
                 kAdded[] = {9, 8, 7.75, 6.375, 5, 4};
constexpr Case kCases[] = {
    {.name = "golden",
     .n = 4,
     .inputs = {{{.shape = {}, .values = kLoss},
                 {.shape = {}, .values = kCorrect},
                 {.shape = {3, 2}, .values = kRing}}},
     .expect = {kAfter},
     .step = {.step = 4},
     .bench = true},
    {.name = "empty_batch",
     .n = 0,
     .inputs = {{{.shape = {}, .values = kZero},
                 {.shape = {}, .values = kZero},
                 {.shape = {3, 2}, .values = kRing}}},
     .expect = {kAfterEmpty},
     .step = {.step = 2}},
    {.name = "first_of_two",
     .n = 4,
     .inputs = {{{.shape = {}, .values = kLoss},
                 {.shape = {}, .values = kCorrect},
                 {.shape = {3, 2}, .values = kRing},
                 {.shape = {}, .values = kHalf},
                 {.shape = {}, .values = kZero}}},
     .expect = {kHalfOf},
     .step = {.step = 4}},
    {.name = "second_of_two",
     .n = 4,
     .inputs = {{{.shape = {}, .values = kLoss},
                 {.shape = {}, .values = kCorrect},
                 {.shape = {3, 2}, .values = kRing},
                 {.shape = {}, .values = kHalf},
                 {.shape = {}, .values = kOne}}},
     .expect = {kAdded},
     .step = {.step = 4}},
    {.name = "vector_share",
     .inputs = {{{}, {}, {.shape = {3, 2}}, {.shape = {2}}}},
     .error = "share and later must be scalars"},
    {.name = "wrong_ring", .inputs = {{{}, {}, {.shape = {3, 3}}}}, .error = "must be (R,2)"},
    {.name = "empty_ring", .inputs = {{{}, {}, {.shape = {0, 2}}}}, .error = "must be (R,2)"},
    {.name = "vector_loss",
     .inputs = {{{.shape = {2}}, {}, {.shape = {3, 2}}}},
     .error = "must be scalars"},
};

constexpr OpDef kOps[] = {checked({.name = "record",
                                   .inputs = kInputs,
                                   .outputs = none,
                                   .attrs = none,
                                   .scope = Scope::whole,
                                   .infer = infer,
                                   .workspace = no_workspace,
                                   .reference = {record_ref<float>, record_ref<double>},
                                   .cuda = cuda_twin(record_cuda),
                                   .gradient = not_differentiable,
                                   .cost = cost,
                                   .fusions = none,
                                   .cases = kCases})};

}  // namespace

extern const std::span<const OpDef> record_ops;
constinit const std::span<const OpDef> record_ops{kOps};

}  // namespace cairn
