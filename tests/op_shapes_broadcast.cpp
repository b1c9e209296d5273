// Shapes of reductions and of what is broadcast.
#include <utility>

#include <fmt/format.h>

#include "tests/op_shapes.h"

namespace cairn {

std::vector<Made> reductions() {
  constexpr const char* kDims[] = {"dim=1", "dim=2", "dim=-1", "dim=1,3", "dim=3,2", "dim=-2,1,3"};
  std::vector<Made> rows;
  for (size_t i = 0; i < std::size(kDims); ++i)
    for (size_t j = 0; j < std::size(kChannels); ++j)
      for (const bool plain : {false, true}) {
        const int64_t c = kChannels[j];
        const Shape shape = i % 2 == 0 ? Shape{c, 3, 2} : Shape{2, 5, c};
        rows.push_back({.attrs = kDims[i], .n = batch_of(i, j), .plain = plain});
        rows.back().inputs[0] = {.shape = shape, .fill = Fill::unit};
      }
  for (const int64_t n : kBatches)  // a plain tensor's first axis
    for (const char* dim : {"dim=0", "dim=-2", "dim=0,1", ""})
      if (n > 0) rows.push_back({dim, n, {{{.shape = {31}, .fill = Fill::unit}}}, false, true});
  return rows;
}

std::vector<Made> broadcasts() {
  std::vector<Made> rows;
  for (size_t j = 0; j < std::size(kChannels); ++j) {
    const int64_t c = kChannels[j];
    const std::pair<Shape, Shape> pairs[] = {{{c}, {c}},
                                             {{c}, {1}},
                                             {{1, 7}, {c, 1}},
                                             {{c, 3}, {3}},
                                             {{}, {c, 2}},
                                             {{c, 3, 2}, {c, 1, 1}},
                                             {{1, 3, 1}, {c, 3, 2}},
                                             {{c, 1, 2}, {1, 3, 2}},
                                             {{2, c, 1}, {c, 7}},
                                             {{1, 1, 1}, {2, 2, c}}};
    for (size_t i = 0; i < std::size(pairs); ++i) {
      const auto& [a, b] = pairs[i];
      for (const bool plain : {false, true}) {
        if (plain && a.rank() != b.rank()) continue;
        rows.push_back({.n = batch_of(i, j), .plain = plain});
        rows.back().inputs[0] = {.shape = a, .fill = Fill::spread};
        rows.back().inputs[1] = {.shape = b, .fill = Fill::spread};
      }
    }
  }
  return rows;
}
std::vector<Made> powers() {
  std::vector<Made> rows = broadcasts();
  for (Made& row : rows)
    row.inputs[1].fill = Fill::labels, row.inputs[1].range = 4, row.ties = true;
  return rows;
}
std::vector<Made> expansions() {
  std::vector<Made> rows;
  for (const int64_t n : kBatches)
    for (const int64_t c : kChannels) {
      rows.push_back({fmt::format("shape=-1,{},3,-1", c), n, {{{.shape = {1, 2}}}}});
      rows.push_back({fmt::format("shape=-1,5,{},1 scale=2", c), n, {{{.shape = {1, c, 1}}}}});
      rows.push_back({fmt::format("shape=-1,{}", c), n, {{{.shape = {}}}}});
    }
  return rows;
}

}  // namespace cairn
