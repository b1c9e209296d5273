#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/simd.h"
#include "tests/op_suite.h"

namespace cairn {
namespace {

constexpr double kFloat32 = 4e-6, kFloat64 = 1e-12;  // of max |y|
constexpr double kHuge = 1e30;  // golden values above say nothing of the others' rounding
constexpr double kSmallest = std::numeric_limits<float>::denorm_min();
constexpr int64_t kWidths[] = {1, 8, 16, 32};

/// What a run leaves: outputs, then mutated inputs, as in a row's golden values.
using Results = std::vector<HostTensor>;

bool same_bits(double got, double want) {
  if (std::isnan(want)) return std::isnan(got);
  return got == want && std::signbit(got) == std::signbit(want);
}

/// A run leaves what it only reads as it was.
void expect_kept(const HostTensor& left, const HostTensor& given, DType real,
                 std::string_view name) {
  const bool rounds = is_floating(given.type.dtype) && real == DType::f32;
  for (size_t k = 0; k < given.values.size(); ++k) {
    const double v = given.values[k];
    ASSERT_PRED2(same_bits, left.values.at(k), rounds ? static_cast<float>(v) : v)
        << "input " << name << " was written, element " << k;
  }
}

Results run(Device& device, const OpCall& call, const OpRunOptions& options) {
  OpRunner runner(device, call, options);
  runner.run();
  EXPECT_EQ(runner.stray_write(), "") << "memory behind this value was written";
  Results results;
  for (int i = 0; i < static_cast<int>(call.op->outputs.size()); ++i)
    results.push_back(runner.output(i));
  for (int i = 0; i < static_cast<int>(call.op->inputs.size()); ++i) {
    const auto& given = call.inputs[static_cast<size_t>(i)];
    if (!given) continue;
    HostTensor left = runner.input(i);
    if (call.op->inputs[static_cast<size_t>(i)].use == Use::mutated)
      results.push_back(std::move(left));
    else
      expect_kept(left, *given, options.real, call.op->inputs[static_cast<size_t>(i)].name);
  }
  return results;
}

Results reference(const OpCall& call, DType real) {
  return run(test_device("reference"), call, {.real = real});
}

bool is_finite(double v) { return std::isfinite(v); }

/// The largest size below `limit`.
double largest(const std::vector<double>& values,
               double limit = std::numeric_limits<double>::infinity()) {
  double max = 0;
  for (const double v : values)
    if (std::abs(v) < limit) max = std::max(max, std::abs(v));
  return max;
}

/// NaN agrees with NaN, an infinity with itself, and -0 is wanted only where it is written so.
bool agrees(double got, double want, double tolerance) {
  if (std::isnan(want)) return std::isnan(got);
  if (want == 0 && std::signbit(want)) return got == 0 && std::signbit(got);
  return std::isinf(want) ? got == want : std::abs(got - want) <= tolerance;
}

/// The first `count` values agree within `tolerance`.
void expect_near(const std::vector<double>& got, const std::vector<double>& want, size_t count,
                 double tolerance, const std::string& what) {
  ASSERT_LE(count, got.size()) << what;
  ASSERT_LE(count, want.size()) << what;
  for (size_t i = 0; i < count; ++i)
    if (!agrees(got[i], want[i], tolerance)) {
      ADD_FAILURE() << fmt::format("{}: element {} is {:.9g}, not {:.9g} (tolerance {:.3g})", what,
                                   i, got[i], want[i], tolerance);
      return;
    }
}

/// Numbers of a result that belong to the first `n` examples; all where it is plain.
size_t count_of(const HostTensor& t, int64_t n) {
  return static_cast<size_t>(t.type.shape.elements() * (t.type.batched ? n : 1));
}

/// What a float32 result is compared with: the float64 reference, and how far off it may be. Where
/// float32 itself falls short, as in a sum that cancels, it may be twice as far off as the float32
/// reference.
struct Expected {
  explicit Expected(const OpCall& call) : results(reference(call, DType::f64)) {
    const Results plain = reference(call, DType::f32);
    for (size_t i = 0; i < results.size(); ++i) {
      const std::vector<double>& exact = results[i].values;
      double error = 0;
      for (size_t k = 0; k < count_of(results[i], call.step.n_valid); ++k)
        if (is_finite(exact[k])) error = std::max(error, std::abs(plain[i].values[k] - exact[k]));
      tolerances.push_back(std::max(kFloat32 * largest(exact), 2 * error));
    }
  }

