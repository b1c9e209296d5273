// Shapes that nobody would write down as rows: odd sizes, empty batches, strides above the kernel,
// much padding, and sums of every width.
//
// Sizes are combined as in a Latin square: every window meets every pair of channels, and each of
// them meets every batch size.
#include <algorithm>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr int64_t kBatches[] = {0, 1, 2, 17};
constexpr int64_t kChannels[] = {1, 3, 5, 31, 33};
constexpr int64_t kMaxWidth = 1100;
constexpr int64_t kGradientElements = 120;  // of all floating inputs
constexpr OpRunOptions kPlans[] = {
    {}, {.width = 1, .sliced = true}, {.width = 8}, {.width = 16, .sliced = true}};
constexpr OpRunOptions kWidthPlans[] = {{}, {.width = 32, .sliced = true}};

/// A row that is made, not written.
struct Made {
  std::string attrs = {};
  int64_t n = 1;
  std::array<CaseInput, 8> inputs = {};
  bool ties = false;  // equal values, where a maximum has no derivative
};

int64_t batch_of(size_t i, size_t j) { return kBatches[(i + j) % std::size(kBatches)]; }

/// The windows of a convolution or pool; pairs are (height, width).
struct Window {
  int64_t in[2], kernel[2], stride[2], padding[2], dilation[2] = {1, 1};
  bool ceil_mode = false;

  int64_t out(int axis) const {
    const int64_t room = in[axis] + 2 * padding[axis] - dilation[axis] * (kernel[axis] - 1) - 1;
    if (!ceil_mode) return room / stride[axis] + 1;
    const int64_t windows = (room + stride[axis] - 1) / stride[axis] + 1;
    const bool starts_behind = (windows - 1) * stride[axis] >= in[axis] + padding[axis];
    return starts_behind ? windows - 1 : windows;
  }
  std::string attrs() const {
    return fmt::format("stride={},{} padding={},{}", stride[0], stride[1], padding[0], padding[1]);
  }
  std::string kernel_size() const {
    return fmt::format(" kernel_size={},{}", kernel[0], kernel[1]);
  }
  std::string input_size() const { return fmt::format(" input_size={},{}", in[0], in[1]); }
};

constexpr Window kConvWindows[] = {
    {{1, 1}, {1, 1}, {1, 1}, {0, 0}},         {{1, 7}, {1, 3}, {1, 2}, {0, 0}},
    {{5, 1}, {2, 1}, {3, 1}, {0, 0}},         {{3, 2}, {2, 2}, {1, 1}, {4, 4}},
    {{7, 6}, {3, 2}, {2, 1}, {1, 0}},         {{7, 9}, {3, 3}, {1, 1}, {0, 1}, {2, 3}},
    {{2, 3}, {2, 2}, {5, 3}, {0, 1}},         {{4, 5}, {5, 3}, {1, 1}, {10, 6}},
    {{9, 17}, {3, 3}, {1, 1}, {1, 1}},        {{6, 6}, {1, 1}, {3, 2}, {2, 0}},
    {{2, 4}, {2, 3}, {2, 1}, {3, 6}, {3, 1}},
};
constexpr Window kPoolWindows[] = {
    {{1, 1}, {1, 1}, {1, 1}, {0, 0}},
    {{1, 9}, {1, 2}, {1, 2}, {0, 1}},
    {{7, 1}, {3, 1}, {2, 1}, {1, 0}},
    {{5, 6}, {2, 3}, {5, 4}, {0, 1}},
    {{6, 8}, {2, 2}, {2, 2}, {0, 0}},
    {{7, 7}, {3, 3}, {1, 1}, {1, 1}},
    {{2, 3}, {4, 5}, {1, 2}, {2, 2}},
    {{4, 5}, {4, 5}, {1, 1}, {0, 0}},
    {{7, 5}, {3, 2}, {2, 1}, {1, 0}, {2, 3}},
    {{8, 6}, {3, 2}, {3, 3}, {1, 1}, {1, 1}, true},
    {{5, 9}, {2, 3}, {3, 4}, {1, 1}, {3, 2}, true},
    {{2, 1}, {4, 3}, {3, 3}, {0, 0}, {1, 1}, true},
};

struct Channels {
  int64_t in, out, groups;
};
constexpr Channels kConvChannels[] = {{1, 1, 1},  {3, 5, 1},  {5, 3, 1}, {31, 33, 1},
                                      {1, 33, 1}, {33, 1, 1}, {6, 9, 3}, {31, 31, 31}};

