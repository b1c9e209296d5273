#include "kernels/embedding/embedding.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

/// (...,D) for an index (...).
Shape rows_shape(const Shape& index, int64_t size) {
  std::vector<int64_t> dims(index.dims().begin(), index.dims().end());
  dims.push_back(size);
  return Shape(dims);
}

void infer(const OpTypes& t) {
  const Shape& weight = t.shape(0);
  expect(weight.rank() == 2 && weight[0] >= 1, t.op,
         fmt::format("weight {} must be (V,D) with at least one row", to_string(weight)));
  expect(t.shape(1).rank() < kMaxRank, t.op,
         fmt::format("index {} leaves no axis for the rows", to_string(t.in[1])));
  t.set_out(0, rows_shape(t.shape(1), weight[1]));
}

void infer_grad(const OpTypes& t) {
  const Shape &dy = t.shape(0), &index = t.shape(1);
  const int64_t rows = t.attrs.integer(embedding_attr::num_embeddings);
  expect(rows >= 1, t.op, "num_embeddings must be given: at least 1");
  expect(dy.rank() == index.rank() + 1 && rows_shape(index, dy[-1]) == dy, t.op,
         fmt::format("dy is {}, but index is {}: dy has one more axis", to_string(t.in[0]),
                     to_string(t.in[1])));
  t.set_out(0, {rows, dy[-1]});
}

constexpr AttrDef kGradAttrs[] = {{.name = "num_embeddings", .max = 1 << 30}};

void gradient(GradientRule& rule) {
  const auto rows = static_cast<double>(rule.graph()[rule.in(0)].type.shape[0]);
  rule.set(0, rule.emit("embedding_grad", {rule.dout(0), rule.in(1)},
                        Attrs(kGradAttrs).set("num_embeddings", rows)));
}

// A row is read for each index.
/// The bytes of `elements` and of the index, and the table's rows that can be touched `times`.
double bytes(const OpTypes& t, double elements, double table, int times) {
  return sizeof(float) * (elements + times * std::min(elements, table)) +
         sizeof(int32_t) * t.in_elements(1);
}
Cost cost(const OpTypes& t) { return {bytes(t, t.out_elements(0), t.in_elements(0), 1), 0}; }
/// Rows of dweight are added to: read and written.
Cost cost_grad(const OpTypes& t) {
  return {bytes(t, t.in_elements(0), t.out_elements(0), 2), t.in_elements(0)};
}

constexpr InputDef kInputs[] = {{"weight", Layout::plain},
                                {"index", Layout::batched, Use::read, DType::i32}};
constexpr OutputDef kOutputs[] = {{"y"}};
constexpr InputDef kGradInputs[] = {{"dy"}, {"index", Layout::batched, Use::read, DType::i32}};
constexpr OutputDef kGradOutputs[] = {{"dweight", Layout::plain, true}};