  Results results;
  std::vector<double> tolerances;
};

void expect_close(const Results& got, const Expected& want, int64_t n, const std::string& what) {
  for (size_t i = 0; i < got.size(); ++i)
    expect_near(got[i].values, want.results[i].values, count_of(got[i], n), want.tolerances[i],
                fmt::format("{}, result {}", what, i));
}

void expect_equal_bits(const Results& got, const Results& want, int64_t n,
                       const std::string& what) {
  for (size_t i = 0; i < want.size(); ++i)
    for (size_t k = 0; k < count_of(want[i], n); ++k) {
      const double a = got[i].values.at(k), b = want[i].values.at(k);
      if (same_bits(a, b)) continue;
      ADD_FAILURE() << fmt::format("{}, result {}: element {} is {:.9g}, not {:.9g} to the bit",
                                   what, i, k, a, b);
      return;
    }
}

/// Plans that a call with batched tensors is run with.
std::vector<OpRunOptions> plans(const OpCall& call) {
  std::vector<OpRunOptions> options{{}};
  for (const int64_t width : kWidths) {
    options.push_back({.width = width});
    options.push_back({.width = width, .sliced = true});
  }
  options.push_back({.width = std::max<int64_t>(1, call.n), .sliced = true});
  return options;
}

/// While it lives kernels run with this SIMD target.
struct PinnedSimd {
  explicit PinnedSimd(const std::string& target) { pin_simd_target(target); }
  ~PinnedSimd() { pin_simd_target("auto"); }
};

std::string to_string(const OpRunOptions& o) {
  return fmt::format("width {}{}", o.width, o.sliced ? ", sliced" : "");
}

}  // namespace

Device& test_device(const std::string& spec, int threads) {
  static std::map<std::pair<std::string, int>, std::unique_ptr<Device>> devices;
  auto& device = devices[{spec, threads}];
  if (!device) device = open_device(spec, threads);
  return *device;
}

void check_golden(const OpCase& c) {
  const OpCall call = make_call(c);
  const auto compare = [&](const char* device, DType real, double tolerance) {
    const Results got = run(test_device(device), call, {.real = real});
    for (size_t i = 0; i < c.row->expect.size(); ++i) {
      const std::vector<double> want(c.row->expect[i].begin(), c.row->expect[i].end());
      if (want.empty()) continue;
      ASSERT_LT(i, got.size()) << "the row expects more results than the op has";
      ASSERT_EQ(got[i].values.size(), want.size()) << "result " << i;
      const double ordinary = largest(want, kHuge);
      for (size_t k = 0; k < want.size(); ++k) {
        const double size = std::max(std::abs(want[k]), ordinary);
        EXPECT_PRED3(agrees, got[i].values[k], want[k], tolerance * size + kSmallest)
            << fmt::format("{} {}, result {}, element {}", device, name_of(real), i, k);
      }
    }
  };
  compare("reference", DType::f64, 1e-9);
  compare("reference", DType::f32, kFloat32);
  compare("cpu", DType::f32, kFloat32);
}

void check_step(const OpCase& c) {
  for (const char* device : {"reference", "cpu"}) {
    OpRunner runner(test_device(device), make_call(c), {});
    runner.run();
    const StepState got = runner.step(), want = c.row->expect_step;
    EXPECT_EQ(got.step, want.step);
    EXPECT_EQ(got.epoch, want.epoch);
    EXPECT_EQ(got.first, want.first);
    EXPECT_EQ(got.n_valid, want.n_valid);
    EXPECT_NEAR(got.lr, want.lr, 1e-12 * std::abs(want.lr));
  }
}

void check_refused(const OpCase& c) {
  try {
    OpRunner(test_device("reference"), make_call(c), {}).run();
    ADD_FAILURE() << "bad input was taken";
  } catch (const Error& e) {
    const std::string message = e.what();
    EXPECT_NE(message.find(c.row->error), std::string::npos) << message;
    EXPECT_TRUE(message.starts_with(std::string(c.op->name) + ":") ||
                message.starts_with(std::string(c.op->name) + " has "))
        << message;
  }
}

void check_cpu(const OpCase& c) {
  const OpCall call = rounded(make_call(c));
  const int64_t valid = call.step.n_valid;
  const Expected want(call);
  const Results bits = c.op->bit_exact ? reference(call, DType::f32) : Results();
  for (const OpRunOptions& plan : plans(call)) {
    const Results one = run(test_device("cpu"), call, plan);
    expect_close(one, want, valid, to_string(plan));
    expect_equal_bits(one, bits, valid, fmt::format("{}, float32 reference", to_string(plan)));
    for (const int threads : {2, 4})
      expect_equal_bits(run(test_device("cpu", threads), call, plan), one, valid,
                        fmt::format("{}, {} threads", to_string(plan), threads));
  }
  for (const std::string& target : simd_targets()) {
    const PinnedSimd pinned(target);
    for (const OpRunOptions& plan : plans(call)) {
      const std::string what = fmt::format("{}, {}", target, to_string(plan));
      const Results got = run(test_device("cpu"), call, plan);
      expect_close(got, want, valid, what);
      expect_equal_bits(got, bits, valid, what + ", float32 reference");
    }
  }
}

void check_plans(const OpCall& given, std::span<const OpRunOptions> plans) {
  const OpCall call = rounded(given);
  const int64_t valid = call.step.n_valid;
  const Expected want(call);
  const Results bits = call.op->bit_exact ? reference(call, DType::f32) : Results();
  for (const OpRunOptions& plan : plans) {
    const Results got = run(test_device("cpu", 2), call, plan);
    expect_close(got, want, valid, to_string(plan));
    expect_equal_bits(got, bits, valid, fmt::format("{}, float32 reference", to_string(plan)));
  }
}

void check_written(const OpCase& c) {
  const OpCall call = make_call(c);
  const auto check = [&](const char* device, const OpRunOptions& plan) {
    const Results got = run(test_device(device), call, plan);
    for (size_t i = 0; i < c.op->outputs.size(); ++i) {
      if (!is_floating(got[i].type.dtype)) continue;
      const auto count = static_cast<std::ptrdiff_t>(count_of(got[i], call.step.n_valid));
      EXPECT_TRUE(std::all_of(got[i].values.begin(), got[i].values.begin() + count, is_finite))
          << device << ", " << to_string(plan) << ", output " << c.op->outputs[i].name;
    }
  };
  check("reference", {.real = DType::f64});
  check("reference", {.width = 8});
  for (const OpRunOptions& plan : plans(call)) check("cpu", plan);
}

void check_n_valid(const OpCase& c) {
  const OpCall whole = rounded(make_call(c));
  for (const int64_t valid : {int64_t{1}, whole.n - 1, whole.n}) {
    OpCall partial = whole;
    partial.step.n_valid = valid;
    const Expected want(first_examples(whole, valid));
    const std::string what = fmt::format("{} of {} valid", valid, whole.n);
    const Results exact = reference(partial, DType::f64);
    for (size_t i = 0; i < exact.size(); ++i) {
      const std::vector<double>& alone = want.results[i].values;
      expect_near(exact[i].values, alone, count_of(exact[i], valid), kFloat64 * largest(alone),
                  fmt::format("{}, reference, result {}", what, i));
      EXPECT_TRUE(std::ranges::all_of(exact[i].values, is_finite))
          << what << ": a spare lane is not finite";
    }
    for (const OpRunOptions& plan : plans(whole))
      expect_close(run(test_device("cpu", 2), partial, plan), want, valid,
                   fmt::format("{}, {}", what, to_string(plan)));
  }
}

}  // namespace cairn
