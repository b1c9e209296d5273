// What training and evaluation share.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/device.h"
#include "data/dataset.h"

namespace cairn {

inline constexpr int64_t kEvaluationBatch = 128;

/// load_data(), whose note goes to stderr; an Error for a set that isn't fetched yet names both
/// ways on.
DataSplits load_data_or_advise(const std::string& name_or_dir, int64_t classes, uint64_t seed,
                               bool streamed = false);

/// Where and how to run: --device, --threads, --simd, --conv, --batch-norm.
struct DeviceChoice {
  std::string device = "auto";
  int64_t threads = 0;
  std::string simd = "auto";
  std::optional<std::string> conv, batch_norm;
  ConvChoice run_conv = {};  // config.json's
};

/// Opens a device and tells on stderr which one is active, and what could not be had: CUDA by
/// --device auto, cuDNN by --conv auto.
std::unique_ptr<Device> open_and_tell(const DeviceChoice& choice);
/// "cpu", "cuda:0": what --device takes to open it again.
std::string device_name(const Device& device);
/// Threads of a CPU device; 1 elsewhere.
int device_threads(Device& device);

/// "99.12%".
std::string percent(double fraction);

}  // namespace cairn
