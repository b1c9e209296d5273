// Laws of the linear ops: sums, adjoints, and convolutions that equal others.
#include "tests/metamorphic.h"

namespace cairn {
namespace {

/// f(a x1 + b x2) = a f(x1) + b f(x2), where `run` gives f.
template <class F>
void expect_linear(const Machine& machine, int64_t count, double terms, F run) {
  const Values x1 = any_values(count), x2 = any_values(count);
  const double a = 0.25 * static_cast<double>(any(-8, 8)), b = 0.5;
  Values sum(x1.size());
  for (size_t i = 0; i < sum.size(); ++i) sum[i] = a * x1[i] + b * x2[i];
  Values want = run(x1);
  const Values y2 = run(x2);
  for (size_t i = 0; i < want.size(); ++i) want[i] = a * want[i] + b * y2[i];
  expect_same(machine, run(sum), want, 10 * terms);
}

/// <A x, y> = <x, A' y>.
void expect_adjoint(const Machine& machine, const Values& ax, const Values& y, const Values& x,
                    const Values& aty) {
  const double size = std::max(dot_size(ax, y), dot_size(x, aty));
  const double left = dot(ax, y), right = dot(x, aty);
  if (!(std::abs(left - right) <= machine.tolerance * size))
    RC_FAIL(fmt::format("<Ax,y> is {:.17g}, but <x,A'y> is {:.17g}", left, right));
}

Values conv(const Machine& m, const Geometry& g, const Values& x, const Values& w) {
  return run_op(m, "conv2d", g.conv_attrs(), g.n, {{g.x(), x}, {g.w(), w}})[0];
}

TEST(Metamorphic, ConvolutionIsLinear) {
  check_law([](const Machine& m) {
    const Geometry g = any_convolution();
    const Values w = any_values(g.w().elements());
    expect_linear(m, g.n * g.x().elements(), g.terms(),
                  [&](const Values& x) { return conv(m, g, x, w); });
  });
}

TEST(Metamorphic, LinearIsLinear) {
  check_law([](const Machine& m) {
    const int64_t n = any(1, 20), in = any(1, 40), out = any(1, 20);
    const Values w = any_values(in * out);
    expect_linear(m, n * in, static_cast<double>(in), [&](const Values& x) {
      return run_op(m, "linear", "", n, {{{in}, x}, {{out, in}, w}})[0];
    });
  });
}

TEST(Metamorphic, AveragePoolIsLinear) {
  check_law([](const Machine& m) {
    const Geometry g = any_pool();
    expect_linear(m, g.n * g.x().elements(), 1, [&](const Values& x) {
      return run_op(m, "avg_pool2d", g.pool_attrs(), g.n, {{g.x(), x}})[0];
    });
  });
}

TEST(Metamorphic, ConvolutionGradientsAreAdjoints) {
  check_law([](const Machine& m) {
    const Geometry g = any_convolution();
    const Values x = any_values(g.n * g.x().elements()), w = any_values(g.w().elements());
    const Values y = any_values(g.n * g.y().elements()), wx = conv(m, g, x, w);
    const Values dx =
        run_op(m, "conv2d_dx", g.conv_attrs() + g.input_size(), g.n, {{g.y(), y}, {g.w(), w}})[0];
    const Values dw =
        run_op(m, "conv2d_dw", g.conv_attrs() + g.kernel_size(), g.n, {{g.x(), x}, {g.y(), y}})[0];
    expect_adjoint(m, wx, y, x, dx);
    expect_adjoint(m, wx, y, w, dw);
  });
}

TEST(Metamorphic, LinearGradientsAreAdjoints) {
  check_law([](const Machine& m) {
    const int64_t n = any(1, 20), in = any(1, 40), out = any(1, 20);
    const Values x = any_values(n * in), w = any_values(in * out), y = any_values(n * out);
    const Values wx = run_op(m, "linear", "", n, {{{in}, x}, {{out, in}, w}})[0];
    expect_adjoint(m, wx, y, x, run_op(m, "linear_dx", "", n, {{{out}, y}, {{out, in}, w}})[0]);
    expect_adjoint(m, wx, y, w, run_op(m, "linear_dw", "", n, {{{in}, x}, {{out}, y}})[0]);
  });
}

TEST(Metamorphic, AveragePoolGradientIsAdjoint) {
  check_law([](const Machine& m) {
    const Geometry g = any_pool();
    const Values x = any_values(g.n * g.x().elements()), y = any_values(g.n * g.y().elements());
    expect_adjoint(
        m, run_op(m, "avg_pool2d", g.pool_attrs(), g.n, {{g.x(), x}})[0], y, x,
        run_op(m, "avg_pool2d_grad", g.pool_attrs() + g.input_size(), g.n, {{g.y(), y}})[0]);
  });
}

/// A convolution with one place is a linear layer over the pixels.
TEST(Metamorphic, OneByOneConvolutionIsLinear) {
  check_law([](const Machine& m) {
    Geometry g = any_convolution();
    g.groups = 1;
    for (int axis = 0; axis < 2; ++axis)
      g.kernel[axis] = g.stride[axis] = g.dilation[axis] = 1, g.padding[axis] = 0;
    const int64_t pixels = g.size[0] * g.size[1];
    const Values x = any_values(g.n * g.x().elements()), w = any_values(g.w().elements());
    const Values b = any_values(g.out), y = run_op(m, "conv2d", g.conv_attrs(), g.n,
                                                   {{g.x(), x}, {g.w(), w}, {{g.out}, b}})[0];
    Values columns, want;  // pixels as examples
    for (int64_t n = 0; n < g.n; ++n)
      for (int64_t p = 0; p < pixels; ++p) {
        for (int64_t c = 0; c < g.in; ++c)
          columns.push_back(x[static_cast<size_t>((n * g.in + c) * pixels + p)]);
        for (int64_t c = 0; c < g.out; ++c)
          want.push_back(y[static_cast<size_t>((n * g.out + c) * pixels + p)]);
      }
    expect_same(m,
                run_op(m, "linear", "", g.n * pixels,
                       {{{g.in}, columns}, {{g.out, g.in}, w}, {{g.out}, b}})[0],
                want, g.terms());
  });
}

TEST(Metamorphic, GroupsAreBlocks) {
  check_law([](const Machine& m) {
    const Geometry g = any_convolution();
    const Values x = any_values(g.n * g.x().elements()), w = any_values(g.w().elements());
    Geometry whole = g;
    whole.groups = 1;
    const int64_t per_channel = g.kernel[0] * g.kernel[1], inputs = g.in / g.groups;
    Values blocks(static_cast<size_t>(whole.w().elements()));
    for (int64_t o = 0; o < g.out; ++o)
      for (int64_t i = 0; i < inputs * per_channel; ++i) {
        const int64_t channel = o / (g.out / g.groups) * inputs;
        blocks[static_cast<size_t>((o * g.in + channel) * per_channel + i)] =
            w[static_cast<size_t>(o * inputs * per_channel + i)];
      }
    expect_same(m, conv(m, g, x, w), conv(m, whole, x, blocks), g.terms());
  });
}

/// Every stride[0]-th row and stride[1]-th column of planes.
Values subsampled(const Values& y, const Geometry& dense, const Geometry& g) {
  Values picked;
  const int64_t width = dense.out_size(1), plane = dense.out_size(0) * width;
  for (int64_t k = 0; k < g.n * g.out; ++k)
    for (int64_t p = 0; p < g.out_size(0); ++p)
      for (int64_t q = 0; q < g.out_size(1); ++q)
        picked.push_back(
            y[static_cast<size_t>(k * plane + p * g.stride[0] * width + q * g.stride[1])]);
  return picked;
}

TEST(Metamorphic, StrideSubsamples) {
  check_law([](const Machine& m) {
    const Geometry g = any_convolution();
    Geometry dense = g;
    dense.stride[0] = dense.stride[1] = 1;
    const Values x = any_values(g.n * g.x().elements()), w = any_values(g.w().elements());
    expect_same(m, conv(m, g, x, w), subsampled(conv(m, dense, x, w), dense, g), g.terms());
  });
}

TEST(Metamorphic, PoolStrideSubsamples) {
  check_law([](const Machine& m) {
    const Geometry g = any_pool();
    Geometry dense = g;
    dense.stride[0] = dense.stride[1] = 1;
    const Values x = any_values(g.n * g.x().elements());
    for (const char* op : {"avg_pool2d", "max_pool2d"})
      expect_same_bits(
          run_op(m, op, g.pool_attrs(), g.n, {{g.x(), x}})[0],
          subsampled(run_op(m, op, dense.pool_attrs(), g.n, {{g.x(), x}})[0], dense, g));
  });
}

TEST(Metamorphic, DilationStuffsTheKernelWithZeros) {
  check_law([](const Machine& m) {
    const Geometry g = any_convolution();
    const Values x = any_values(g.n * g.x().elements()), w = any_values(g.w().elements());
    Geometry plain = g;
    for (int axis = 0; axis < 2; ++axis) {
      plain.kernel[axis] = g.dilation[axis] * (g.kernel[axis] - 1) + 1;
      plain.dilation[axis] = 1;
    }
    Values stuffed(static_cast<size_t>(plain.w().elements()));
    for (int64_t k = 0; k < g.w().elements(); ++k) {
      const int64_t j = k % g.kernel[1], i = k / g.kernel[1] % g.kernel[0];
      const int64_t block = k / g.kernel[1] / g.kernel[0];
      const int64_t row = block * plain.kernel[0] + i * g.dilation[0];
      stuffed[static_cast<size_t>(row * plain.kernel[1] + j * g.dilation[1])] =
          w[static_cast<size_t>(k)];
    }
    expect_same(m, conv(m, g, x, w), conv(m, plain, x, stuffed), g.terms());
  });
}

}  // namespace
}  // namespace cairn
