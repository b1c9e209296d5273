// What is random about augmented batches: how often each change comes, and on what it depends.
#include <algorithm>
#include <cmath>
#include <map>

#include <gtest/gtest.h>

#include "core/error.h"
#include "core/op_runner.h"
#include "core/op_table.h"
#include "tests/op_suite.h"
#include "train/augmentation.h"

namespace cairn {
namespace {

constexpr int64_t kCount = 48, kHeight = 6, kWidth = 7, kPixels = kHeight * kWidth;

/// Every pixel of every image tells its place: 1 + h W + w, the image's number as its label.
OpCall call_of(const std::string& attrs, int64_t epoch, int64_t n = kCount) {
  OpCall call;
  call.op = &find_op("gather_features");
  call.attrs = Attrs::parse(call.op->attrs.items, attrs, "gather_features");
  call.n = call.step.n_valid = n, call.step.epoch = epoch;
  HostTensor images{{DType::f32, {kCount, 1, kHeight, kWidth}, false}, {}};
  HostTensor labels{{DType::u8, {kCount}, false}, {}};
  for (int64_t i = 0; i < kCount; ++i) {
    labels.values.push_back(static_cast<double>(i));
    for (int64_t k = 0; k < kPixels; ++k) images.values.push_back(static_cast<double>(1 + k));
  }
  call.inputs = {images, labels, std::nullopt};
  return call;
}

std::vector<double> run(const OpCall& call, const char* device = "cpu",
                        const OpRunOptions& options = {}) {
  OpRunner runner(test_device(device), call, options);
  runner.run();
  return runner.output(0).values;
}

/// Where example n took its pixels from: (T, L, mirrored), by the pixel in its middle.
struct Move {
  int64_t top, left;
  bool mirrored;
  auto operator<=>(const Move&) const = default;
};

double shown(const Move& m, int64_t h, int64_t w) {
  const int64_t y = h + m.top, x = (m.mirrored ? kWidth - 1 - w : w) + m.left;
  return y < 0 || y >= kHeight || x < 0 || x >= kWidth ? 0
                                                       : static_cast<double>(1 + y * kWidth + x);
}

/// The move that example n shows to the bit.
Move move_of(const std::vector<double>& x, int64_t n, int64_t crop) {
  for (const bool mirrored : {false, true})
    for (int64_t top = -crop; top <= crop; ++top)
      for (int64_t left = -crop; left <= crop; ++left) {
        const Move move{top, left, mirrored};
        bool same = true;
        for (int64_t k = 0; same && k < kPixels; ++k)
          same = x[static_cast<size_t>(n * kPixels + k)] == shown(move, k / kWidth, k % kWidth);
        if (same) return move;
      }
  ADD_FAILURE() << "example " << n << " is no shifted image";
  return {};
}

TEST(Augment, EveryCropAndFlipComesEquallyOften) {
  constexpr int kEpochs = 200;
  std::map<Move, int> counts;
  for (int epoch = 0; epoch < kEpochs; ++epoch) {
    const std::vector<double> x = run(call_of("crop=2 flip=random", epoch));
    for (int64_t n = 0; n < kCount; ++n) ++counts[move_of(x, n, 2)];
  }
  EXPECT_EQ(counts.size(), 50u);
  const double expected = kEpochs * double{kCount} / 50;
  double chi_squared = 0;  // 49 degrees of freedom: mean 49, deviation 9.9
  for (const auto& [move, count] : counts)
    chi_squared += (count - expected) * (count - expected) / expected;
  EXPECT_LT(chi_squared, 49 + 4 * 9.9);
}

TEST(Augment, AlternatingFlipsAlternate) {
  const auto flips = [](int64_t epoch) {
    const std::vector<double> x = run(call_of("flip=alternating", epoch));
    std::vector<bool> mirrored;
    for (int64_t n = 0; n < kCount; ++n) mirrored.push_back(move_of(x, n, 0).mirrored);
    return mirrored;
  };
  const std::vector<bool> first = flips(0);
  std::vector<bool> other = first;
  other.flip();
  const auto count = std::ranges::count(first, true);
  EXPECT_GT(count, kCount / 4);
  EXPECT_LT(count, 3 * kCount / 4);
  for (const int64_t epoch : {1, 3, 7}) EXPECT_EQ(flips(epoch), other);
  for (const int64_t epoch : {2, 4, 8}) EXPECT_EQ(flips(epoch), first);
}

TEST(Augment, CutsASquareAnywhere) {
  std::map<std::pair<int64_t, int64_t>, int> counts;  // of the first row and column that is cut
  for (int epoch = 0; epoch < 100; ++epoch) {
    const std::vector<double> x = run(call_of("cutout=3", epoch));
    for (int64_t n = 0; n < kCount; ++n) {
      int64_t top = kHeight, left = kWidth, bottom = -1, right = -1, zeros = 0;
      for (int64_t k = 0; k < kPixels; ++k)
        if (x[static_cast<size_t>(n * kPixels + k)] == 0) {
          top = std::min(top, k / kWidth), bottom = std::max(bottom, k / kWidth);
          left = std::min(left, k % kWidth), right = std::max(right, k % kWidth);
          ++zeros;
        }
      ASSERT_EQ(zeros, (bottom - top + 1) * (right - left + 1));
      ASSERT_TRUE(bottom - top <= 2 && right - left <= 2 && zeros >= 4);
      ++counts[{bottom + top, right + left}];
    }
  }
  EXPECT_EQ(counts.size(), size_t{kPixels});  // each centre of its own
  for (const auto& [place, count] : counts) EXPECT_NEAR(count, 4800.0 / kPixels, 60);
}

TEST(Augment, WarpsStayWithinTheirLimits) {
  // Images of one slope in y and one in x: what is shown tells where it was taken from.
  OpCall call = call_of("shift=1", 0);
  double least = 0, most = 0, sum = 0;
  for (int epoch = 0; epoch < 100; ++epoch) {
    call.step.epoch = epoch;
    const std::vector<double> x = run(call);
    for (int64_t n = 0; n < kCount; ++n) {
      const int64_t middle = 2 * kWidth + 3;
      const double moved = x[static_cast<size_t>(n * kPixels + middle)] - double{1 + middle};
      least = std::min(least, moved), most = std::max(most, moved), sum += moved;
    }
  }
  const double limit = 1 + kWidth;  // a pixel along each axis
  EXPECT_GT(least, -limit);
  EXPECT_LT(most, limit);
  EXPECT_LT(least, -0.9 * limit);
  EXPECT_GT(most, 0.9 * limit);
  EXPECT_NEAR(sum / 4800, 0, 0.3);
}

TEST(Augment, TheFieldHasItsDeviation) {
  OpCall call = call_of("elastic=0.25 elastic_grid=2", 0);  // node (1, 1) lies on pixel (2, 2)
  double sum = 0, squares = 0;
  for (int epoch = 0; epoch < 200; ++epoch) {
    call.step.epoch = epoch;
    const std::vector<double> x = run(call);
    for (int64_t n = 0; n < kCount; ++n) {
      const int64_t place = 2 * kWidth + 2;
      const double moved = x[static_cast<size_t>(n * kPixels + place)] - double{1 + place};
      sum += moved, squares += moved * moved;
    }
  }
  constexpr double kSamples = 200 * double{kCount};
  const double deviation = 0.25 * std::sqrt(1 + double{kWidth * kWidth});
  EXPECT_NEAR(sum / kSamples, 0, 5 * deviation / std::sqrt(kSamples));
  EXPECT_NEAR(std::sqrt(squares / kSamples), deviation, 0.03 * deviation);
}

constexpr char kAll[] =
    "crop=2 flip=alternating cutout=2 rotate=20 shift=1 elastic=1 elastic_grid=3";

TEST(Augment, DoesNotDependOnTheBatch) {
  for (const char* attrs : {"crop=2 flip=random cutout=2", kAll}) {
    OpCall call = call_of(std::string("shuffle=1 ") + attrs, 3);
    const std::vector<double> want = run(call);
    for (const int64_t batch : {16, 7}) {
      std::vector<double> got;
      for (int64_t first = 0; first < kCount; first += batch) {
        call.n = batch, call.step.first = first;
        call.step.n_valid = std::min(batch, kCount - first);
        const std::vector<double> x = run(call);
        got.insert(got.end(), x.begin(), x.begin() + call.step.n_valid * kPixels);
      }
      EXPECT_EQ(got, want) << batch;
    }
  }
}

TEST(Augment, IsTheSameInEveryLayoutAndOfEveryRowOrder) {
  const OpCall call = call_of(kAll, 5);
  const std::vector<double> want = run(call, "reference", {.real = DType::f32});
  EXPECT_EQ(run(call), want);
  for (const int64_t width : {1, 8, 16, 32})
    EXPECT_EQ(run(call, "cpu", {.width = width, .sliced = true}), want) << width;
  // An example's changes go with its row in the data, wherever the order puts it.
  const OpCall shuffled = call_of(std::string("shuffle=1 ") + kAll, 5);
  OpRunner runner(test_device("cpu"), shuffled, {});
  runner.run();
  const std::vector<double> x = runner.output(0).values, rows = runner.output(1).values;
  for (size_t n = 0; n < rows.size(); ++n)
    for (size_t k = 0; k < size_t{kPixels}; ++k)
      ASSERT_EQ(x[n * kPixels + k], want[static_cast<size_t>(rows[n]) * kPixels + k]);
}

TEST(Augment, DependsOnEpochSeedAndNode) {
  const OpCall call = call_of(kAll, 2);
  OpCall epoch = call, seed = call, node = call;
  epoch.step.epoch = 4, seed.seed = 1, node.name = "other";
  for (const OpCall& other : {epoch, seed, node}) EXPECT_NE(run(other), run(call));
}

TEST(Augmentation, ReadsAndPrintsText) {
  for (const char* text : {"none", "crop=4 flip=random", "flip=alternating cutout=8",
                           "rotate=7.5 shift=0.1 elastic=3 elastic_grid=4"})
    EXPECT_EQ(Augmentation::parse(text).to_string(), text);
  EXPECT_EQ(Augmentation::parse("").to_string(), "none");
  EXPECT_EQ(Augmentation::parse("flip=random crop=4"), Augmentation::parse("crop=4 flip=random"));
  EXPECT_EQ(Augmentation::parse("crop=0 flip=none"), Augmentation());
  EXPECT_THROW(Augmentation::parse("crop=4,flip=random"), UsageError);
}

}  // namespace
}  // namespace cairn
