// Collects the findings of a row: runs an op, compares what it left.
#pragma once

#include <limits>
#include <string_view>

#include "verify/cases.h"
#include "verify/finding.h"

namespace cairn {

inline constexpr double kFloat32 = 4e-6, kFloat64 = 1e-12;  // tolerances, of max |y|

/// A tensor that a run left, by the name of its output or mutated input.
struct Result {
  std::string name;
  HostTensor tensor;
};
/// Outputs, then mutated inputs, as in a row's golden values.
using Results = std::vector<Result>;

struct Tolerance {
  double absolute = 0, relative = 0;  // the larger of absolute and relative * |wanted|
};

/// What float32 results are compared with: float64 results, and how far off each may be. Where
/// float32 itself falls short, as in a sum that cancels, they may be twice as far off as the
/// float32 reference.
struct Expected {
  /// `plain` holds the float32 reference's; n examples count.
  Expected(Results exact, const Results& plain, int64_t n);

  Results results;
  std::vector<double> tolerances;
};

/// The largest size below `limit`.
double largest(const std::vector<double>& values,
               double limit = std::numeric_limits<double>::infinity());
/// Numbers of a result that belong to the first `n` examples; all where it is plain.
int64_t count_of(const HostTensor& t, int64_t n);
/// "y[1, 0, 2]" for the k-th number of a tensor in PyTorch's order.
std::string element_name(std::string_view name, const TensorType& type, int64_t k);
/// "cpu (2 threads, AVX2) float32, width 8, sliced".
std::string place_of(const Device& device, const OpRunOptions& options);

class Record {
 public:
  explicit Record(std::string row) : row_(std::move(row)) {}

  /// Runs a call; writes to what isn't the op's to write are findings. On CUDA it runs twice, as
  /// single kernels and as captured work that is replayed; other bits are a finding.
  Results run(Device& device, const OpCall& call, const OpRunOptions& options);

  // Comparisons over the first n examples; one finding each, for the worst element.
  void compare(std::string_view property, const std::string& where, const Result& got,
               const Result& want, int64_t n, Tolerance tolerance);
  void compare(std::string_view property, const std::string& where, const Results& got,
               const Expected& want, int64_t n);
  void compare_bits(const std::string& where, const Results& got, const Results& want, int64_t n);
  /// `fault` says what is wrong where it doesn't hold.
  void require(bool holds, std::string_view property, const std::string& where, std::string fault);
  void add(Finding finding) { findings_.push_back(std::move(finding)); }

  Findings findings() && { return std::move(findings_); }
  const std::string& row() const { return row_; }

 private:
  Results run_once(OpRunner& runner, const std::string& where, const OpCall& call,
                   const OpRunOptions& options);
  void compare_kept(const std::string& where, const HostTensor& left, const HostTensor& given,
                    DType real, std::string_view name);

  std::string row_;
  Findings findings_;
};

}  // namespace cairn
