// Shapes that nobody would write down as rows: odd sizes, empty batches, strides above the kernel,
// much padding, and sums of every width.
//
// Sizes are combined as in a Latin square: every window meets every pair of channels, and each of
// them meets every batch size.
#include "tests/op_shapes.h"

#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr int64_t kMaxWidth = 1100;
constexpr int64_t kGradientElements = 120;  // of all floating inputs
constexpr OpRunOptions kPlans[] = {
    {}, {.width = 1, .sliced = true}, {.width = 8}, {.width = 16, .sliced = true}};
constexpr OpRunOptions kWidthPlans[] = {{}, {.width = 32, .sliced = true}};

/// f(features in, features out) for every pair.
template <class F>
std::vector<Made> pairs(F f) {
  std::vector<Made> rows;
  for (size_t i = 0; i < std::size(kChannels); ++i)
    for (size_t j = 0; j < std::size(kChannels); ++j) {
      rows.push_back(f(kChannels[i], kChannels[j]));
      rows.back().n = batch_of(i, j);
    }
  return rows;
}

std::vector<Made> linear() {
  return pairs([](int64_t in, int64_t out) -> Made {
    if (in % 3 == 0) return {.inputs = {{{.shape = {in}}, {.shape = {out, in}}}}};
    return {.attrs = in > out ? "activation=tanh" : "activation=none",
            .inputs = {{{.shape = {in}}, {.shape = {out, in}}, {.shape = {out}}}}};
  });
}
std::vector<Made> linear_dx() {
  return pairs([](int64_t in, int64_t out) -> Made {
    if (in > out) return {.inputs = {{{.shape = {out}}, {.shape = {out, in}}}}};
    return {
        .attrs = "activation=tanh",
        .inputs = {{{.shape = {out}}, {.shape = {out, in}}, {.shape = {in}, .fill = Fill::unit}}}};
  });
}
std::vector<Made> linear_dw() {
  return pairs([](int64_t in, int64_t out) -> Made {
    return {.attrs = in > out ? "bias=1" : "", .inputs = {{{.shape = {in}}, {.shape = {out}}}}};
  });
}

/// f(shape of one example, its first size) for vectors and planes.
template <class F>
std::vector<Made> each_shape(F f) {
  std::vector<Made> rows;
  for (const int64_t n : kBatches)
    for (const int64_t c : kChannels)
      for (const Shape& shape : {Shape{c}, Shape{c, 1, 7}, Shape{c, 3, 2}}) {
        rows.push_back(f(CaseInput{.shape = shape, .fill = Fill::spread}, c));
        rows.back().n = n;
      }
  return rows;
}

std::vector<Made> one_input() {
  return each_shape([](const auto& x, int64_t) -> Made { return {.inputs = {x}}; });
}
std::vector<Made> one_positive() {
  return each_shape([](const auto& x, int64_t) -> Made {
    return {.inputs = {{{.shape = x.shape, .fill = Fill::positive}}}};
  });
}
std::vector<Made> two_inputs() {
  return each_shape([](const auto& x, int64_t) -> Made {
    return {.inputs = {x, {.shape = x.shape}}};
  });
}
/// The last axis, and the first of each example.
template <std::vector<Made> (*shapes)()>
std::vector<Made> along_axes() {
  std::vector<Made> rows = shapes();
  for (size_t i = 0; i < rows.size(); i += 2) rows[i].attrs = "dim=1";
  return rows;
}
template <size_t dloss>
std::vector<Made> pointwise_loss() {
  constexpr int64_t kManyTerms =
      257 * 4096;  // more of CUDA's partial sums than a block has threads
  std::vector<Made> rows = each_shape([](const auto& x, int64_t) -> Made {
    Made row{.inputs = {x, {.shape = x.shape, .fill = Fill::unit}}};
    if constexpr (dloss > 0) row.inputs[dloss] = {.shape = {}};
    return row;
  });
  if (dloss == 0) rows.push_back({"", 1, {{{.shape = {kManyTerms}}, {.shape = {kManyTerms}}}}});
  return rows;
}
std::vector<Made> bias_grad() {
  return each_shape(
      [](const auto& dy, int64_t) -> Made { return {.inputs = {{{.shape = dy.shape}}}}; });
}
std::vector<Made> bias() {
  return each_shape([](const auto& x, int64_t c) -> Made {
    return {.inputs = {x, {.shape = {c}}}};
  });
}

