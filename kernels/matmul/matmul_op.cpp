#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"
#include "kernels/matmul/matmul.h"

namespace cairn {
namespace {

std::string operands_text(const OpTypes& t) {
  return fmt::format("a {}{} and b {}{}", to_string(t.shape(0)),
                     t.attrs.flag(matmul_attr::transpose_a) ? " transposed" : "",
                     to_string(t.shape(1)),
                     t.attrs.flag(matmul_attr::transpose_b) ? " transposed" : "");
}

void infer(const OpTypes& t) {
  const Shape &a = t.shape(0), &b = t.shape(1);
  expect(a.rank() >= 2 && b.rank() >= 2, t.op,
         fmt::format("{}: matrices are needed", operands_text(t)));
  const auto leading = [](const Shape& s) {
    return s.dims().first(static_cast<size_t>(s.rank() - 2));
  };
  expect(
      std::ranges::equal(leading(a), leading(b)), t.op,
      fmt::format("{} differ in leading dimensions, and nothing is broadcast", operands_text(t)));
  const MatmulShape s(a, b, t.attrs);
  expect(b[t.attrs.flag(matmul_attr::transpose_b) ? -1 : -2] == s.k, t.op,
         fmt::format("{} don't fit: {} columns, but {} rows", operands_text(t), s.k,
                     b[t.attrs.flag(matmul_attr::transpose_b) ? -1 : -2]));
  std::vector<int64_t> dims(leading(a).begin(), leading(a).end());
  dims.insert(dims.end(), {s.m, s.n});
  t.set_out(0, Shape(dims));
}

constexpr AttrDef kAttrs[] = {{.name = "transpose_a", .type = AttrType::flag, .max = 1},
                              {.name = "transpose_b", .type = AttrType::flag, .max = 1}};

/// op(x) op(y), emitted.
Value product(GradientRule& rule, Value x, bool transpose_x, Value y, bool transpose_y) {
  Attrs attrs(kAttrs);
  attrs.set("transpose_a", transpose_x).set("transpose_b", transpose_y);
  return rule.emit("matmul", {x, y}, attrs);
}

void gradient(GradientRule& rule) {
  const bool ta = rule.attrs().flag(matmul_attr::transpose_a);
  const bool tb = rule.attrs().flag(matmul_attr::transpose_b);
  const Value a = rule.in(0), b = rule.in(1), dy = rule.dout(0);
  if (rule.wants(0))
    rule.set(0, ta ? product(rule, b, tb, dy, true) : product(rule, dy, false, b, !tb));
  if (rule.wants(1))
    rule.set(1, tb ? product(rule, dy, true, a, ta) : product(rule, a, !ta, dy, false));
}

/// One multiplication and one addition for each k of an element.
Cost cost(const OpTypes& t) {
  return stream_cost(t, 2 * static_cast<double>(MatmulShape(t.shape(0), t.shape(1), t.attrs).k));
}

constexpr InputDef kInputs[] = {{"a", Layout::plain}, {"b", Layout::plain}};
constexpr OutputDef kOutputs[] = {{"y", Layout::plain}};

// Golden values: tests/oracle/matmul.py.
constexpr double kA[] = {-1, 0.25, -1.25, 0, 1.25, -0.25};
constexpr double kB[] = {-1.25, -0.25, 0.75, -1.5, -0.5, 0.5, 1.5, -0.75, 0.25, 1.25, -1, 0};
constexpr double kY[] = {0.8125, -1.1875, 0.875, 1.3125, -0.6875, 0.3125, 2.125, -0.9375};
constexpr double kTransposedY[] = {2.5, 2.75, -0.25, 0, -0.5, -0.5, 0.3125, 0.3125};
constexpr double kBatchY[] = {0.25, 0.75, -1, -1.25};
constexpr Case kCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {2, 3}, .values = kA}, {.shape = {3, 4}, .values = kB}}},
     .expect = {kY}},
    {.name = "golden_transposed",
     .attrs = "transpose_a=1 transpose_b=1",
     .inputs = {{{.shape = {3, 2}, .values = kA}, {.shape = {4, 3}, .values = kB}}},
     .expect = {kTransposedY}},
    {.name = "golden_batch",
     .attrs = "transpose_b=1",
     .inputs = {{{.shape = {2, 1, 3}, .values = kA}, {.shape = {2, 2, 3}, .values = kB}}},
     .expect = {kBatchY}},
    {.name = "one_by_one", .inputs = {{{.shape = {1, 1}}, {.shape = {1, 1}}}}},
    {.name = "odd", .inputs = {{{.shape = {17, 33}}, {.shape = {33, 65}}}}},
    {.name = "deep", .inputs = {{{.shape = {9, 601}}, {.shape = {601, 5}}}}},
    {.name = "tall",
     .attrs = "transpose_a=1",
     .inputs = {{{.shape = {3, 131}}, {.shape = {3, 2}}}}},
    {.name = "heads",
     .attrs = "transpose_b=1",
     .inputs = {{{.shape = {2, 3, 17, 9}}, {.shape = {2, 3, 31, 9}}}}},
    {.name = "nothing_summed", .inputs = {{{.shape = {2, 0}}, {.shape = {0, 3}}}}},
    {.name = "no_rows", .inputs = {{{.shape = {0, 2}}, {.shape = {2, 3}}}}},
    {.name = "square", .inputs = {{{.shape = {256, 256}}, {.shape = {256, 256}}}}, .bench = true},
    {.name = "wrong_size",
     .inputs = {{{.shape = {2, 3}}, {.shape = {2, 3}}}},
     .error = "a (2, 3) and b (2, 3) don't fit: 3 columns, but 2 rows"},
    {.name = "wrong_transposed",
     .attrs = "transpose_a=1",
     .inputs = {{{.shape = {2, 3}}, {.shape = {3, 2}}}},
     .error = "a (2, 3) transposed and b (3, 2) don't fit: 2 columns, but 3 rows"},
    {.name = "vector", .inputs = {{{.shape = {3}}, {.shape = {3, 2}}}}, .error = "are needed"},
    {.name = "no_broadcast",
     .inputs = {{{.shape = {4, 2, 3}}, {.shape = {3, 2}}}},
     .error = "differ in leading dimensions"},
};

constexpr OpDef kOps[] = {
    checked({.name = "matmul",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = kAttrs,
             .scope = Scope::whole,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {matmul_ref<float>, matmul_ref<double>},
             .cpu = matmul_cpu,
             .cuda = cuda_twin(matmul_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .factors = 2,
             .cases = kCases}),
};

}  // namespace

extern const std::span<const OpDef> matmul_ops;
constinit const std::span<const OpDef> matmul_ops{kOps};

}  // namespace cairn
