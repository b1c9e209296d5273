// metrics.csv of a run folder: one row a step, numbers with 9 significant digits, which restore a
// float32. Losses and accuracies of equal runs are equal; images_per_s is a measurement.
#pragma once

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <vector>

#include "train/trainer.h"

namespace cairn {

/// Cuts the file of a run back to the rows of steps 1, 2, ... `last` and returns the images_per_s
/// of each. Where rows are missing or damaged it ends before the first of them.
std::vector<double> cut_metrics(const std::filesystem::path& run, int64_t last);

class MetricsWriter {
 public:
  static constexpr char kHeader[] = "step,epoch,loss,accuracy,lr,images_per_s";

  /// Begins the file anew, or appends to the rows that cut_metrics left.
  explicit MetricsWriter(const std::filesystem::path& run, bool append = false);

  /// Appends rows. What was written reaches the file within a second of calls, and at flush() and
  /// close().
  void write(std::span<const StepRecord> records, double images_per_s);
  /// An Error where the file can't be written.
  void flush();
  /// As flush(); the destructor says nothing.
  void close();

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  void check(bool written) const;

  std::filesystem::path path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::chrono::steady_clock::time_point flushed_;
};

}  // namespace cairn