/// All axes of an example are a row, or the last one is; eps keeps rows of few values from
/// steepness.
std::vector<Made> layer_norms(int inputs) {
  return each_shape([=](const auto& x, int64_t c) -> Made {
    const bool all = c % 3 != 0;
    const int64_t last = x.shape[-1];
    const Shape row = all ? x.shape : Shape{last};
    const Shape stats = all ? Shape{3} : x.shape.rank() == 1 ? Shape{3} : Shape{c, x.shape[1], 3};
    const std::string dims = all ? "dims=0" : "dims=1";
    if (inputs == 1) return {dims + " eps=0.1", 1, {{x, {.shape = row}, {.shape = row}}}};
    Made made{dims, 1, {{x, x, {.shape = stats, .fill = Fill::positive}}}};
    if (inputs == 3) made.inputs[0].fill = Fill::unit;  // xh is negative: nothing cancels
    if (inputs == 4) made.inputs[3] = {.shape = row};
    return made;
  });
}
std::vector<Made> responses(int inputs) {
  return each_shape([=](const auto& x, int64_t) -> Made {
    Made made{"size=4 alpha=0.5", 1, {{x}}};
    for (size_t i = 1; i < static_cast<size_t>(inputs); ++i)
      made.inputs[i] = {.shape = x.shape, .fill = i == 3 ? Fill::positive : Fill::normal};
    return made;
  });
}

CaseInput labels(int64_t classes) {
  return {.shape = {}, .fill = Fill::labels, .range = static_cast<double>(classes)};
}
std::vector<Made> softmax_cross_entropy() {
  std::vector<Made> rows;
  for (const int64_t n : kBatches)
    for (const int64_t k : kChannels)
      for (const char* attrs : {"reduction=mean", "reduction=sum label_smoothing=0.1"})
        rows.push_back({attrs, n, {{{.shape = {k}}, labels(k)}}});
  return rows;
}
std::vector<Made> softmax_cross_entropy_grad() {
  std::vector<Made> rows = softmax_cross_entropy();
  for (Made& row : rows) {
    row.inputs[0].fill = Fill::unit;
    row.inputs[2] = {.shape = {}};
  }
  return rows;
}

std::vector<Made> transpose() {
  return each_shape(
      [](const auto& x, int64_t) -> Made { return {.attrs = "dim0=1 dim1=-1", .inputs = {x}}; });
}
std::vector<Made> concat() {
  return each_shape([](const auto& x, int64_t c) -> Made {
    std::vector<int64_t> dims(x.shape.dims().begin(), x.shape.dims().end());
    dims[0] = (c + 3) / 4;
    return {.attrs = "dim=1", .inputs = {x, {.shape = Shape(dims)}}};
  });
}
std::vector<Made> slice() {
  return each_shape([](const auto& x, int64_t c) -> Made {
    return {.attrs = c % 2 == 0 ? "dim=1 start=-3" : "dim=-1 start=1 step=2", .inputs = {x}};
  });
}
std::vector<Made> pad() {
  return each_shape(
      [](const auto& x, int64_t) -> Made { return {.attrs = "pad=2,1 value=3", .inputs = {x}}; });
}
std::vector<Made> dropout_grad() {
  return each_shape([](const auto& x, int64_t) -> Made {
    return {.inputs = {x, {.shape = x.shape, .fill = Fill::labels, .range = 2}}};
  });
}
std::vector<Made> matmul() {
  return pairs([](int64_t in, int64_t out) -> Made {
    if (in < out) return {.inputs = {{{.shape = {7, in}}, {.shape = {in, out}}}}};
    return {.attrs = "transpose_a=1 transpose_b=1",
            .inputs = {{{.shape = {2, in, 7}}, {.shape = {2, out, in}}}}};
  });
}
std::vector<Made> embedding() {
  return pairs([](int64_t rows, int64_t size) -> Made {
    CaseInput index = labels(rows);
    index.shape = {3};
    return {.inputs = {{{.shape = {rows, size}}, index}}};
  });
}