/// Calls f(window, channels, n) for the rows of a convolution.
template <class F>
std::vector<Made> convolutions(F f) {
  std::vector<Made> rows;
  for (size_t i = 0; i < std::size(kConvWindows); ++i)
    for (size_t j = 0; j < std::size(kConvChannels); ++j) {
      const Window& s = kConvWindows[i];
      const Channels& c = kConvChannels[j];
      Made row = f(s, c, CaseInput{.shape = {c.in, s.in[0], s.in[1]}},
                   CaseInput{.shape = {c.out, c.in / c.groups, s.kernel[0], s.kernel[1]}},
                   CaseInput{.shape = {c.out, s.out(0), s.out(1)}});
      row.attrs += fmt::format(" {} dilation={},{} groups={}", s.attrs(), s.dilation[0],
                               s.dilation[1], c.groups);
      row.n = batch_of(i, j);
      rows.push_back(row);
    }
  return rows;
}

std::vector<Made> conv2d() {
  return convolutions(
      [](const auto&, const Channels& c, const auto& x, const auto& w, const auto&) -> Made {
        if (c.out % 2 == 0) return {.inputs = {x, w}};
        return {.inputs = {x, w, {.shape = {c.out}}}};
      });
}
std::vector<Made> conv2d_dx() {
  return convolutions(
      [](const Window& s, const auto&, const auto&, const auto& w, const auto& y) -> Made {
        return {.attrs = s.input_size(), .inputs = {y, w}};
      });
}
std::vector<Made> conv2d_dw() {
  return convolutions(
      [](const Window& s, const auto&, const auto& x, const auto&, const auto& y) -> Made {
        return {.attrs = s.kernel_size(), .inputs = {x, y}};
      });
}

/// f(window, x, y) for max_pool2d, or for avg_pool2d, which knows no dilation but three divisors.
template <class F>
std::vector<Made> pools(bool max, F f) {
  constexpr std::string_view kDivisors[] = {"", " count_include_pad=0", " divisor_override=3"};
  std::vector<Made> rows;
  for (size_t i = 0; i < std::size(kPoolWindows); ++i)
    for (size_t j = 0; j < std::size(kChannels); ++j) {
      Window s = kPoolWindows[i];
      if (!max) s.dilation[0] = s.dilation[1] = 1;
      const bool ties = j % 2 == 1;
      Made row = f(s,
                   CaseInput{.shape = {kChannels[j], s.in[0], s.in[1]},
                             .fill = ties ? Fill::labels : Fill::spread,
                             .range = 3},
                   CaseInput{.shape = {kChannels[j], s.out(0), s.out(1)}});
      row.ties = ties;
      row.attrs += fmt::format(" {}{} ceil_mode={:d}", s.attrs(), s.kernel_size(), s.ceil_mode);
      row.attrs += max ? fmt::format(" dilation={},{}", s.dilation[0], s.dilation[1])
                       : std::string(kDivisors[(i + j) % std::size(kDivisors)]);
      row.n = batch_of(i, j);
      rows.push_back(row);
    }
  return rows;
}

std::vector<Made> max_pool2d() {
  return pools(true,
               [](const auto&, const auto& x, const auto&) -> Made { return {.inputs = {x}}; });
}
std::vector<Made> avg_pool2d() {
  return pools(false,
               [](const auto&, const auto& x, const auto&) -> Made { return {.inputs = {x}}; });
}
std::vector<Made> avg_pool2d_grad() {
  return pools(false, [](const Window& s, const auto&, const auto& y) -> Made {
    return {.attrs = s.input_size(), .inputs = {y}};
  });
}
std::vector<Made> max_pool2d_grad() {
  return pools(true, [](const Window& s, const auto&, const auto& y) -> Made {
    const CaseInput indices{
        .shape = y.shape, .fill = Fill::labels, .range = static_cast<double>(s.in[0] * s.in[1])};
    return {.attrs = s.input_size(), .inputs = {y, indices}};
  });
}

