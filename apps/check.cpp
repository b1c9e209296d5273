// cairn check [OP...]
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <memory>

#include "apps/commands.h"
#include "apps/terminal.h"
#include "core/op_table.h"
#include "io/json.h"
#include "verify/checks.h"

namespace cairn {
namespace {

constexpr size_t kShownFailures = 10;  // of an op

struct CheckOptions {
  std::vector<std::string> ops;
  DeviceChoice device;
  bool json = false;
};

/// The findings about one property: how many, how many wrong, and the worst error of those with a
/// tolerance, over that tolerance.
struct Cell {
  int64_t count = 0, failed = 0;
  double worst = -1;  // below zero: none has a tolerance
};

/// What was found of an op.
struct CheckedOp {
  const OpDef* op = nullptr;
  std::array<Cell, std::size(kProperties)> cells = {};
  int64_t count = 0;
  Findings failures = {};
};

CheckedOp check_one(const OpDef& op, const Target& target) {
  CheckedOp checked{.op = &op};
  for (Finding& finding : check_op(op, target)) {
    Cell& cell = checked.cells.at(
        static_cast<size_t>(std::ranges::find(kProperties, finding.property) - kProperties));
    ++cell.count, ++checked.count;
    if (finding.tolerance > 0) cell.worst = std::max(cell.worst, share_of_tolerance(finding));
    if (finding.passed) continue;
    ++cell.failed;
    checked.failures.push_back(std::move(finding));
  }
  return checked;
}

std::string text_of(const Cell& cell) {
  if (cell.count == 0) return "-";
  if (cell.failed > 0 && !(cell.worst > 1)) return "FAILED";
  if (cell.worst < 0) return "ok";
  return cell.worst >= 1000 ? fmt::format("{:.0e}", cell.worst) : fmt::format("{:.2f}", cell.worst);
}

void print_table(const std::vector<CheckedOp>& ops) {
  std::vector<Table::Column> columns = {{"op"}, {"rows", Table::Align::right}};
  for (const char* property : kProperties) columns.push_back({property, Table::Align::right});
  columns.push_back({""});
  Table table(columns);
  for (const CheckedOp& checked : ops) {
    std::vector<std::string> cells = {std::string(checked.op->name),
                                      fmt::to_string(checked.op->cases.size())};
    for (const Cell& cell : checked.cells) cells.push_back(text_of(cell));
    cells.push_back(checked.failures.empty() ? styled("ok", Style::green, stdout)
                                             : styled("FAILED", Style::red, stdout));
    table.add_row(std::move(cells));
  }
  table.print(stdout);
}

void print_failures(const std::vector<CheckedOp>& ops) {
  for (const CheckedOp& checked : ops) {
    if (!checked.failures.empty()) fmt::print("\n");
    for (size_t i = 0; i < std::min(kShownFailures, checked.failures.size()); ++i)
      fmt::print("{}\n", to_string(checked.failures[i]));
    if (checked.failures.size() > kShownFailures)
      fmt::print("{}: {} more; --json has them all\n", checked.op->name,
                 checked.failures.size() - kShownFailures);
  }
}

Json to_json(const Finding& f) {
  return Json::Object{
      {"row", f.row},    {"property", f.property}, {"where", f.where}, {"value", f.value},
      {"got", f.got},    {"wanted", f.wanted},     {"error", f.error}, {"tolerance", f.tolerance},
      {"fault", f.fault}};
}

Json to_json(const CheckedOp& checked) {
  Json::Object properties;
  for (size_t i = 0; i < checked.cells.size(); ++i) {
    const Cell& cell = checked.cells[i];
    if (cell.count == 0) continue;
    Json::Object found = {{"checks", cell.count}, {"failed", cell.failed}};
    if (cell.worst >= 0) found.emplace_back("worst_error_over_tolerance", cell.worst);
    properties.emplace_back(kProperties[i], std::move(found));
  }
  Json::Array failures;
  for (const Finding& finding : checked.failures) failures.push_back(to_json(finding));
  return Json::Object{{"op", checked.op->name},
                      {"rows", static_cast<int64_t>(checked.op->cases.size())},
                      {"passed", checked.failures.empty()},
                      {"properties", std::move(properties)},
                      {"failures", std::move(failures)}};
}

void print_json(const std::vector<CheckedOp>& ops, const std::string& device, bool passed) {
  Json::Array list;
  for (const CheckedOp& checked : ops) list.push_back(to_json(checked));
  const Json all = Json::Object{{"device", device}, {"passed", passed}, {"ops", std::move(list)}};
  fmt::print("{}\n", all.dump());
}

void print_report(const std::vector<CheckedOp>& ops) {
  print_table(ops);
  print_failures(ops);
  size_t rows = 0, failures = 0;
  int64_t count = 0;
  for (const CheckedOp& checked : ops) {
    rows += checked.op->cases.size(), failures += checked.failures.size();
    count += checked.count;
  }
  const auto counted = [](size_t n, const char* what) {
    return fmt::format("{} {}{}", n, what, n == 1 ? "" : "s");
  };
  fmt::print("\n{}, {}, {} checks: {}\n", counted(ops.size(), "op"), counted(rows, "row"),
             human_count(count), failures == 0 ? "all passed" : fmt::format("{} FAILED", failures));
}

std::vector<const OpDef*> chosen_ops(const std::vector<std::string>& names) {
  if (names.empty()) return all_ops();
  std::vector<const OpDef*> ops;
  for (const std::string& name : names) ops.push_back(&find_op(name));
  return ops;
}

int check(const CheckOptions& options) {
  const std::vector<const OpDef*> chosen = chosen_ops(options.ops);
  const auto device = open_and_tell(options.device);
  std::unique_ptr<Device> one;  // the same to the bit on one thread, and when run again
  if (device_threads(*device) > 1) one = open_device(device_name(*device), 1);
  const Target target{.devices = {device.get(), one ? one.get() : device.get()},
                      .every_simd = options.device.simd == "auto"};
  std::vector<CheckedOp> ops;
  ProgressBar bar("checking", options.json);
  for (const OpDef* op : chosen) {
    bar.update(static_cast<double>(ops.size()) / static_cast<double>(chosen.size()), op->name);
    ops.push_back(check_one(*op, target));
  }
  bar.clear();
  const bool passed =
      std::ranges::all_of(ops, [](const CheckedOp& checked) { return checked.failures.empty(); });
  if (options.json)
    print_json(ops, device->description(), passed);
  else
    print_report(ops);
  return passed ? 0 : 1;
}

}  // namespace

void add_check_command(CommandLine& args) {
  const auto o = std::make_shared<CheckOptions>();
  Command& command = args.command(
      "check", "Check ops on this machine: values, gradients, stray writes (docs/checking.md)",
      {{"cairn check", "all ops"},
       {"cairn check conv2d conv2d_dw", "two of them"},
       {"cairn check relu --device cuda", "on the GPU, against the float64 reference"}});
  command.positional("OP", o->ops, "ops to check; all where none is named");
  add_device_options(command, o->device);
  command.flag("--json", o->json, "print one JSON object, with every failure");
  command.run([o] { return check(*o); });
}

}  // namespace cairn
