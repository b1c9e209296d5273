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

constexpr double kCoalesced = 0.9;  // above that, kernels without conflicts need no explanation
constexpr int64_t kSectorBytes = 32;

std::string percent(const simt::AccessCounts& counts) {
  return counts.accesses > 0 ? fmt::format("{:.1f}", 100 * counts.coalescing()) : "-";
}

void print_kernel(const std::string& op, const std::string& row,
                  const simt::KernelAccesses& kernel) {
  const simt::AccessCounts& c = kernel.total;
  fmt::print("{:<26} {:<32} {:<44} {:>9} {:>10} {:>10} {:>6} {:>9} {:>9}\n", op, row, kernel.kernel,
             c.accesses, c.sectors, c.ideal_sectors, percent(c), c.shared_accesses,
             c.bank_conflicts);
  if (c.coalescing() >= kCoalesced && c.bank_conflicts == 0) return;
  for (const auto& [place, at] : kernel.lines)
    fmt::print("  {:<101} {:>9} {:>10} {:>10} {:>6} {:>9} {:>9}\n", place, at.accesses, at.sectors,
               at.ideal_sectors, percent(at), at.shared_accesses, at.bank_conflicts);
}

/// What a row's kernels move, beside the floor of its cost row: each input and output once.
void print_traffic(const std::vector<simt::KernelAccesses>& kernels, const Cost& floor) {
  int64_t moved = 0;
  for (const simt::KernelAccesses& kernel : kernels) moved += kSectorBytes * kernel.total.sectors;
  if (moved > 0 && floor.bytes > 0)
    fmt::print("  {:.0f} bytes must move, {} do: {:.2f} times\n", floor.bytes, moved,
               static_cast<double>(moved) / floor.bytes);
}

Json with_counts(Json::Object object, const simt::AccessCounts& c) {
  object.emplace_back("accesses", c.accesses);
  object.emplace_back("sectors", c.sectors);
  object.emplace_back("ideal_sectors", c.ideal_sectors);
  object.emplace_back("coalescing", c.coalescing());
  object.emplace_back("shared_accesses", c.shared_accesses);
  object.emplace_back("bank_conflicts", c.bank_conflicts);
  return object;
}

void print_kernel_object(const std::string& op, const std::string& row,
                         const simt::KernelAccesses& kernel, const Cost& floor) {
  Json::Array lines;
  for (const auto& [place, counts] : kernel.lines)
    lines.push_back(with_counts({{"line", place}}, counts));
  const Json line = with_counts({{"op", op},
                                 {"row", row},
                                 {"kernel", kernel.kernel},
                                 {"launches", kernel.launches},
                                 {"bytes", kSectorBytes * kernel.total.sectors},
                                 {"row_bytes", floor.bytes},
                                 {"row_flops", floor.flops},
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
    fmt::print("{:<26} {:<32} {:<44} {:>9} {:>10} {:>10} {:>6} {:>9} {:>9}\n", "op", "row",
               "kernel", "accesses", "sectors", "ideal", "%", "shared", "conflicts");
  for (const OpDef* op : ops)
    for_bench_calls(device, *op, batch, [&](const OpCall& call, const std::string& row) {
      OpRunner runner = bench_runner(device, call);
      simt::access_recorder().start();
      runner.run();
      const std::vector<simt::KernelAccesses> kernels = simt::access_recorder().take();
      const std::string op_name(call.op->name);
      for (const simt::KernelAccesses& kernel : kernels)
        json ? print_kernel_object(op_name, row, kernel, runner.cost())
             : print_kernel(op_name, row, kernel);
      if (!json) print_traffic(kernels, runner.cost());
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
