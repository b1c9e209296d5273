// What only a card can show; every test skips where none answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "data/dataset.h"
#include "train/trainer.h"

namespace cairn {
namespace {

/// The largest difference of two elements, as a share of the largest of `a`.
double distance(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0, difference = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}

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
    Trainer trainer(network, device, data, {.batch = 100, .precision = precision_});
    for (int64_t i = 0; i < steps; ++i) trainer.step();
    losses_.clear();
    for (const StepRecord& record : trainer.drain()) losses_.push_back(record.loss);
    return trainer.store().read(std::string(kParameters));
  }

  std::string precision_ = "fp32";
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

TEST_F(Cuda, OtherConvolutionsAreIm2col) {
  const std::vector<double> ours = trained(true, "im2col", 1);
  for (const char* conv : {"implicit", "cudnn"}) {
    std::vector<double> theirs;
    try {
      theirs = trained(true, conv, 1);
    } catch (const std::exception& error) {
      if (conv != std::string_view("cudnn")) throw;
      GTEST_SKIP() << error.what();
    }
    EXPECT_LE(distance(ours, theirs), 1e-5) << "after one step, " << conv;
  }
}

// Their 11 digits show, and not by much.
TEST_F(Cuda, Tf32IsNearFloat32) {
  const std::vector<double> exact = trained(true, "im2col", 3);
  precision_ = "tf32";
  const std::vector<double> cut = trained(true, "im2col", 3);
  EXPECT_GT(distance(exact, cut), 1e-6);
  EXPECT_LT(distance(exact, cut), 1e-2);
}

// A launch costs microseconds whatever it does. The bounds are what is reached
// (docs/performance.md). With larger batches convolutions' gradients for the weights are summed in
// parts, and where those are many that takes one more.
TEST_F(Cuda, LaunchesOfAStep) {
#ifndef CAIRN_SIMT
  GTEST_SKIP() << "cuBLAS may take several kernels for a product";
#endif
  const auto launches = [](const char* net, const char* conv, int64_t batch) {
    const auto device = open_device("cuda", 1);
    device->set_conv({conv});
    Dataset data = load_data("digits").train;
    const auto images = static_cast<size_t>(2 * batch);
    data.labels.resize(images);
    data.images.resize(images * static_cast<size_t>(data.image.elements()));
    const Network network(find_model(net), {}, data, pixel_statistics(data));
    Trainer trainer(network, *device, data, {.batch = batch});
    for (int i = 0; i < 3; ++i) trainer.step();
    return trainer.launches();
  };
  for (const int64_t batch : {1, 64}) EXPECT_LE(launches("lenet5", "im2col", batch), 33) << batch;
  EXPECT_LE(launches("lenet5", "implicit", 1), 24);
  EXPECT_LE(launches("lenet5", "implicit", 64), 25);
  EXPECT_LE(launches("resnet20", "implicit", 1), 156);
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
