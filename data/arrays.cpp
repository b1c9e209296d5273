// Data sets of the user's own arrays.
#include <fmt/format.h>

#include <cmath>

#include "core/error.h"
#include "data/dataset.h"

namespace cairn {
namespace {

constexpr int64_t kMostClasses = 256, kMostChannels = 4;

Shape image_of(const std::string& name, const Shape& shape) {
  if (shape.rank() == 2) return {1, 1, shape[1]};
  if (shape.rank() == 3) return {1, shape[1], shape[2]};
  if (shape.rank() == 4 && shape[1] <= kMostChannels) return {shape[1], shape[2], shape[3]};
  fail_usage(fmt::format("{}: examples of shape {}", name, to_string(shape)),
             "it must be (N,F), (N,H,W), or (N,C,H,W) with 4 channels at most");
}

/// A data set without its examples: shape, counts and labels are checked.
Dataset labelled(const std::string& name, size_t numbers, const Shape& shape,
                 std::span<const int64_t> labels, int64_t classes) {
  Dataset data{name, image_of(name, shape), classes, {}, {}};
  const int64_t elements = shape.elements();
  if (elements == 0)
    fail_usage(fmt::format("{}: shape {} holds no numbers", name, to_string(shape)),
               "give at least one example");
  if (static_cast<int64_t>(numbers) != elements)
    fail_usage(fmt::format("{}: {} numbers, but the shape {} holds {}", name, numbers,
                           to_string(shape), elements),
               "give all examples one after the other, row-major");
  if (static_cast<int64_t>(labels.size()) != shape[0])
    fail_usage(fmt::format("{}: {} labels for {} examples", name, labels.size(), shape[0]),
               "give a label for each example");
  if (classes < 1 || classes > kMostClasses)
    fail_usage(fmt::format("{}: {} classes", name, classes), "there may be 1 to 256 of them");
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes)
      fail_usage(fmt::format("{}: label {} of example {} is out of range, there are {} classes",
                             name, labels[i], i, classes),
                 fmt::format("labels must lie in 0..{}", classes - 1));
    data.labels.push_back(static_cast<uint8_t>(labels[i]));
  }
  return data;
}

}  // namespace

Dataset dataset_from_arrays(const std::string& name, std::span<const float> examples,
                            const Shape& shape, std::span<const int64_t> labels, int64_t classes) {
  Dataset data = labelled(name, examples.size(), shape, labels, classes);
  for (size_t i = 0; i < examples.size(); ++i)
    if (!std::isfinite(examples[i]))
      fail_usage(fmt::format("{}: number {} of example {} is {}", name,
                             static_cast<int64_t>(i) % data.image.elements(),
                             static_cast<int64_t>(i) / data.image.elements(), examples[i]),
                 "replace what is missing before training");
  data.dtype = DType::f32;
  data.values.assign(examples.begin(), examples.end());
  return data;
}

Dataset dataset_from_arrays(const std::string& name, std::span<const uint8_t> examples,
                            const Shape& shape, std::span<const int64_t> labels, int64_t classes) {
  Dataset data = labelled(name, examples.size(), shape, labels, classes);
  data.images.assign(examples.begin(), examples.end());
  return data;
}

}  // namespace cairn
