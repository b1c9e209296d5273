// CUDA's host side on the emulated device: every call may fail, and every device may be missing.
#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/mixed.h"
#include "data/dataset.h"
#include "layers/layers.h"
#include "simt/fault.h"
#include "simt/settings.h"
#include "train/trainer.h"

namespace cairn {
namespace {

/// Gives the device its properties back, and nobody an error that is left over.
class Simt : public testing::Test {
 protected:
  void SetUp() override { reports_ = simt::reports(); }
  void TearDown() override {
    simt::fail_call(0);
    simt::settings() = before_;
    simt::clear_errors();
    EXPECT_EQ(simt::reports(), reports_) << "something was reported";
  }

  static std::string message_of(const std::function<void()>& run) {
    try {
      run();
    } catch (const Error& error) {
      where_ = error.where();
      return error.what();
    }
    return {};
  }

  static inline SourceLocation where_;

 private:
  const simt::Settings before_ = simt::settings();
  int64_t reports_ = 0;
};

/// A net of few, with a convolution, on pictures of 8 x 8: the calls of a large one, in no time.
struct Small {
  const Dataset data = [] {
    std::vector<uint8_t> pixels(12 * 64);
    std::vector<int64_t> labels(12);
    for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<uint8_t>(i * 37);
    for (size_t i = 0; i < labels.size(); ++i) labels[i] = static_cast<int64_t>(i % 3);
    return dataset_from_arrays("small", pixels, {12, 8, 8}, labels, 3);
  }();
  const Network network = [this] {
    Sequential layers;
    layers.add("conv", Conv2d{.in = 1, .out = 2}).add("act", Tanh()).add("pool", AvgPool2d());
    layers.add("flatten", Flatten{}).add("fc", Linear{.in = 18, .out = 3});
    return Network(layers, data);
  }();

  const Network normed = [this] {
    Sequential layers;
    layers.add("conv", Conv2d{.in = 1, .out = 2}).add("bn", BatchNorm{2}).add("act", Relu());
    layers.add("flatten", Flatten{}).add("fc", Linear{.in = 72, .out = 3});
    return Network(layers, data);
  }();

