// What kernels and other ops' gradient rules know of reduced and broadcast shapes.
#include <vector>

#include "core/autodiff.h"
#include "core/op_table.h"
#include "kernels/reduce/reduce.h"

namespace cairn {

Shape kept_shape(const TensorType& x, const Attrs& attrs) {
  std::array<int64_t, kMaxRank> sizes{};
  const auto axes = static_cast<size_t>(x.shape.rank());
  for (size_t i = 0; i < axes; ++i)
    sizes[i] = attrs.size(reduce_attr::dim) == 0 ? 1 : x.shape.dims()[i];
  for (int i = 0; i < attrs.size(reduce_attr::dim); ++i) {
    const int64_t dim = attrs.integer(reduce_attr::dim, i);
    sizes[static_cast<size_t>(dim < 0 ? x.shape.rank() + dim : dim - int64_t{x.batched})] = 1;
  }
  return Shape(std::span<const int64_t>(sizes).first(axes));
}

ReduceShape::ReduceShape(const Tensor& x, const Attrs& attrs) {
  const Shape left = kept_shape(x.type(), attrs);
  for (int axis = -left.rank(); axis < 0; ++axis)
    (left[axis] == x.shape[axis] ? kept : reduced)
        .append({x.shape[axis], {stride_of(x.shape, axis, x.batch.width)}});
  kept.append({x.batch.width, {1}});
}

Value sum_to(GradientRule& rule, Value dy, const Shape& shape) {
  const Shape from = rule.graph()[dy].type.shape;
  std::vector<double> dims;
  for (int axis = -from.rank(); axis < 0; ++axis)
    if (axis < -shape.rank() || shape[axis] != from[axis]) dims.push_back(axis);
  if (!dims.empty())
    dy = rule.emit("sum", {dy}, Attrs(find_op("sum").attrs.items).set("dim", dims));
  return rule.graph().reshape(dy, shape);
}

Value expand_to(GradientRule& rule, Value x, const Shape& shape, double scale) {
  const TensorType& type = rule.graph()[x].type;
  if (type.shape == shape && scale == 1) return x;
  std::vector<double> sizes(type.batched ? 1 : 0, -1);
  for (const int64_t size : shape.dims()) sizes.push_back(static_cast<double>(size));
  Attrs attrs(find_op("expand").attrs.items);
  return rule.emit("expand", {x}, attrs.set("shape", sizes).set("scale", scale));
}

}  // namespace cairn
