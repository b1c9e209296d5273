#include "bench/windows.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string_view>
#include <thread>

#include "bench/bench.h"
#include "core/error.h"

namespace cairn::bench {
namespace {

template <class Number>
Number parse_number(std::string_view name, std::string_view text, Number lowest) {
  Number number{};
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc{} || stop != end || !(number >= lowest))
    fail_usage(fmt::format("{} \"{}\" is not a number of at least {}", name, text, lowest));
  return number;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Timing {
  std::vector<double> all, clean, a_cpu_second, probes;
  double others = 0;  // cores that others took, summed over windows
  double loss = 0;
};

class Windows {
 public:
  Windows(const Options& options, const TrainFn& train) : options_(options), train_(train) {
    train_(3);
    if (options_.steps == 0) {
      const double begin = wall_seconds();
      train_(2);
      options_.steps =
          std::max<int64_t>(1, static_cast<int64_t>(0.4 / ((wall_seconds() - begin) / 2)));
    }
  }

  Timing run() {
    Timing timing;
    const auto windows = static_cast<size_t>(options_.windows);
    for (int64_t w = 0; w < options_.max_windows && timing.clean.size() < windows; ++w) {
      wait_for_quiet();
      timing.probes.push_back(probe_gflops(static_cast<int>(options_.threads)));
      window(timing);
    }
    return timing;
  }

 private:
  void window(Timing& timing) {
    const double machine = machine_cpu_seconds(), own = own_cpu_seconds(), begin = wall_seconds();
    timing.loss = train_(options_.steps);
    const double wall = wall_seconds() - begin, cpu = own_cpu_seconds() - own;
    const double others = std::max(0.0, machine_cpu_seconds() - machine - cpu) / wall;
    const double images = static_cast<double>(options_.steps * options_.batch);
    timing.all.push_back(images / wall);
    timing.a_cpu_second.push_back(images / cpu);
    timing.others += others;
    // A core that this process leaves idle takes others' work without harm.
    const double idle = std::max(0.0, cores() - static_cast<double>(options_.threads) - 0.3);
    if (others <= 0.05 * cores() + idle) timing.clean.push_back(images / wall);
  }

  void wait_for_quiet() {
    constexpr double kLook = 0.15, kQuiet = 0.025;
    while (waited_ < options_.wait) {
      const double before = machine_cpu_seconds();
      std::this_thread::sleep_for(std::chrono::duration<double>(kLook));
      if (machine_cpu_seconds() - before < kQuiet) return;
      waited_ += kLook;
    }
  }

  Options options_;
  const TrainFn& train_;
  double waited_ = 0;
};

}  // namespace

int64_t parse_whole(std::string_view name, std::string_view text, int64_t lowest) {
  return parse_number(name, text, lowest);
}

double parse_real(std::string_view name, std::string_view text, double lowest) {
  const double number = parse_number(name, text, lowest);
  if (!std::isfinite(number)) fail_usage(fmt::format("{} \"{}\" is not finite", name, text));
  return number;
}

double median_call(double seconds, const std::function<void(int64_t calls)>& run) {
  constexpr int kWindows = 9;
  const double window = seconds / (kWindows + 1);  // as much goes into finding the count
  const auto time = [&](int64_t calls) {
    const double begin = wall_seconds();
    run(calls);
    return wall_seconds() - begin;
  };
  int64_t calls = 1;
  double taken = time(calls);
  for (; taken < window / 2; taken = time(calls)) calls *= 2;
  calls = std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(calls) * window / taken));
  std::vector<double> times;
  for (int i = 0; i < kWindows; ++i) times.push_back(time(calls) / static_cast<double>(calls));
  return median(std::move(times));
}

Options parse(std::span<char* const> words) {
  Options o;
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::string_view name = words[i];
    if (i + 1 == words.size()) fail_usage(fmt::format("{} needs a value", name));
    const std::string_view value = words[i + 1];
    const auto whole = [&](int64_t lowest, int64_t& to) { to = parse_whole(name, value, lowest); };
    if (name == "--net")
      o.net = value;
    else if (name == "--device")
      o.device = value;
    else if (name == "--conv")
      o.conv = value;
    else if (name == "--precision")
      o.precision = value;
    else if (name == "--batch")
      whole(1, o.batch);
    else if (name == "--threads")
      whole(1, o.threads);
    else if (name == "--steps")
      whole(0, o.steps);
    else if (name == "--windows")
      whole(1, o.windows);
    else if (name == "--max-windows")
      whole(1, o.max_windows);
    else if (name == "--wait")
      o.wait = parse_real(name, value, 0);
    else
      fail_usage(fmt::format("unknown option {}", name),
                 "train_bench --net NAME --batch N --threads T --steps S [--windows W] "
                 "[--max-windows M] [--wait SECONDS] [--device NAME] "
                 "[--conv im2col|implicit|cudnn|auto] [--precision fp32|tf32|bf16]");
  }
  return o;
}

void run_windows(const std::string& peer, Options options, double train_flops,
                 const TrainFn& train) {
  const Timing timing = Windows(options, train).run();
  std::vector<double> counted = timing.clean;
  const bool is_clean = counted.size() >= 3;
  if (!is_clean) {
    counted = timing.all;
    std::sort(counted.rbegin(), counted.rend());
    counted.resize(std::max<size_t>(1, counted.size() / 3));
  }
  const double speed = median(counted);
  fmt::print(
      "peer={} net={} batch={} threads={} images_per_s={:.0f} best={:.0f} "
      "images_per_cpu_s={:.0f} gflops={:.1f} peak_rss_mb={:.0f} windows={} clean={} "
      "others_cpu={:.2f} probe_gflops={:.0f} loss={:.4f}\n",
      peer, options.net, options.batch, options.threads, speed,
      *std::max_element(timing.all.begin(), timing.all.end()), median(timing.a_cpu_second),
      speed * train_flops * 1e-9, peak_rss_mb(), timing.all.size(),
      is_clean ? timing.clean.size() : 0, timing.others / static_cast<double>(timing.all.size()),
      median(timing.probes), timing.loss);
}

int run_program(int argc, char** argv, void (*body)(std::span<char* const>)) {
  try {
    body(std::span<char* const>(argv, static_cast<size_t>(argc)).subspan(1));
    return 0;
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    if (!error.hint().empty()) fmt::print(stderr, "  {}\n", error.hint());
    return dynamic_cast<const UsageError*>(&error) ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}

}  // namespace cairn::bench