  /// The losses of some steps; the third of an epoch has a batch of 2.
  std::vector<double> train(int64_t steps, const std::string& conv = "im2col") const {
    return train(network, steps, {conv});
  }
  std::vector<double> train(const Network& network, int64_t steps, const ConvChoice& by) const {
    const auto device = open_device("cuda", 1);
    device->set_conv(by);
    Trainer trainer(network, *device, data, {.batch = 5});
    for (int64_t i = 0; i < steps; ++i) trainer.step();
    std::vector<double> losses;
    for (const StepRecord& record : trainer.drain()) losses.push_back(record.loss);
    return losses;
  }
};

void train(int64_t steps, const std::string& conv = "im2col") { Small().train(steps, conv); }

// Three steps make every kind of call: the first runs kernel by kernel, the second is captured, the
// third replays.
TEST_F(Simt, EveryCallThatFailsIsToldAndLeaksNothing) {
  train(1);  // what lives as long as the program is made
  ASSERT_EQ(simt::alive(), "");
  const int64_t before = simt::calls();
  train(3);
  const int64_t calls = simt::calls() - before;
  ASSERT_GT(calls, 100);
  for (int64_t n = 1; n <= calls; ++n) {
    simt::fail_call(n);
    testing::internal::CaptureStderr();
    const std::string message = message_of([] { train(3); });
    const std::string logged = testing::internal::GetCapturedStderr();
    const std::string failed = simt::failed_call();
    SCOPED_TRACE("call " + std::to_string(n) + ", " + failed);
    ASSERT_FALSE(failed.empty());
    const std::string told = message.empty() ? logged : message;  // destructors log
    EXPECT_TRUE(told.find("cudaErrorUnknown") != std::string::npos ||
                told.find("CUBLAS_STATUS_EXECUTION_FAILED") != std::string::npos)
        << told;
    if (!message.empty()) {
      EXPECT_GT(where_.line, 0);
    }
    EXPECT_EQ(simt::alive(), "");
    simt::fail_call(0);
    simt::clear_errors();
    if (HasFailure()) return;
  }
}

TEST_F(Simt, NoDevice) {
  simt::settings().devices = 0;
  EXPECT_EQ(message_of([] { train(1); }), "CUDA can't be used: no NVIDIA GPU answers");
}

TEST_F(Simt, NoDriver) {
  simt::settings().driver = 0;
  EXPECT_EQ(message_of([] { train(1); }), "CUDA can't be used: no NVIDIA driver is installed");
}

TEST_F(Simt, OldDriver) {
  simt::settings().driver = 11080;
  const std::string message = message_of([] { train(1); });
  EXPECT_NE(message.find("the NVIDIA driver serves CUDA 11.8, this build needs"), std::string::npos)
      << message;
}

TEST_F(Simt, NoCodeForTheDevice) {
  simt::settings().image = false;
  simt::settings().arch = 75;
  const std::string message = message_of([] { train(1); });
  EXPECT_NE(message.find("compute capability 7.5"), std::string::npos) << message;
  EXPECT_NE(message.find("has code for SIMT on the CPU"), std::string::npos) << message;
}

TEST_F(Simt, OutOfMemoryTellsWhatWasAskedAndWhatIsFree) {
  const std::string message = message_of([] { open_device("cuda", 1)->allocate(size_t{1} << 40); });
  EXPECT_NE(message.find("out of memory on cuda:0"), std::string::npos) << message;
  EXPECT_NE(message.find("MB were asked for, "), std::string::npos) << message;
  EXPECT_NE(message.find("MB are free"), std::string::npos) << message;
  EXPECT_EQ(simt::alive(), "");
}

TEST_F(Simt, CudnnIsCapturedToo) { train(3, "cudnn"); }

// Steps with and without spare examples replay the same launches.
TEST_F(Simt, BatchNormOfCudnnIsOursUpToRounding) {
  const Small small;
  const std::vector<double> ours = small.train(small.normed, 8, {});
  const std::vector<double> theirs = small.train(small.normed, 8, {.batch_norm = "cudnn"});
  for (size_t i = 0; i < ours.size(); ++i)
    EXPECT_NEAR(theirs[i], ours[i], 1e-4 * std::abs(ours[i])) << "step " << i + 1;
  EXPECT_NE(theirs, ours) << "the same bits: was it cuDNN?";
  EXPECT_EQ(simt::alive(), "");
}

// 1 + 2^-7 has 8 digits, 1 + 2^-12 more than tensor cores see.
TEST_F(Simt, TensorCoresTakeRoundedFactorsAlone) {
  const auto device = open_device("cuda", 1);
  const auto product = [&](double x, bool rounded) {
    Graph graph;
    const Value a = graph.state("a", {DType::f32, {1, 1}, false});
    const Value b = graph.state("b", {DType::f32, {1, 1}, false});
    const Value y = graph.state("y", {DType::f32, {1, 1}, false});
    graph.add("accumulate", {y, graph.add("matmul", {a, b})});
    if (rounded) round_factors(graph);
    const Program program = compile(std::move(graph), plan_options(device->kind(), 1), 1);
    EXPECT_EQ(program.tf32, rounded);
    const Program* programs[] = {&program};
    Store store(*device, ParameterMap(program.graph));
    Executor executor(program, store, make_scratch(*device, programs));
    store.write("a", std::vector<double>{x});
    store.write("b", std::vector<double>{1});
    executor.run();
    const double ours = store.read("y")[0];
    device->allow_tensor_cores(true);  // as another program would leave it
    executor.run();
    EXPECT_EQ(store.read("y")[0], 2 * ours);
    return ours;
  };
  const double fine = 1 + std::ldexp(1, -12), coarse = 1 + std::ldexp(1, -7);
  EXPECT_EQ(product(fine, false), fine);
  EXPECT_EQ(product(fine, true), 1);
  EXPECT_EQ(product(coarse, true), coarse);
}

TEST_F(Simt, OrdersGiveTheSameLosses) {
  const auto losses = [](simt::Order order) {
    simt::settings().order = order;
    return Small().train(3);
  };
  const std::vector<double> forward = losses(simt::Order::forward);
  EXPECT_EQ(losses(simt::Order::reverse), forward);
  EXPECT_EQ(losses(simt::Order::random), forward);
}

}  // namespace
}  // namespace cairn
