// The way of measuring that train_bench and the peers' programs share.
//
// A window is --steps steps (0 sizes it to 0.4 s); one in which other processes took more than 5%
// of the machine is left out; windows run until --windows clean ones exist or --max-windows were
// tried. With fewer than 3 clean ones the fastest third of all counts and the line says clean=0.
// images_per_s is the median.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace cairn::bench {

struct Options {
  std::string net = "lenet5", device = "cpu", conv = "im2col", precision = "fp32";
  int64_t batch = 128, threads = 1, steps = 0, windows = 7, max_windows = 30;
  double wait = 0;  // seconds to wait in all for a quiet machine
};

/// The words after the program's name; a UsageError names a wrong one.
Options parse(std::span<char* const> words);

/// A number of at least `lowest`; a UsageError names the option and the text.
int64_t parse_whole(std::string_view name, std::string_view text, int64_t lowest);
double parse_real(std::string_view name, std::string_view text, double lowest);

/// Seconds of one call: the median of windows that take `seconds` in all. `run` makes calls and
/// waits for them.
double median_call(double seconds, const std::function<void(int64_t calls)>& run);

/// Trains whole steps, finished when it returns, and returns the latest loss.
using TrainFn = std::function<double(int64_t steps)>;

/// Times windows and prints the line "peer=NAME net=... images_per_s=...". `train_flops` is what a
/// step has to compute for one image.
void run_windows(const std::string& peer, Options options, double train_flops,
                 const TrainFn& train);

/// Runs a program's body and tells an exception on stderr; the exit code.
int run_program(int argc, char** argv, void (*body)(std::span<char* const> words));

}  // namespace cairn::bench
