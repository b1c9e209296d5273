// What is said where memory doesn't suffice, on a device that gives as much as the test likes.
#include "train/memory.h"

#include <gtest/gtest.h>

#include <new>

#include "core/error.h"

namespace cairn {
namespace {

/// The CPU's memory, up to a limit, under the name of another kind of device. Runs no kernels.
class SmallDevice : public Device {
 public:
  SmallDevice(DeviceKind kind, int64_t limit)
      : host_(open_device("cpu", 1)), kind_(kind), free_(limit) {}

  DeviceKind kind() const override { return kind_; }
  std::string description() const override { return "small"; }
  void* allocate(size_t bytes) override {
    if (static_cast<int64_t>(bytes) > free_) fail_out_of_memory(*this, bytes);
    free_ -= static_cast<int64_t>(bytes);
    return host_->allocate(bytes);
  }
  void release(void* data) noexcept override { host_->release(data); }
  void upload(void* to, const void* from, size_t bytes) override { host_->upload(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override {
    host_->download(to, from, bytes);
  }
  void clear(void* data, size_t bytes) override { host_->clear(data, bytes); }
  void synchronize() override {}
  void call(const OpDef& op, DType, const Args&) override { fail(std::string(op.name) + " ran"); }
  int64_t free_bytes() override { return free_; }
  ThreadPool* pool() override { return host_->pool(); }

 private:
  std::unique_ptr<Device> host_;
  DeviceKind kind_;
  int64_t free_;
};

Dataset images(int64_t count) {
  const auto n = static_cast<size_t>(count);
  return {"grey", {1, 28, 28}, 10, std::vector<uint8_t>(n * 784, 128), std::vector<uint8_t>(n, 1)};
}

struct MemoryTest : testing::Test {
  const Dataset data = images(512);
  const Network network{find_model("lenet5"), {}, data, {}};
  const TrainSettings settings{.batch = 512};
};

TEST_F(MemoryTest, NeedIsWhatARunTakes) {
  for (const DeviceKind kind : {DeviceKind::cpu, DeviceKind::cuda}) {
    const MemoryNeed need = memory_need(network, settings, data.size(), kind);
    SmallDevice device(kind, int64_t{1} << 30);
    Trainer trainer(network, device, data, settings);
    const int64_t taken = (int64_t{1} << 30) - device.free_bytes();
    EXPECT_NEAR(static_cast<double>(taken), static_cast<double>(need.total()), 1024) << "StepState";
    for (const int64_t batch : {64, 1024}) {  // in the run's scratch and beside it
      const int64_t free = device.free_bytes();
      const Evaluator evaluator(network, trainer.store(), data, std::to_string(batch), batch,
                                trainer.scratch());
      EXPECT_NEAR(
          static_cast<double>(free - device.free_bytes()),
          static_cast<double>(evaluation_need(network, data.size(), batch, kind, need.scratch)),
          1024);
    }
  }
}

TEST_F(MemoryTest, ReportNamesABatchThatFits) {
  const int64_t need = memory_need(network, settings, data.size(), DeviceKind::cuda).total();
  const int64_t limit = need / 3;
  SmallDevice device(DeviceKind::cuda, limit);
  std::string hint;
  try {
    const Trainer trainer(network, device, data, settings);
    FAIL() << "it fits";
  } catch (const OutOfMemory& error) {
    EXPECT_NE(std::string(error.what()).find("out of memory on small"), std::string::npos)
        << error.what();
    EXPECT_NE(std::string(error.what()).find("MB are free"), std::string::npos) << error.what();
    hint = error.hint();
  }
  EXPECT_NE(hint.find("act1.y float32 (N, 6, 28, 28): 9.6 MB"), std::string::npos) << hint;
  const int64_t batch = batch_that_fits(network, settings, data.size(), DeviceKind::cuda, limit);
  ASSERT_GT(batch, 0);
  EXPECT_NE(hint.find("--batch " + std::to_string(batch)), std::string::npos) << hint;
  TrainSettings smaller = settings;
  smaller.batch = batch;
  SmallDevice again(DeviceKind::cuda, limit);
  EXPECT_NO_THROW(Trainer(network, again, data, smaller));
}

TEST_F(MemoryTest, ReportWhereNoBatchFits) {
  SmallDevice device(DeviceKind::cuda, 100000);
  const TrainSettings small{.batch = 8};  // beside which the images are large
  try {
    const Trainer trainer(network, device, data, small);
    FAIL() << "it fits";
  } catch (const OutOfMemory& error) {
    EXPECT_NE(error.hint().find("no batch fits"), std::string::npos) << error.hint();
    EXPECT_NE(error.hint().find("train.images"), std::string::npos) << error.hint();
  }
}

TEST_F(MemoryTest, SystemRefusal) {
  const Program program = compile(accumulate_graph(network, settings, data.size()),
                                  plan_options(DeviceKind::cpu, settings.batch), 1);
  const std::bad_alloc refused;
  ASSERT_TRUE(is_out_of_memory(refused));
  EXPECT_THROW(report_out_of_memory(refused, "buy more", program), OutOfMemory);
  EXPECT_FALSE(is_out_of_memory(Error("other", "", SourceLocation::current())));
}

}  // namespace
}  // namespace cairn
