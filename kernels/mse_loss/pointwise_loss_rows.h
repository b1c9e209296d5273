// Test rows of losses that compare two tensors element by element, and of their gradient ops.
#pragma once

#include "core/op.h"

namespace cairn {

/// Golden values of a loss of three examples of shape (2,2), with reduction mean and sum.
struct PointwiseLossGolden {
  std::span<const double> x, target, mean, sum, dx_mean, dx_sum;
};

constexpr double kOneLossValue[] = {1};
constexpr CaseInput kOneLoss{.shape = {}, .values = kOneLossValue};

constexpr CaseInput golden_examples(std::span<const double> values) {
  return {.shape = {2, 2}, .values = values};
}

constexpr Case golden_loss_case(bool sum, const std::array<CaseInput, 8>& inputs,
                                std::span<const double> expected) {
  return {.name = sum ? "golden_sum" : "golden",
          .attrs = sum ? "reduction=sum" : "",
          .n = 3,
          .inputs = inputs,
          .expect = {expected}};
}

/// Inputs of one shape, and dloss where the op takes one.
constexpr Case filled_loss_case(std::string_view name, std::string_view attrs, int64_t n,
                                const Shape& shape, Fill target, bool bench = false) {
  return {.name = name,
          .attrs = attrs,
          .n = n,
          .inputs = {{{.shape = shape}, {.shape = shape, .fill = target}, {.shape = {}}}},
          .bench = bench};
}

constexpr Case bad_loss_case(std::string_view name, std::string_view attrs,
                             const std::array<CaseInput, 8>& inputs, std::string_view error) {
  return {.name = name, .attrs = attrs, .inputs = inputs, .error = error};
}

constexpr Case kNoReduction =
    bad_loss_case("no_reduction", "reduction=none", {{{.shape = {3}}, {.shape = {3}}}},
                  "reduction=none is none of mean, sum");

/// Of the loss.
template <const PointwiseLossGolden& golden, Fill target>
constexpr Case kPointwiseLossCases[] = {
    golden_loss_case(false, {golden_examples(golden.x), golden_examples(golden.target)},
                     golden.mean),
    golden_loss_case(true, {golden_examples(golden.x), golden_examples(golden.target)}, golden.sum),
    filled_loss_case("scalar", "", 2, {}, target),
    filled_loss_case("planes", "", 17, {3, 5, 7}, target),
    filled_loss_case("one_example", "reduction=sum", 1, {13}, target),
    filled_loss_case("image", "", 33, {1, 28, 28}, target, true),
    bad_loss_case("wrong_size", "", {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
                  "the prediction is float32 (N, 3, 4), but the target is float32 (N, 3, 5)"),
    bad_loss_case("no_broadcast", "", {{{.shape = {3, 4}}, {.shape = {4}}}},
                  "but the target is float32 (N, 4)"),
    kNoReduction,
};

/// Of the op that gives the derivative by x.
template <const PointwiseLossGolden& golden, Fill target>
constexpr Case kPointwiseSlopeCases[] = {
    golden_loss_case(false, {golden_examples(golden.x), golden_examples(golden.target), kOneLoss},
                     golden.dx_mean),
    golden_loss_case(true, {golden_examples(golden.x), golden_examples(golden.target), kOneLoss},
                     golden.dx_sum),
    filled_loss_case("scalar", "", 2, {}, target),
    filled_loss_case("planes", "", 17, {3, 5, 7}, target),
    filled_loss_case("one_example", "reduction=sum", 1, {13}, target),
    filled_loss_case("image", "", 33, {1, 28, 28}, target, true),
    bad_loss_case("wrong_size", "", {{{.shape = {3, 4}}, {.shape = {3, 5}}}},
                  "but the target is float32 (N, 3, 5)"),
    bad_loss_case("dloss_vector", "", {{{.shape = {3}}, {.shape = {3}}, {.shape = {2}}}},
                  "dloss has shape (2), a scalar is needed"),
    kNoReduction,
};

}  // namespace cairn
