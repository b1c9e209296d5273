// What only a card can show; every test skips where none answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "data/dataset.h"
#include "train/trainer.h"

namespace cairn {
namespace {

class Cuda : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_cuda(); !reason.empty()) GTEST_SKIP() << reason;
  }

  /// Parameters after some steps of LeNet-5 on a card, with or without capture.
  std::vector<double> trained(bool captured, const std::string& conv, int64_t steps) {
    captured ? unsetenv("CAIRN_NO_CAPTURE") : setenv("CAIRN_NO_CAPTURE", "1", 1);
    const auto device = open_device("cuda", 1);
    unsetenv("CAIRN_NO_CAPTURE");
    device->set_conv({conv});
    return trained(*device, steps);
  }

  std::vector<double> trained(Device& device, int64_t steps) {
    const Dataset data = load_data("digits").train;
    const Network network(find_model("lenet5"), {}, data, pixel_statistics(data));
    Trainer trainer(network, device, data, {.batch = 100});
    for (int64_t i = 0; i < steps; ++i) trainer.step();
    losses_.clear();
    for (const StepRecord& record : trainer.drain()) losses_.push_back(record.loss);
    return trainer.store().read(std::string(kParameters));
  }

  std::vector<double> losses_;
};

TEST_F(Cuda, ReplayedStepsAreTheEagerOnes) {
  const std::vector<double> eager = trained(false, "im2col", 8);
  const std::vector<double> losses = losses_;
  EXPECT_EQ(trained(true, "im2col", 8), eager);
  EXPECT_EQ(losses_, losses);
  ASSERT_EQ(losses.size(), 8u);
  for (const double loss : losses) EXPECT_TRUE(std::isfinite(loss) && loss > 0);
}

TEST_F(Cuda, LossesAreThoseOfTheCpu) {
  constexpr int64_t kSteps = 20;
#ifdef CAIRN_SIMT
  constexpr double kTolerance = 1e-5;
#else
  constexpr double kTolerance = 1e-4;
#endif
  const auto cpu = open_device("cpu", 1);
  trained(*cpu, kSteps);
  const std::vector<double> expected = losses_;
  trained(true, "im2col", kSteps);
  ASSERT_EQ(losses_.size(), expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(losses_[i], expected[i], kTolerance * expected[i]) << "step " << i + 1;
}

TEST_F(Cuda, CudnnIsIm2col) {
  const std::vector<double> ours = trained(true, "im2col", 1);
  std::vector<double> theirs;
  try {
    theirs = trained(true, "cudnn", 1);
  } catch (const std::exception& error) {
    GTEST_SKIP() << error.what();
  }
  double largest = 0, difference = 0;
  for (size_t i = 0; i < ours.size(); ++i) {
    largest = std::max(largest, std::abs(ours[i]));
    difference = std::max(difference, std::abs(ours[i] - theirs[i]));
  }
  EXPECT_LE(difference, 1e-5 * largest) << "after one step";
}

TEST_F(Cuda, CopiesOfManyChunksAreExact) {
  const auto device = open_device("cuda", 1);
  std::vector<uint32_t> sent(size_t{5} << 20), got(sent.size());  // 20 MiB and a bit
  sent.resize(sent.size() + 3), got.resize(sent.size());
  for (size_t i = 0; i < sent.size(); ++i) sent[i] = static_cast<uint32_t>(i * 2654435761u);
  const size_t bytes = sent.size() * sizeof(uint32_t);
  const Buffer buffer(*device, bytes);
  device->clear(buffer.data(), bytes);
  device->upload(buffer.data(), sent.data(), bytes);
  device->download(got.data(), buffer.data(), bytes);
  EXPECT_EQ(got, sent);
  device->clear(buffer.data(), bytes);
  device->download(got.data(), buffer.data(), bytes);
  EXPECT_EQ(got, std::vector<uint32_t>(sent.size()));
}

}  // namespace
}  // namespace cairn
