#include "bench/access_report.h"

#include "core/error.h"

namespace cairn::bench {
namespace {

[[noreturn]] void refuse() {
  fail_usage(
      "--access-report needs a build that sees each access of CUDA's kernels, and its device",
      "build the preset `simt-check` (cmake --preset simt-check) and add --device cuda");
}

}  // namespace
}  // namespace cairn::bench

#ifdef CAIRN_SIMT

#include <fmt/format.h>

#include <cstdio>

#include "bench/op_bench.h"
#include "io/json.h"
#include "simt/access.h"

namespace cairn::bench {
namespace {

constexpr double kCoalesced = 0.9;      // above that, kernels without conflicts need no explanation
constexpr double kMachineBalance = 20;  // an H100's 67 TFLOP/s of float32 over its 3350 GB/s

std::string percent(const simt::AccessCounts& counts) {
  return counts.accesses > 0 ? fmt::format("{:.1f}", 100 * counts.coalescing()) : "-";
}

std::string bytes_of_lane(const simt::AccessCounts& c) {
  if (c.lane_accesses == 0) return "-";
  return fmt::format("{:.1f}",
                     static_cast<double>(c.lane_bytes) / static_cast<double>(c.lane_accesses));
}

/// Whether memory bounds a call on a large card, rather than multiply-adds.
bool memory_bound(const Cost& cost) { return cost.flops < kMachineBalance * cost.bytes; }

void print_counts(const std::string& whose, const simt::AccessCounts& c) {
  fmt::print("{:<103} {:>9} {:>10} {:>10} {:>10} {:>6} {:>5} {:>9} {:>9}\n", whose, c.accesses,
             c.sectors, c.ideal_sectors, c.moved_sectors(), percent(c), bytes_of_lane(c),
             c.shared_accesses, c.bank_conflicts);
}

void print_kernel(const std::string& op, const std::string& row,
                  const simt::KernelAccesses& kernel) {
  const simt::AccessCounts& c = kernel.total;
  print_counts(fmt::format("{:<26} {:<32} {:<43}", op, row, kernel.kernel), c);
  if (c.coalescing() >= kCoalesced && c.bank_conflicts == 0) return;
  for (const auto& [place, at] : kernel.lines) print_counts("  " + place, at);
}

/// What a row's kernels move and ask for, beside the floor of its cost row: each input and output
/// once.
void print_traffic(const std::vector<simt::KernelAccesses>& kernels, const Cost& floor) {
  simt::AccessCounts all;
  for (const simt::KernelAccesses& kernel : kernels) all += kernel.total;
  if (all.sectors == 0 || floor.bytes <= 0) return;
  const int64_t moved = simt::kSectorBytes * all.moved_sectors();
  const int64_t asked = simt::kSectorBytes * all.sectors;
  fmt::print("  {}-bound: {:.0f} bytes must move, {} do, {:.2f} times; {} are asked for, {:.2f}\n",
             memory_bound(floor) ? "memory" : "FMA", floor.bytes, moved,
             static_cast<double>(moved) / floor.bytes, asked,
             static_cast<double>(asked) / floor.bytes);
}

Json with_counts(Json::Object object, const simt::AccessCounts& c) {
  object.emplace_back("accesses", c.accesses);
  object.emplace_back("sectors", c.sectors);
  object.emplace_back("ideal_sectors", c.ideal_sectors);
  object.emplace_back("loaded_sectors", c.loaded_sectors);
  object.emplace_back("stored_sectors", c.stored_sectors);
  object.emplace_back("lane_accesses", c.lane_accesses);
  object.emplace_back("lane_bytes", c.lane_bytes);
  object.emplace_back("coalescing", c.coalescing());
  object.emplace_back("shared_accesses", c.shared_accesses);
  object.emplace_back("bank_conflicts", c.bank_conflicts);
  return object;
}

/// `call`: which of the report's, since the nodes of a gradient may share op and row.
void print_kernel_object(const std::string& op, const std::string& row, int64_t call,
                         const simt::KernelAccesses& kernel, const Cost& floor) {
  Json::Array lines;
  for (const auto& [place, counts] : kernel.lines)
    lines.push_back(with_counts({{"line", place}}, counts));
  const Json line = with_counts({{"op", op},
                                 {"row", row},
                                 {"call", call},
                                 {"kernel", kernel.kernel},
                                 {"launches", kernel.launches},
                                 {"moved_bytes", simt::kSectorBytes * kernel.total.moved_sectors()},
                                 {"asked_bytes", simt::kSectorBytes * kernel.total.sectors},
                                 {"row_bytes", floor.bytes},
                                 {"row_flops", floor.flops},
                                 {"row_is_memory_bound", memory_bound(floor)},
                                 {"lines", std::move(lines)}},
                                kernel.total);
  fmt::print("{}\n", line.dump(-1));
}

}  // namespace

void expect_access_recorder(std::string_view device) {
  if (!simt::AccessRecorder::built() || !device.starts_with("cuda")) refuse();
}

void report_accesses(Device& device, const std::vector<const OpDef*>& ops, int64_t batch,
                     bool json) {
  expect_access_recorder(device.kind() == DeviceKind::cuda ? "cuda" : "");
  if (!json)
    fmt::print("{:<26} {:<32} {:<43} {:>9} {:>10} {:>10} {:>10} {:>6} {:>5} {:>9} {:>9}\n", "op",
               "row", "kernel", "accesses", "sectors", "ideal", "moved", "%", "bytes", "shared",
               "conflicts");
  int64_t calls = 0;
  for (const OpDef* op : ops)
    for_bench_calls(device, *op, batch, [&](const OpCall& call, const std::string& row) {
      OpRunner runner = bench_runner(device, call);
      simt::access_recorder().start();
      runner.run();
      const std::vector<simt::KernelAccesses> kernels = simt::access_recorder().take();
      const std::string op_name(call.op->name);
      for (const simt::KernelAccesses& kernel : kernels)
        json ? print_kernel_object(op_name, row, calls, kernel, runner.cost())
             : print_kernel(op_name, row, kernel);
      if (!json) print_traffic(kernels, runner.cost());
      ++calls;
      std::fflush(stdout);
    });
}

}  // namespace cairn::bench

#else

namespace cairn::bench {

void expect_access_recorder(std::string_view) { refuse(); }

void report_accesses(Device&, const std::vector<const OpDef*>&, int64_t, bool) { refuse(); }

}  // namespace cairn::bench

#endif
