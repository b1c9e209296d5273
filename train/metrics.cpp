#include "train/metrics.h"

#include <fmt/format.h>

#include <cerrno>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "core/error.h"
#include "io/files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr auto kFlushInterval = std::chrono::seconds(1);

fs::path metrics_file(const fs::path& run) { return run / "metrics.csv"; }

/// images_per_s of a row; none where it isn't the whole row of `step`.
std::optional<double> rate_of(std::string_view row, int64_t step) {
  int64_t number = 0, epoch = 0;
  double loss = 0, accuracy = 0, lr = 0, rate = 0;
  int end = 0;
  const std::string text(row);
  const int fields = std::sscanf(text.c_str(), "%ld,%ld,%lf,%lf,%lf,%lf%n", &number, &epoch, &loss,
                                 &accuracy, &lr, &rate, &end);
  if (fields != 6 || static_cast<size_t>(end) != text.size() || number != step) return {};
  return rate;
}

}  // namespace

std::vector<double> cut_metrics(const fs::path& run, int64_t last) {
  std::error_code error;
  const fs::path path = metrics_file(run);
  const std::string text = fs::exists(path, error) ? read_file(path) : std::string();
  std::vector<double> rates;
  const std::string_view header = MetricsWriter::kHeader;
  size_t begin = header.size() + 1;
  if (text.starts_with(header)) {
    while (static_cast<int64_t>(rates.size()) < last) {
      const size_t end = text.find('\n', begin);
      if (end == std::string::npos) break;
      const auto rate = rate_of(std::string_view(text).substr(begin, end - begin),
                                static_cast<int64_t>(rates.size()) + 1);
      if (!rate) break;
      rates.push_back(*rate);
      begin = end + 1;
    }
    write_file_atomic(path, std::string_view(text).substr(0, begin));
  } else {
    write_file_atomic(path, std::string(header) + "\n");
  }
  return rates;
}

MetricsWriter::MetricsWriter(const fs::path& run, bool append)
    : path_(metrics_file(run)),
      file_(std::fopen(path_.c_str(), append ? "a" : "w")),
      flushed_(std::chrono::steady_clock::now()) {
  check(file_ != nullptr);
  if (!append) fmt::print(file_.get(), "{}\n", kHeader);
}

void MetricsWriter::write(std::span<const StepRecord> records, double images_per_s) {
  for (const StepRecord& r : records)
    fmt::print(file_.get(), "{},{},{:.9g},{:.9g},{:.9g},{:.9g}\n", r.step, r.epoch, r.loss,
               r.accuracy, r.lr, images_per_s);
  if (std::chrono::steady_clock::now() - flushed_ >= kFlushInterval) flush();
}

void MetricsWriter::flush() {
  check(std::fflush(file_.get()) == 0);
  flushed_ = std::chrono::steady_clock::now();
}

void MetricsWriter::close() { check(std::fclose(file_.release()) == 0); }

void MetricsWriter::check(bool written) const {
  if (!written)
    fail(fmt::format("cannot write {}: {}", path_.string(), std::system_category().message(errno)),
         "check the disk's free space and the folder's permissions");
}

}  // namespace cairn