// Golden values: tests/oracle/indexing.py.
constexpr double kWeight[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kIndex[] = {1, 3, 1, 0, 1, 3};
constexpr double kY[] = {-0.75, 0.5, -1.5, 0.25,  1.5, -0.5, -0.75, 0.5, -1.5,
                         -1.25, 0,   1.25, -0.75, 0.5, -1.5, 0.25,  1.5, -0.5};
constexpr double kDy[] = {-1,   -0.25, 0.5, 1.25,  -0.75, 0,    0.75,  -1.25, -0.5,
                          0.25, 1,     -1,  -0.25, 0.5,   1.25, -0.75, 0,     0.75};
constexpr double kDweight[] = {0.25, 1, -1, -0.5, -1, 1.25, 0, 0, 0, 0.5, -0.75, 0.75};
constexpr double kTooLarge[] = {0, 4}, kNegative[] = {-1, 2};
constexpr CaseInput index_of(const Shape& shape, double range) {
  return {.shape = shape, .fill = Fill::labels, .range = range};
}
constexpr CaseInput kGoldenWeight{.shape = {4, 3}, .values = kWeight},
    kGoldenIndex{.shape = {3}, .values = kIndex};
constexpr Case kCases[] = {
    {.name = "golden", .inputs = {{kGoldenWeight, kGoldenIndex}}, .expect = {kY}},
    {.name = "single", .n = 1, .inputs = {{{.shape = {1, 1}}, index_of({}, 1)}}},
    {.name = "scalar", .n = 33, .inputs = {{{.shape = {10, 5}}, index_of({}, 10)}}},
    {.name = "planes", .n = 17, .inputs = {{{.shape = {31, 7}}, index_of({2, 3}, 31)}}},
    {.name = "no_places", .inputs = {{{.shape = {5, 3}}, index_of({0}, 5)}}},
    {.name = "sentence",
     .n = 33,
     .inputs = {{{.shape = {1000, 64}}, index_of({32}, 1000)}},
     .bench = true},
    {.name = "too_large",
     .inputs = {{kGoldenWeight, {.shape = {}, .values = kTooLarge}}},
     .error = "index 4 of example 1 is outside 0 to 3"},
    {.name = "negative",
     .inputs = {{kGoldenWeight, {.shape = {}, .values = kNegative}}},
     .error = "index -1 of example 0 is outside 0 to 3"},
    {.name = "weight_vector",
     .inputs = {{{.shape = {4}}, {.shape = {3}}}},
     .error = "weight (4) must be (V,D)"},
    {.name = "no_axis",
     .inputs = {{kGoldenWeight, {.shape = {1, 1, 1, 1, 1, 1, 1, 1}}}},
     .error = "leaves no axis for the rows"},
};
constexpr Case kGradCases[] = {
    {.name = "golden",
     .attrs = "num_embeddings=4",
     .inputs = {{{.shape = {3, 3}, .values = kDy}, kGoldenIndex}},
     .expect = {kDweight}},
    {.name = "single",
     .attrs = "num_embeddings=1",
     .n = 1,
     .inputs = {{{.shape = {1}}, index_of({}, 1)}}},
    {.name = "planes",
     .attrs = "num_embeddings=31",
     .n = 17,
     .inputs = {{{.shape = {2, 3, 7}}, index_of({2, 3}, 31)}}},
    {.name = "few_rows",
     .attrs = "num_embeddings=3",
     .n = 33,
     .inputs = {{{.shape = {17, 5}}, index_of({17}, 3)}}},
    {.name = "long_rows",
     .attrs = "num_embeddings=3",
     .n = 2,
     .inputs = {{{.shape = {300}}, index_of({}, 3)}}},
    {.name = "sentence",
     .attrs = "num_embeddings=1000",
     .n = 33,
     .inputs = {{{.shape = {32, 64}}, index_of({32}, 1000)}},
     .bench = true},
    {.name = "too_large",
     .attrs = "num_embeddings=4",
     .inputs = {{{.shape = {3}}, {.shape = {}, .values = kTooLarge}}},
     .error = "index 4 of example 1 is outside 0 to 3"},
    {.name = "no_rows",
     .inputs = {{{.shape = {2, 3}}, {.shape = {2}}}},
     .error = "num_embeddings must be given"},
    {.name = "shapes",
     .attrs = "num_embeddings=4",
     .inputs = {{{.shape = {3, 3}}, {.shape = {2}}}},
     .error = "dy is float32 (N, 3, 3), but index is int32 (N, 2): dy has one more axis"},
};

constexpr OpDef kOps[] = {
    checked({.name = "embedding",
             .inputs = kInputs,
             .outputs = kOutputs,
             .attrs = none,
             .scope = Scope::per_example,
             .infer = infer,
             .workspace = no_workspace,
             .reference = {embedding_ref<float>, embedding_ref<double>},
             .cuda = cuda_twin(embedding_cuda),
             .gradient = gradient,
             .cost = cost,
             .fusions = none,
             .cases = kCases,
             .bit_exact = true}),
    checked({.name = "embedding_grad",
             .inputs = kGradInputs,
             .outputs = kGradOutputs,
             .attrs = kGradAttrs,
             .scope = Scope::sums_over_batch,
             .infer = infer_grad,
             .workspace = no_workspace,
             .reference = {embedding_grad_ref<float>, embedding_grad_ref<double>},
             .cuda = cuda_twin(embedding_grad_cuda),
             .gradient = not_differentiable,
             .cost = cost_grad,
             .fusions = none,
             .cases = kGradCases}),
};

}  // namespace

extern const std::span<const OpDef> embedding_ops;
constinit const std::span<const OpDef> embedding_ops{kOps};

}  // namespace cairn
