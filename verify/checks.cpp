#include "verify/checks.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"
#include "core/simd.h"
#include "verify/record.h"

namespace cairn {
namespace {

constexpr double kGoldenFloat64 =
    1e-9;                       // goldens come from float64, printed with 10 digits or more
constexpr double kHuge = 1e30;  // golden values above say nothing of the others' rounding
constexpr double kSmallest = std::numeric_limits<float>::denorm_min();
constexpr int64_t kWidths[] = {1, 8, 16, 32};

Results reference(Record& record, const OpCall& call, DType real) {
  return record.run(reference_device(), call, {.real = real});
}

Expected expected(Record& record, const OpCall& call) {
  return {reference(record, call, DType::f64), reference(record, call, DType::f32),
          call.step.n_valid};
}

/// Plans that a call with batched tensors is run with.
std::vector<OpRunOptions> plans_of(const Target& target, const OpCall& call) {
  if (!target.plans.empty()) return target.plans;
  std::vector<OpRunOptions> options{{}};
  if (target.device().kind() == DeviceKind::cuda) return options;
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

bool all_finite(const Result& result, int64_t count) {
  const std::vector<double>& y = result.tensor.values;
  return std::all_of(y.begin(), y.begin() + count, [](double v) { return std::isfinite(v); });
}

/// Whether the examples from `n` on hold zeros.
bool all_zero_from(const HostTensor& t, int64_t n) {
  return std::all_of(t.values.begin() + count_of(t, n), t.values.end(),
                     [](double v) { return v == 0; });
}

}  // namespace

Device& reference_device() {
  static const std::unique_ptr<Device> device = open_device("reference", 1);
  return *device;
}

Findings check_golden(const OpCase& c, const Target& target) {
  Record record(c.label());
  const OpCall call = make_call(c);
  const auto compare = [&](Device& device, DType real, double tolerance) {
    const OpRunOptions plan{.real = real};
    const Results got = record.run(device, call, plan);
    const std::string where = place_of(device, plan);
    for (size_t i = 0; i < c.row->expect.size(); ++i) {
      const std::vector<double> golden(c.row->expect[i].begin(), c.row->expect[i].end());
      if (golden.empty()) continue;
      const bool fits = i < got.size() && got[i].tensor.values.size() == golden.size();
      record.require(fits, "golden", where,
                     fmt::format("the row's {} golden values of result {} fit no result of the op",
                                 golden.size(), i));
      if (!fits) continue;
      const Result want{got[i].name, {got[i].tensor.type, golden}};
      record.compare("golden", where, got[i], want, call.n,
                     {tolerance * largest(golden, kHuge) + kSmallest, tolerance});
    }
  };
  compare(reference_device(), DType::f64, kGoldenFloat64);
  compare(reference_device(), DType::f32, kFloat32);
  compare(target.device(), DType::f32, kFloat32);
  return std::move(record).findings();
}

Findings check_step(const OpCase& c, const Target& target) {
  Record record(c.label());
  for (Device* device : {&reference_device(), &target.device()}) {
    OpRunner runner(*device, make_call(c), {});
    runner.run();
    const StepState got = runner.step(), want = c.row->expect_step;
    const auto require = [&](bool holds, const char* field, auto is, auto wanted) {
      record.require(holds, "contract", device->description(),
                     fmt::format("StepState's {} is {}, not {}", field, is, wanted));
    };
    require(got.step == want.step, "step", got.step, want.step);
    require(got.epoch == want.epoch, "epoch", got.epoch, want.epoch);
    require(got.first == want.first, "first", got.first, want.first);
    require(got.n_valid == want.n_valid, "n_valid", got.n_valid, want.n_valid);
    require(std::abs(got.lr - want.lr) <= 1e-12 * std::abs(want.lr), "lr", got.lr, want.lr);
  }
  return std::move(record).findings();
}

Findings check_refused(const OpCase& c, const Target& target) {
  Record record(c.label());
  std::string stray;
  const auto refusal = [&](Device& device) -> std::string {
    try {
      OpRunner runner(device, make_call(c), {});
      runner.run();
      stray = runner.stray_write();
      return {};
    } catch (const Error& e) {
      return e.what();
    }
  };
  const std::string message = refusal(reference_device());
  const std::string name(c.op->name);
  record.require(!message.empty(), "contract", "", "bad input was taken");
  if (message.empty()) return std::move(record).findings();
  record.require(message.find(c.row->error) != std::string::npos, "contract", "",
                 fmt::format("the message lacks \"{}\": {}", c.row->error, message));
  record.require(message.starts_with(name + ":") || message.starts_with(name + " has "), "contract",
                 "", fmt::format("the message doesn't begin with the op's name: {}", message));
  if (target.device().kind() != DeviceKind::cuda) return std::move(record).findings();
  const std::string other = refusal(target.device());
  record.require(other.empty() || other == message, "contract", target.device().description(),
                 fmt::format("bad values do harm: {}", other));
  record.require(stray.empty(), "contract", target.device().description(),
                 fmt::format("bad values do harm: memory behind {} was written", stray));
  return std::move(record).findings();
}

Findings check_device(const OpCase& c, const Target& target) {
  Record record(c.label());
  const OpCall call = rounded(make_call(c));
  const int64_t valid = call.step.n_valid;
  const Expected want = expected(record, call);
  const bool is_exact = c.op->bit_exact && target.device().kind() != DeviceKind::cuda;
  const Results bits = is_exact ? reference(record, call, DType::f32) : Results();
  const auto check = [&](const OpRunOptions& plan) {
    const Results got = record.run(target.device(), call, plan);
    const std::string where = place_of(target.device(), plan);
    record.compare("device", where, got, want, valid);
    record.compare_bits(where + " and the float32 reference", got, bits, valid);
    return got;
  };
  for (const OpRunOptions& plan : plans_of(target, call)) {
    const Results first = check(plan);
    for (size_t i = 1; i < target.devices.size(); ++i)
      record.compare_bits(place_of(*target.devices[i], plan) + " and another run",
                          record.run(*target.devices[i], call, plan), first, valid);
  }
  if (!target.every_simd) return std::move(record).findings();
  for (const std::string& simd : simd_targets()) {
    const PinnedSimd pinned(simd);
    for (const OpRunOptions& plan : plans_of(target, call)) check(plan);
  }
  return std::move(record).findings();
}

Findings check_written(const OpCase& c, const Target& target) {
  Record record(c.label());
  const OpCall call = make_call(c);
  const auto check = [&](Device& device, const OpRunOptions& plan) {
    const Results got = record.run(device, call, plan);
    for (size_t i = 0; i < c.op->outputs.size(); ++i)
      if (is_floating(got[i].tensor.type.dtype))
        record.require(
            all_finite(got[i], count_of(got[i].tensor, call.step.n_valid)), "writes",
            place_of(device, plan),
            fmt::format("{} has elements that are unwritten or not finite", got[i].name));
  };
  check(reference_device(), {.real = DType::f64});
  check(reference_device(), {.width = 8});
  for (const OpRunOptions& plan : plans_of(target, call)) check(target.device(), plan);
  return std::move(record).findings();
}

Findings check_sums(const OpCase& c, const Target& target) {
  Record record(c.label());
  const OpCall call = rounded(make_call(c));
  Expected want = expected(record, call);
  for (size_t i = 0; i < c.op->outputs.size(); ++i)
    if (c.op->outputs[i].sum && c.op->outputs[i].dtype == DType::f32)
      for (double& v : want.results[i].tensor.values) v += kPrefilled;
  for (OpRunOptions plan : plans_of(target, call)) {
    plan.prefilled = true;
    record.compare("device", place_of(target.device(), plan),
                   record.run(target.device(), call, plan), want, call.step.n_valid);
  }
  return std::move(record).findings();
}

Findings check_n_valid(const OpCase& c, const Target& target) {
  Record record(c.label());
  const OpCall whole = rounded(make_call(c));
  for (const int64_t valid : {int64_t{0}, c.row->least_valid, whole.n - 1, whole.n}) {
    OpCall partial = whole;
    partial.step.n_valid = valid;
    const Expected want = expected(record, first_examples(whole, valid));
    const std::string what = fmt::format("{} of {} valid, ", valid, whole.n);
    const Results exact = reference(record, partial, DType::f64);
    const std::string where = what + place_of(reference_device(), {.real = DType::f64});
    for (size_t i = 0; i < exact.size(); ++i) {
      const Result& alone = want.results[i];
      record.compare("n_valid", where, exact[i], alone, valid,
                     {.absolute = kFloat64 * largest(alone.tensor.values)});
      record.require(all_finite(exact[i], std::ssize(exact[i].tensor.values)), "n_valid", where,
                     fmt::format("a spare lane of {} is not finite", exact[i].name));
    }
    for (const OpRunOptions& plan : plans_of(target, whole)) {
      const std::string place = what + place_of(target.device(), plan);
      const Results got = record.run(target.device(), partial, plan);
      record.compare("n_valid", place, got, want, valid);
      for (size_t i = 0; i < got.size() && !plan.sliced; ++i)
        record.require(all_finite(got[i], std::ssize(got[i].tensor.values)), "n_valid", place,
                       fmt::format("a spare lane of {} is not finite", got[i].name));
      if (c.op->zeroes_spare && !plan.sliced)
        record.require(all_zero_from(got[0].tensor, valid), "n_valid", place,
                       fmt::format("{} of a spare example isn't zero", got[0].name));
    }
  }
  return std::move(record).findings();
}

}  // namespace cairn