/// More results than a grid of CUDA's can take at once.
std::vector<Made> many_extrema() {
  constexpr int64_t kResults = 4096 * 128 + 1;
  const auto ones_and_zeros = [](const Shape& shape) {
    return CaseInput{.shape = shape, .fill = Fill::labels, .range = 2};
  };
  return {{"dim=2",
           1,
           {{ones_and_zeros({kResults, 4}), ones_and_zeros({kResults}), {.shape = {kResults}}}}}};
}

struct Sweep {
  std::string_view op;
  std::vector<Made> (*rows)();
};
constexpr Sweep kShapes[] = {
    {"conv2d", shapes::conv2d},
    {"conv2d_dx", shapes::conv2d_dx},
    {"conv2d_dw", shapes::conv2d_dw},
    {"avg_pool2d", shapes::avg_pool2d},
    {"max_pool2d", shapes::max_pool2d},
    {"avg_pool2d_grad", shapes::avg_pool2d_grad},
    {"max_pool2d_grad", shapes::max_pool2d_grad},
    {"adaptive_avg_pool2d", [] { return shapes::adaptive_pools(false); }},
    {"adaptive_avg_pool2d_grad", [] { return shapes::adaptive_pools(true); }},
    {"linear", linear},
    {"linear_dx", linear_dx},
    {"linear_dw", linear_dw},
    {"bias", bias},
    {"bias_grad", bias_grad},
    {"layer_norm", [] { return layer_norms(1); }},
    {"layer_norm_grad", [] { return layer_norms(4); }},
    {"layer_norm_grad_sums", [] { return layer_norms(3); }},
    {"local_response_norm", [] { return responses(1); }},
    {"local_response_norm_grad", [] { return responses(4); }},
    {"softmax_cross_entropy", softmax_cross_entropy},
    {"softmax_cross_entropy_grad", softmax_cross_entropy_grad},
    {"relu", one_input},
    {"tanh", one_input},
    {"sigmoid", one_input},
    {"relu_grad", two_inputs},
    {"tanh_grad", two_inputs},
    {"sigmoid_grad", two_inputs},
    {"neg", one_input},
    {"exp", one_input},
    {"log", one_positive},
    {"square", one_input},
    {"sqrt", one_positive},
    {"abs", one_input},
    {"clamp", one_input},
    {"scale", one_input},
    {"exp_grad", two_inputs},
    {"log_grad", two_inputs},
    {"square_grad", two_inputs},
    {"sqrt_grad", two_inputs},
    {"abs_grad", two_inputs},
    {"clamp_grad", two_inputs},
    {"softmax", along_axes<one_input>},
    {"log_softmax", along_axes<one_input>},
    {"softmax_grad", along_axes<two_inputs>},
    {"log_softmax_grad", along_axes<two_inputs>},
    {"mse_loss", pointwise_loss<0>},
    {"mse_loss_grad", pointwise_loss<2>},
    {"bce_with_logits", pointwise_loss<0>},
    {"bce_with_logits_grad", pointwise_loss<2>},
    {"bce_with_logits_target_grad", pointwise_loss<1>},
    {"add", broadcasts},
    {"sub", broadcasts},
    {"mul", broadcasts},
    {"div", broadcasts},
    {"minimum", broadcasts},
    {"maximum", broadcasts},
    {"pow", powers},
    {"expand", expansions},
    {"sum", reductions},
    {"mean", reductions},
    {"amax", reductions},
    {"amin", reductions},
    {"extremum_grad", many_extrema},
    {"dropout", one_input},
    {"dropout_grad", dropout_grad},
    {"matmul", matmul},
    {"transpose", transpose},
    {"concat", concat},
    {"slice", slice},
    {"pad", pad},
    {"embedding", embedding},
    {"scaled_tanh", one_input},
    {"scaled_tanh_grad", two_inputs},
    {"leaky_relu", one_input},
    {"leaky_relu_grad", two_inputs},
    {"elu", one_input},
    {"elu_grad", two_inputs},
    {"gelu", one_input},
    {"gelu_grad", two_inputs},
    {"softplus", one_input},
    {"softplus_grad", two_inputs},
    {"residual_add", two_inputs},
};

