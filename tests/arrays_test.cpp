// Data sets of the user's own numbers, and training on them.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/device.h"
#include "core/random.h"
#include "data/dataset.h"
#include "tests/data_files.h"
#include "train/predict.h"
#include "train/trainer.h"

namespace cairn {
namespace {

using testing::error_of;

using Floats = std::vector<float>;
using Labels = std::vector<int64_t>;

TEST(Arrays, ShapesAndElements) {
  const Floats numbers = {1, -2, 3, 4, 1e6f, 6};
  const Dataset features = dataset_from_arrays("f", numbers, {3, 2}, Labels{0, 4, 1}, 5);
  EXPECT_EQ(features.image, (Shape{1, 1, 2}));
  EXPECT_EQ(features.dtype, DType::f32);
  EXPECT_EQ(features.values, numbers);
  EXPECT_EQ(features.size(), 3);
  EXPECT_EQ(features.labels, std::vector<uint8_t>({0, 4, 1}));
  const std::vector<uint8_t> pixels(24, 7);
  const Dataset grey = dataset_from_arrays("g", pixels, {2, 3, 4}, Labels{0, 1}, 2);
  EXPECT_EQ(grey.image, (Shape{1, 3, 4}));
  EXPECT_EQ(grey.dtype, DType::u8);
  EXPECT_EQ(grey.images, pixels);
  EXPECT_EQ(dataset_from_arrays("c", pixels, {2, 3, 2, 2}, Labels{0, 1}, 2).image,
            (Shape{3, 2, 2}));
}

TEST(Arrays, WhatIsWrongIsNamed) {
  const auto error = [](const Floats& numbers, const Shape& shape, const Labels& labels,
                        int64_t classes = 3) {
    EXPECT_THROW(dataset_from_arrays("mine", numbers, shape, labels, classes), UsageError);
    return error_of([&] { dataset_from_arrays("mine", numbers, shape, labels, classes); });
  };
  const Floats four(4);
  EXPECT_CONTAINS(error(four, {4}, {0}), "mine: examples of shape (4)");
  EXPECT_CONTAINS(error(four, {1, 5, 1, 1}, {0}), "4 channels at most");
  EXPECT_CONTAINS(error({}, {0, 2}, {}), "holds no numbers");
  EXPECT_CONTAINS(error(four, {3, 2}, {0, 0, 0}), "4 numbers, but the shape (3, 2) holds 6");
  EXPECT_CONTAINS(error(four, {2, 2}, {0}), "1 labels for 2 examples");
  EXPECT_CONTAINS(error(four, {2, 2}, {0, 3}), "label 3 of example 1 is out of range");
  EXPECT_CONTAINS(error(four, {2, 2}, {-1, 0}), "label -1 of example 0");
  EXPECT_CONTAINS(error(four, {2, 2}, {0, 0}, 257), "257 classes");
  for (const float bad : {std::numeric_limits<float>::infinity(), std::nanf("")})
    EXPECT_CONTAINS(error({0, 0, 0, bad}, {2, 2}, {0, 0}), "number 1 of example 1 is");
}

TEST(Arrays, ValidationTakesFloatsToo) {
  Floats numbers;
  Labels labels;
  for (int i = 0; i < 40; ++i) {
    numbers.insert(numbers.end(), {static_cast<float>(i), static_cast<float>(2 * i)});
    labels.push_back(i);
  }
  Dataset train = dataset_from_arrays("f", numbers, {40, 2}, labels, 40);
  Dataset part = split_validation(train, 0.25, 1);
  EXPECT_EQ(part.size(), 10);
  EXPECT_EQ(part.dtype, DType::f32);
  for (const Dataset* set : {&train, &part})
    for (size_t i = 0; i < set->labels.size(); ++i) {
      EXPECT_EQ(set->values[2 * i], set->labels[i]);
      EXPECT_EQ(set->values[2 * i + 1], 2 * set->labels[i]);
    }
}

/// Two clouds of points far from zero, one above the line x + y = 3000 and one below.
Dataset clouds(int64_t count, uint64_t seed) {
  Floats points;
  Labels labels;
  for (int64_t i = 0; i < count; ++i) {
    labels.push_back(i % 2);
    for (const uint64_t axis : {0u, 1u}) {
      const auto element = static_cast<uint64_t>(i) * 2 + axis;
      const double noise = random_normal(philox_key(seed, "clouds"), 0, element);
      points.push_back(static_cast<float>(1500 + (i % 2 ? 40 : -40) + 15 * noise));
    }
  }
  return dataset_from_arrays("clouds", points, {count, 2}, labels, 2);
}

TEST(Arrays, FeaturesAreLearned) {
  const Dataset train = clouds(200, 1), test = clouds(100, 2);
  const Normalization norm = pixel_statistics(train);
  EXPECT_NEAR(norm.mean[0], 1500, 5);
  EXPECT_NEAR(norm.deviation[0], std::hypot(40, 15), 3);
  const auto device = open_device("cpu", 1);
  const Network network(find_model("mlp"), {{"widths", "8"}}, train, norm);
  Trainer trainer(network, *device, train, {.batch = 33, .lr = 0.1, .horizon = 60});
  while (trainer.steps() < 60) trainer.step();
  Evaluator evaluator(network, trainer.store(), test, "test", 32);
  EXPECT_GE(evaluator.run().accuracy, 0.98);
  const std::vector<double> probabilities = predict(network, trainer.store(), test);
  ASSERT_EQ(probabilities.size(), 200u);
  int64_t right = 0;
  for (int64_t n = 0; n < 100; ++n) {
    const double* row = probabilities.data() + 2 * n;
    EXPECT_NEAR(row[0] + row[1], 1, 1e-5);
    right += best_guesses(row, 2, 1)[0].label == test.labels[static_cast<size_t>(n)];
  }
  EXPECT_EQ(right, std::llround(100 * evaluator.run().accuracy));
}

TEST(Arrays, PixelsAsFloatsTrainToTheSameBits) {
  std::vector<uint8_t> pixels;
  Floats values;
  Labels labels;
  for (int64_t i = 0; i < 30 * 12; ++i) {
    pixels.push_back(
        static_cast<uint8_t>(random_word(philox_key(1, "pixels"), 0, static_cast<uint64_t>(i))));
    values.push_back(static_cast<float>(pixels.back()) / 255);
  }
  for (int64_t i = 0; i < 30; ++i) labels.push_back(i % 3);
  const Shape shape{30, 3, 2, 2};
  const auto device = open_device("cpu", 1);
  const auto trained = [&](const Dataset& data) {
    const Network network(find_model("mlp"), {{"widths", "9"}}, data, {{0.4}, {0.3, 1, 1, 1}});
    Trainer trainer(network, *device, data, {.batch = 7, .horizon = 6});
    while (trainer.steps() < 6) trainer.step();
    return trainer.store().read(std::string(kParameters));
  };
  EXPECT_EQ(trained(dataset_from_arrays("u8", pixels, shape, labels, 3)),
            trained(dataset_from_arrays("f32", values, shape, labels, 3)));
}

}  // namespace
}  // namespace cairn
