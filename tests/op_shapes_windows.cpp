// Shapes of what looks through windows: convolutions and pools.
#include <fmt/format.h>

#include "tests/op_shapes.h"

namespace cairn::shapes {
namespace {

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

}  // namespace

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
        const bool bias = x.shape[0] > y.shape[0];
        return {.attrs = s.kernel_size() + (bias ? " bias=1" : ""), .inputs = {x, y}};
      });
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

}  // namespace cairn::shapes
