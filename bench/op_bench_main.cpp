// op_bench [OP...] [--device NAME] [--threads T] [--conv NAME] [--batch N] [--seconds S] [--json]
// [--access-report]: what `cairn bench` prints, for the op table of the program that links this.
#include <fmt/format.h>

#include "bench/op_bench.h"
#include "bench/windows.h"
#include "core/error.h"

namespace cairn::bench {
namespace {

void run(std::span<char* const> words) {
  OpBenchOptions options;
  std::string device = "auto", conv = "im2col";
  int64_t threads = 0;
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string word = words[i];
    const auto value = [&]() -> std::string_view {
      if (i + 1 == words.size()) fail_usage(fmt::format("{} needs a value", word));
      return words[++i];
    };
    if (word == "--json")
      options.json = true;
    else if (word == "--access-report")
      options.access_report = true;
    else if (word == "--device")
      device = value();
    else if (word == "--conv")
      conv = value();
    else if (word == "--batch")
      options.batch = parse_whole(word, value(), 1);
    else if (word == "--threads")
      threads = parse_whole(word, value(), 0);
    else if (word == "--seconds")
      options.seconds = parse_real(word, value(), 0);
    else if (word.starts_with("-"))
      fail_usage(
          fmt::format("unknown option {}", word),
          "op_bench [OP...] [--device NAME] [--threads T] [--conv im2col|implicit|cudnn|auto] "
          "[--batch N] [--seconds S] [--json] [--access-report]");
    else
      options.ops.push_back(word);
  }
  const auto opened = open_device(device, static_cast<int>(threads));
  const std::string note = opened->set_conv({conv});
  if (!note.empty()) fmt::print(stderr, "{}\n", note);
  run_op_bench(*opened, options);
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) { return cairn::bench::run_program(argc, argv, cairn::bench::run); }
