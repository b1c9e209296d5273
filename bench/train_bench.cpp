// Training speed: whole steps on random images in memory, timed in windows.
//
// Options and answer are those of the peers' programs: a window is --steps steps (0 sizes it to
// 0.4 s); one in which other processes took more than 5% of the machine is left out; windows run
// until --windows clean ones exist or --max-windows were tried. With fewer than 3 clean ones the
// fastest third of all counts and the line says clean=0. images_per_s is the median.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <span>
#include <string_view>
#include <thread>

#include "bench/bench.h"
#include "core/error.h"
#include "core/random.h"
#include "train/trainer.h"

namespace cairn::bench {
namespace {

constexpr int64_t kBatches = 8;
constexpr int64_t kDrainSteps = 256;

struct Options {
  std::string net = "lenet5", device = "cpu";
  int64_t batch = 128, threads = 1, steps = 0, windows = 7, max_windows = 30;
  double wait = 0;  // seconds to wait in all for a quiet machine
};

struct Net {
  std::string_view name, model;
  ModelOptions options;
  std::vector<double> products;  // multiplications forward a layer and image

  /// Forward, backward to the data and to the weights; the first layer has no backward to the data.
  double train_flops() const {
    double sum = 0;
    for (const double layer : products) sum += layer;
    return 2 * (3 * sum - products.front());
  }
};

Net mlp(std::string_view name, const std::vector<int64_t>& hidden) {
  Net net{name, "mlp", {}, {}};
  net.options = {{"widths", fmt::format("{}", fmt::join(hidden, ","))}, {"activation", "sigmoid"}};
  int64_t in = 784;
  for (const int64_t width : hidden) {
    net.products.push_back(static_cast<double>(in * width));
    in = width;
  }
  net.products.push_back(static_cast<double>(in * 10));
  return net;
}

std::vector<Net> all_nets() {
  const std::vector<double> lenet = {6 * 784 * 25.0, 16 * 100 * 150.0, 400 * 120.0, 120 * 84.0,
                                     84 * 10.0};
  return {{"lenet5", "lenet5", {}, lenet},
          {"lenet5relu", "lenet5relu", {}, lenet},
          mlp("mlp50", std::vector<int64_t>(50, 256)),
          mlp("mlpwide", {2500, 1500, 500})};
}

Net find_net(std::string_view name) {
  std::vector<std::string_view> names;
  for (Net& net : all_nets()) {
    if (net.name == name) return net;
    names.push_back(net.name);
  }
  fail_usage(fmt::format("there is no net '{}'", name),
             fmt::format("the nets are {}", fmt::join(names, ", ")));
}

template <class Number>
void parse_number(std::string_view name, std::string_view text, Number lowest, Number& to) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, to);
  if (error != std::errc{} || stop != end || to < lowest)
    fail_usage(fmt::format("{} \"{}\" is not a number of at least {}", name, text, lowest));
}

Options parse(std::span<char* const> words) {
  Options o;
  for (size_t i = 0; i < words.size(); i += 2) {
    const std::string_view name = words[i];
    if (i + 1 == words.size()) fail_usage(fmt::format("{} needs a value", name));
    const std::string_view value = words[i + 1];
    const auto whole = [&](int64_t lowest, int64_t& to) { parse_number(name, value, lowest, to); };
    if (name == "--net")
      o.net = value;
    else if (name == "--device")
      o.device = value;
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
      parse_number(name, value, 0.0, o.wait);
    else
      fail_usage(fmt::format("unknown option {}", name),
                 "train_bench --net NAME --batch N --threads T --steps S [--windows W] "
                 "[--max-windows M] [--wait SECONDS] [--device NAME]");
  }
  return o;
}

Dataset random_images(int64_t count) {
  Dataset data{"random images", Shape{1, 28, 28}, 10, {}, {}};
  data.images.resize(static_cast<size_t>(count * data.image.elements()));
  data.labels.resize(static_cast<size_t>(count));
  const PhiloxKey pixels = philox_key(1, "images"), labels = philox_key(1, "labels");
  for (size_t i = 0; i < data.images.size(); ++i)
    data.images[i] = static_cast<uint8_t>(random_word(pixels, 0, i) >> 24);
  for (size_t i = 0; i < data.labels.size(); ++i)
    data.labels[i] = static_cast<uint8_t>(random_word(labels, 0, i) % 10);
  return data;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

struct Timing {
  std::vector<double> all, clean, a_cpu_second, probes;
  double others = 0;  // cores that others took, summed over windows
};

class Bench {
 public:
  Bench(const Options& options, Trainer& trainer) : options_(options), trainer_(trainer) {
    train(3);
    if (options_.steps == 0) {
      const double begin = wall_seconds();
      train(2);
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

  double loss() const { return loss_; }

 private:
  /// Whole steps, finished when this returns.
  void train(int64_t steps) {
    for (int64_t i = 1; i <= steps; ++i) {
      trainer_.step();
      if (i % kDrainSteps == 0 || i == steps) loss_ = trainer_.drain().back().loss;
    }
  }

  void window(Timing& timing) {
    const double machine = machine_cpu_seconds(), own = own_cpu_seconds(), begin = wall_seconds();
    train(options_.steps);
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
  Trainer& trainer_;
  double loss_ = 0, waited_ = 0;
};

void report(const Options& options, const Net& net, const Timing& timing, double loss) {
  std::vector<double> counted = timing.clean;
  const bool is_clean = counted.size() >= 3;
  if (!is_clean) {
    counted = timing.all;
    std::sort(counted.rbegin(), counted.rend());
    counted.resize(std::max<size_t>(1, counted.size() / 3));
  }
  const double speed = median(counted);
  fmt::print(
      "peer=cairn net={} batch={} threads={} images_per_s={:.0f} best={:.0f} "
      "images_per_cpu_s={:.0f} gflops={:.1f} peak_rss_mb={:.0f} windows={} clean={} "
      "others_cpu={:.2f} probe_gflops={:.0f} loss={:.4f}\n",
      options.net, options.batch, options.threads, speed,
      *std::max_element(timing.all.begin(), timing.all.end()), median(timing.a_cpu_second),
      speed * net.train_flops() * 1e-9, peak_rss_mb(), timing.all.size(),
      is_clean ? timing.clean.size() : 0, timing.others / static_cast<double>(timing.all.size()),
      median(timing.probes), loss);
}

int run(std::span<char* const> words) {
  const Options options = parse(words);
  const Net net = find_net(options.net);
  const Dataset data = random_images(checked_mul(kBatches, options.batch, "random images"));
  const Network network(find_model(net.model), net.options, data, pixel_statistics(data));
  const auto device = open_device(options.device, static_cast<int>(options.threads));
  Trainer trainer(network, *device, data,
                  {.batch = options.batch, .lr = 0.01, .momentum = 0.9, .schedule = "constant"});
  Bench bench(options, trainer);
  const Timing timing = bench.run();
  report(options, net, timing, bench.loss());
  return 0;
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) {
  using namespace cairn;
  try {
    return bench::run(std::span<char* const>(argv, static_cast<size_t>(argc)).subspan(1));
  } catch (const Error& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    if (!error.hint().empty()) fmt::print(stderr, "  {}\n", error.hint());
    return dynamic_cast<const UsageError*>(&error) ? 2 : 1;
  } catch (const std::exception& error) {
    fmt::print(stderr, "error: {}\n", error.what());
    return 1;
  }
}