/// The terms are neighbours in memory where a slice has one example.
Made one_sum(int64_t k) { return {"dim=1", 1, {{{.shape = {k}, .fill = Fill::unit}}}}; }

/// A row whose sum has `width` terms.
struct Width {
  std::string_view op;
  Made (*row)(int64_t width);
};
constexpr Width kWidths[] = {
    {"sum", one_sum},
    {"mean", one_sum},
    {"amax", one_sum},
    {"amin", one_sum},
    {"linear",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}}, {.shape = {3, k}}}}};
     }},
    {"linear_dx",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}}, {.shape = {k, 3}}}}};
     }},
    {"linear_dw",
     [](int64_t k) {
       return Made{"", k, {{{.shape = {2}}, {.shape = {3}}}}};
     }},
    {"bias_grad",
     [](int64_t k) {
       return Made{"", k, {{{.shape = {2}}}}};
     }},
    {"layer_norm",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}}}}};
     }},
    {"layer_norm_grad_sums",
     [](int64_t k) {
       return Made{"",
                   k,
                   {{{.shape = {2}, .fill = Fill::unit},
                     {.shape = {2}, .fill = Fill::spread},
                     {.shape = {3}, .fill = Fill::positive}}}};
     }},
    {"softmax_cross_entropy",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}}, labels(k)}}};
     }},
    {"softmax_cross_entropy_grad",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}, .fill = Fill::unit}, labels(k), {.shape = {}}}}};
     }},
    {"matmul",
     [](int64_t k) {
       return Made{"", 1, {{{.shape = {2, k}}, {.shape = {k, 3}}}}};
     }},
};

/// On the plans; with `all` also partial batches and gradients. Whether nothing failed.
bool passes(const OpDef& op, const Made& made, std::span<const OpRunOptions> plans, bool all) {
  const Case row{.name = "made", .attrs = made.attrs, .n = made.n, .inputs = made.inputs};
  const OpCase c{&op, &row, made.plain};
  const OpCall call = make_call(c);
  Target target{.devices = {&tested_target().device()}};
  const Target any_plan = target;
  const bool on_cuda = target.device().kind() == DeviceKind::cuda;
  if (!on_cuda) target.plans.assign(plans.begin(), plans.end());
  report(check_device(c, target));
  if (all && made.n > 1 && !made.plain) report(check_n_valid(c, any_plan));
  int64_t elements = 0;
  for (const auto& input : call.inputs)
    if (input && is_floating(input->type.dtype)) elements += std::ssize(input->values);
  if (all && differentiable(op) && !made.ties && made.n > 0 && elements <= kGradientElements)
    report(on_cuda ? check_device_gradient(c, target) : check_gradient(c, target));
  if (!testing::Test::HasFailure()) return true;
  std::string text = fmt::format("{}, {} examples", made.attrs, made.n);
  for (const auto& input : call.inputs)
    text += input ? " " + to_string(input->type) : std::string(" none");
  ADD_FAILURE() << "the row was: " << text;
  return false;
}

}  // namespace

std::function<void()> shape_check(const OpDef& op) {
  const auto found = std::ranges::find(kShapes, op.name, &Sweep::op);
  if (found == std::end(kShapes)) return {};
  return [&op, found] {
    for (const Made& row : found->rows())
      if (!passes(op, row, kPlans, true)) return;
  };
}

std::function<void()> width_check(const OpDef& op) {
  const auto found = std::ranges::find(kWidths, op.name, &Width::op);
  if (found == std::end(kWidths)) return {};
  return [&op, found] {
    for (int64_t width = 1; width <= kMaxWidth; ++width)
      if (!passes(op, found->row(width), kWidthPlans, false)) return;
  };
}

}  // namespace cairn