/// Outputs larger and smaller than the input, whose sizes divide it or don't.
std::vector<Made> adaptive_pools(bool gradient) {
  constexpr int64_t kSizes[][4] = {{1, 1, 1, 1}, {1, 5, 3, 2}, {6, 4, 3, 4}, {7, 9, 1, 1},
                                   {2, 3, 5, 7}, {8, 5, 3, 4}, {5, 1, 2, 1}};  // H, W, OH, OW
  std::vector<Made> rows;
  for (size_t i = 0; i < std::size(kSizes); ++i)
    for (size_t j = 0; j < std::size(kChannels); ++j) {
      const auto [h, w, out_h, out_w] = kSizes[i];
      rows.push_back(gradient ? Made{fmt::format("input_size={},{}", h, w),
                                     batch_of(i, j),
                                     {{{.shape = {kChannels[j], out_h, out_w}}}}}
                              : Made{fmt::format("output_size={},{}", out_h, out_w),
                                     batch_of(i, j),
                                     {{{.shape = {kChannels[j], h, w}}}}});
    }
  return rows;
}

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
    return {.inputs = {{{.shape = {out}}, {.shape = {out, in}}}}};
  });
}
std::vector<Made> linear_dw() {
  return pairs([](int64_t in, int64_t out) -> Made {
    return {.inputs = {{{.shape = {in}}, {.shape = {out}}}}};
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
std::vector<Made> two_inputs() {
  return each_shape([](const auto& x, int64_t) -> Made {
    return {.inputs = {x, {.shape = x.shape}}};
  });
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

CaseInput labels(int64_t classes) {
  return {.shape = {}, .fill = Fill::labels, .range = static_cast<double>(classes)};
}
std::vector<Made> softmax_cross_entropy() {
  std::vector<Made> rows;
  for (const int64_t n : kBatches)
    for (const int64_t k : kChannels)
      for (const char* attrs : {"reduction=mean", "reduction=sum"})
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

struct Sweep {
  std::string_view op;
  std::vector<Made> (*rows)();
};
constexpr Sweep kShapes[] = {
    {"conv2d", conv2d},
    {"conv2d_dx", conv2d_dx},
    {"conv2d_dw", conv2d_dw},
    {"avg_pool2d", avg_pool2d},
    {"max_pool2d", max_pool2d},
    {"avg_pool2d_grad", avg_pool2d_grad},
    {"max_pool2d_grad", max_pool2d_grad},
    {"adaptive_avg_pool2d", [] { return adaptive_pools(false); }},
    {"adaptive_avg_pool2d_grad", [] { return adaptive_pools(true); }},
    {"linear", linear},
    {"linear_dx", linear_dx},
    {"linear_dw", linear_dw},
    {"bias", bias},
    {"bias_grad", bias_grad},
    {"softmax_cross_entropy", softmax_cross_entropy},
    {"softmax_cross_entropy_grad", softmax_cross_entropy_grad},
    {"relu", one_input},
    {"tanh", one_input},
    {"sigmoid", one_input},
    {"relu_grad", two_inputs},
    {"tanh_grad", two_inputs},
    {"sigmoid_grad", two_inputs},
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
    {"add", two_inputs},
};

/// A row whose sum has `width` terms.
struct Width {
  std::string_view op;
  Made (*row)(int64_t width);
};
constexpr Width kWidths[] = {
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
    {"softmax_cross_entropy",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}}, labels(k)}}};
     }},
    {"softmax_cross_entropy_grad",
     [](int64_t k) {
       return Made{"", 2, {{{.shape = {k}, .fill = Fill::unit}, labels(k), {.shape = {}}}}};
     }},
};

/// On the plans; with `all` also partial batches and gradients.
void check_made(const OpDef& op, const Made& made, std::span<const OpRunOptions> plans, bool all) {
  const Case row{.name = "made", .attrs = made.attrs, .n = made.n, .inputs = made.inputs};
  const OpCase c{&op, &row};
  const OpCall call = make_call(c);
  check_plans(call, plans);
  if (all && made.n > 1) check_n_valid(c);
  int64_t elements = 0;
  for (const auto& input : call.inputs)
    if (input && is_floating(input->type.dtype)) elements += std::ssize(input->values);
  if (all && differentiable(op) && !made.ties && made.n > 0 && elements <= kGradientElements)
    check_gradient(c);
  if (!testing::Test::HasFailure()) return;
  std::string text = fmt::format("{}, {} examples", made.attrs, made.n);
  for (const auto& input : call.inputs)
    text += input ? " " + to_string(input->type) : std::string(" none");
  ADD_FAILURE() << "the row was: " << text;
}

}  // namespace

std::function<void()> shape_check(const OpDef& op) {
  const auto found = std::ranges::find(kShapes, op.name, &Sweep::op);
  if (found == std::end(kShapes)) return {};
  return [&op, found] {
    for (const Made& row : found->rows()) {
      check_made(op, row, kPlans, true);
      if (testing::Test::HasFailure()) return;
    }
  };
}

std::function<void()> width_check(const OpDef& op) {
  const auto found = std::ranges::find(kWidths, op.name, &Width::op);
  if (found == std::end(kWidths)) return {};
  return [&op, found] {
    for (int64_t width = 1; width <= kMaxWidth; ++width) {
      check_made(op, found->row(width), kWidthPlans, false);
      if (testing::Test::HasFailure()) return;
    }
  };
}

}  // namespace cairn
