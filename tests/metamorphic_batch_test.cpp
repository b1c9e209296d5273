// Laws of places and examples: moved planes, permuted batches, the loss.
#include <algorithm>
#include <numeric>

#include "tests/metamorphic.h"

namespace cairn {
namespace {

/// The planes of x (rows x columns each) moved by (down, right); what comes in is random.
Values moved(const Values& x, int64_t rows, int64_t columns, int64_t down, int64_t right) {
  Values y = any_values(std::ssize(x));
  const int64_t plane = rows * columns;
  for (int64_t k = 0; k < std::ssize(x); ++k) {
    const int64_t r = k % plane / columns + down, c = k % columns + right;
    if (r < rows && c < columns)
      y[static_cast<size_t>(k / plane * plane + r * columns + c)] = x[static_cast<size_t>(k)];
  }
  return y;
}

/// y moved as x was equals y of the moved x, but for the places whose windows hold what came in.
void expect_moved(const Machine& m, const Geometry& g, const Values& y, const Values& y_moved,
                  int64_t down, int64_t right, double terms) {
  const int64_t rows = g.out_size(0), columns = g.out_size(1);
  Values got, want;
  for (int64_t k = 0; k < std::ssize(y); ++k) {
    const int64_t r = k % (rows * columns) / columns, c = k % columns;
    if (r + down >= rows || c + right >= columns) continue;
    want.push_back(y[static_cast<size_t>(k)]);
    got.push_back(y_moved[static_cast<size_t>(k + down * columns + right)]);
  }
  expect_same(m, got, want, terms);
}

TEST(Metamorphic, ConvolutionMovesWithItsInput) {
  check_law([](const Machine& m) {
    Geometry g = any_convolution();
    for (int axis = 0; axis < 2; ++axis)
      g.size[axis] += 2 * g.padding[axis] + 2, g.padding[axis] = 0, g.stride[axis] = 1;
    const int64_t down = any(0, 2), right = any(0, 2);
    const Values x = any_values(g.n * g.x().elements()), w = any_values(g.w().elements());
    const Values x_moved = moved(x, g.size[0], g.size[1], down, right);
    const auto run = [&](const Values& v) {
      return run_op(m, "conv2d", g.conv_attrs(), g.n, {{g.x(), v}, {g.w(), w}})[0];
    };
    expect_moved(m, g, run(x), run(x_moved), down, right, g.terms());
  });
}

TEST(Metamorphic, PoolsMoveWithTheirInput) {
  check_law([](const Machine& m) {
    Geometry g = any_pool();
    for (int axis = 0; axis < 2; ++axis)
      g.size[axis] += 2 * g.padding[axis] + 2, g.padding[axis] = 0, g.stride[axis] = 1;
    const int64_t down = any(0, 2), right = any(0, 2);
    const Values x = any_values(g.n * g.x().elements());
    const Values x_moved = moved(x, g.size[0], g.size[1], down, right);
    for (const char* op : {"avg_pool2d", "max_pool2d"}) {
      const auto run = [&](const Values& v) {
        return run_op(m, op, g.pool_attrs(), g.n, {{g.x(), v}})[0];
      };
      expect_moved(m, g, run(x), run(x_moved), down, right, 1);
    }
  });
}

/// indices name the place in the plane where the maximum stands.
TEST(Metamorphic, MaxPoolIndicesPointAtTheMaximum) {
  check_law([](const Machine& m) {
    const Geometry g = any_pool();
    const Values x = any_values(g.n * g.x().elements());
    const auto results = run_op(m, "max_pool2d", g.pool_attrs(), g.n, {{g.x(), x}});
    const int64_t plane = g.size[0] * g.size[1], windows = g.out_size(0) * g.out_size(1);
    Values found;
    for (int64_t k = 0; k < std::ssize(results[1]); ++k)
      found.push_back(x.at(static_cast<size_t>(
          k / windows * plane + static_cast<int64_t>(results[1][static_cast<size_t>(k)]))));
    expect_same_bits(results[0], found);
  });
}

Values permuted(const Values& values, const std::vector<int64_t>& order) {
  const int64_t each = std::ssize(values) / std::ssize(order);
  Values result;
  for (const int64_t n : order)
    result.insert(result.end(), values.begin() + n * each, values.begin() + (n + 1) * each);
  return result;
}

/// The outputs of examples in another order are the outputs in that order, bit for bit.
void expect_permutes(const Machine& m, std::string_view op, const std::string& attrs, int64_t n,
                     std::vector<Operand> operands) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(order[static_cast<size_t>(i)], order[static_cast<size_t>(any(0, i))]);
  const auto plain = run_op(m, op, attrs, n, operands);
  for (size_t i = 0; i < operands.size(); ++i)
    if (find_op(op).inputs[i].layout != Layout::plain)
      operands[i].values = permuted(operands[i].values, order);
  const auto mixed = run_op(m, op, attrs, n, operands);
  for (size_t i = 0; i < plain.size(); ++i) expect_same_bits(mixed[i], permuted(plain[i], order));
}

TEST(Metamorphic, WindowOpsTreatExamplesAlone) {
  check_law([](const Machine& m) {
    Geometry g = any_convolution();
    g.n = any(2, 20);
    const auto x = Operand{g.x(), any_values(g.n * g.x().elements())};
    const auto w = Operand{g.w(), any_values(g.w().elements())};
    const auto y = Operand{g.y(), any_values(g.n * g.y().elements())};
    expect_permutes(m, "conv2d", g.conv_attrs() + " activation=tanh", g.n, {x, w});
    expect_permutes(m, "conv2d_dx", g.conv_attrs() + g.input_size(), g.n, {y, w});
    Geometry p = any_pool();
    p.n = g.n;
    const auto px = Operand{p.x(), any_values(p.n * p.x().elements())};
    const auto py = Operand{p.y(), any_values(p.n * p.y().elements())};
    expect_permutes(m, "avg_pool2d", p.pool_attrs(), p.n, {px});
    expect_permutes(m, "max_pool2d", p.pool_attrs(), p.n, {px});
    expect_permutes(m, "avg_pool2d_grad", p.pool_attrs() + p.input_size(), p.n, {py});
  });
}

TEST(Metamorphic, VectorOpsTreatExamplesAlone) {
  check_law([](const Machine& m) {
    const int64_t n = any(2, 40), in = any(1, 20), out = any(1, 12);
    const auto x = Operand{{in}, any_values(n * in)}, w = Operand{{out, in}, any_values(out * in)};
    const auto b = Operand{{in}, any_values(in)}, dx = Operand{{in}, any_values(n * in)};
    expect_permutes(m, "linear", "activation=sigmoid", n, {x, w});
    expect_permutes(m, "linear_dx", "", n, {{{out}, any_values(n * out)}, w});
    expect_permutes(m, "bias", "", n, {x, b});
    expect_permutes(m, "add", "", n, {x, dx});
    for (const char* op : {"relu", "tanh", "sigmoid", "softmax", "log_softmax"}) {
      expect_permutes(m, op, "", n, {x});
      expect_permutes(m, fmt::format("{}_grad", op), "", n, {x, dx});
    }
  });
}

struct LossCase {
  int64_t n, classes;
  Values logits, labels;
};

LossCase any_loss() {
  LossCase c{any(1, 20), any(1, 40), {}, {}};
  c.logits = any_values(c.n * c.classes);
  for (int64_t i = 0; i < c.n; ++i) c.labels.push_back(static_cast<double>(any(0, c.classes - 1)));
  return c;
}

std::vector<Values> loss_of(const Machine& m, const LossCase& c, const Values& logits,
                            const std::string& attrs) {
  return run_op(m, "softmax_cross_entropy", attrs, c.n, {{{c.classes}, logits}, {{}, c.labels}});
}

std::string any_smoothing() {
  return fmt::format("label_smoothing={}", 0.125 * static_cast<double>(any(0, 8)));
}

TEST(Metamorphic, SoftmaxIgnoresAShift) {
  check_law([](const Machine& m) {
    const int64_t n = any(1, 20), outer = any(1, 3), size = any(1, 20), inner = any(1, 5);
    const Shape shape{outer, size, inner};
    const Values x = any_values(n * shape.elements());
    Values shifted = x, shifts;
    for (int64_t c = 0; c < n * outer * inner; ++c)
      shifts.push_back(static_cast<double>(any(-50, 50)));
    for (int64_t i = 0; i < std::ssize(x); ++i)
      shifted[static_cast<size_t>(i)] +=
          shifts[static_cast<size_t>(i / (size * inner) * inner + i % inner)];
    for (const char* op : {"softmax", "log_softmax"}) {
      const auto run = [&](const Values& v) { return run_op(m, op, "dim=2", n, {{shape, v}})[0]; };
      expect_same(m, run(shifted), run(x), 1);
    }
  });
}

TEST(Metamorphic, CrossEntropyIgnoresAShift) {
  check_law([](const Machine& m) {
    const LossCase c = any_loss();
    Values shifted = c.logits;
    for (int64_t n = 0; n < c.n; ++n) {
      const auto by = static_cast<double>(any(-50, 50));
      for (int64_t k = 0; k < c.classes; ++k) shifted[static_cast<size_t>(n * c.classes + k)] += by;
    }
    const std::string attrs = any_smoothing();
    const auto plain = loss_of(m, c, c.logits, attrs), other = loss_of(m, c, shifted, attrs);
    expect_same(m, other[0], plain[0], 10);
    expect_same(m, other[2], plain[2], 1);
  });
}

TEST(Metamorphic, CrossEntropyGradientsCancel) {
  check_law([](const Machine& m) {
    const LossCase c = any_loss();
    const std::string attrs = "reduction=sum " + any_smoothing();
    const Values p = loss_of(m, c, c.logits, attrs)[2];
    const Values dx = run_op(m, "softmax_cross_entropy_grad", attrs, c.n,
                             {{{c.classes}, p}, {{}, c.labels}, {{}, {1.0}}})[0];
    Values sums(static_cast<size_t>(c.n));
    for (size_t i = 0; i < dx.size(); ++i) sums[i / static_cast<size_t>(c.classes)] += dx[i];
    expect_same(m, sums, Values(sums.size()), 1);
  });
}

}  // namespace
}  // namespace cairn
