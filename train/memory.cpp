#include "train/memory.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <set>

#include "core/error.h"

namespace cairn {
namespace {

std::string in_megabytes(int64_t bytes) {
  return fmt::format("{:.1f} MB", static_cast<double>(bytes) * 1e-6);
}

/// Adds the values of a graph that outlive a step and have no place in the flat parameter buffers.
int64_t kept_bytes(const Graph& graph, std::set<std::string>& seen) {
  int64_t bytes = 0;
  for (const ValueInfo& v : graph.values())
    if ((v.kind == ValueKind::input || v.kind == ValueKind::state || v.kind == ValueKind::buffer) &&
        seen.insert(v.name).second)
      bytes += v.type.shape.elements() * static_cast<int64_t>(size_of(v.type.dtype));
  return bytes;
}

}  // namespace

MemoryNeed memory_need(const Network& network, const TrainSettings& settings, int64_t count,
                       DeviceKind kind) {
  const PlanOptions options = plan_options(kind, settings.batch);
  const Program accumulate =
      compile(accumulate_graph(network, settings, count), options, settings.seed);
  const Program update =
      compile(update_graph(parameters_of(network), settings), options, settings.seed);
  std::set<std::string> seen;
  const Program* programs[] = {&accumulate, &update};
  return {.kept = kept_bytes(accumulate.graph, seen) + kept_bytes(update.graph, seen),
          .scratch = scratch_sizes(kind, programs).total()};
}

int64_t batch_that_fits(const Network& network, const TrainSettings& settings, int64_t count,
                        DeviceKind kind, int64_t available) {
  TrainSettings smaller = settings;
  for (smaller.batch = settings.batch / 2; smaller.batch > 0; smaller.batch /= 2)
    if (memory_need(network, smaller, count, kind).total() <= available / 10 * 9) break;
  return smaller.batch;
}

std::string largest_values(const Program& program, size_t most) {
  const Graph& graph = program.graph;
  std::vector<std::pair<int64_t, const ValueInfo*>> values;
  for (size_t i = 0; i < graph.values().size(); ++i) {
    const ValueInfo& value = graph.values()[i];
    const Placement& at = program.plan.placements[i];
    const bool is_another = value.base || (at.space == Space::store && at.store.id != int(i));
    if (is_another || at.space == Space::none) continue;
    const int64_t groups = at.space == Space::group ? program.plan.groups : 1;
    values.emplace_back(groups * placed_bytes(value, at, program.plan.options), &value);
  }
  std::ranges::stable_sort(values, [](const auto& a, const auto& b) { return a.first > b.first; });
  std::string text;
  for (size_t i = 0; i < std::min(most, values.size()); ++i)
    text += fmt::format("{}{} {}: {}", i ? "\n" : "", values[i].second->name,
                        to_string(values[i].second->type), in_megabytes(values[i].first));
  return text;
}

bool is_out_of_memory(const std::exception& error) {
  return dynamic_cast<const OutOfMemory*>(&error) || dynamic_cast<const std::bad_alloc*>(&error);
}

void report_out_of_memory(const std::exception& error, const std::string& advice,
                          const Program& program) {
  const auto* refusal = dynamic_cast<const OutOfMemory*>(&error);
  throw OutOfMemory(
      refusal ? refusal->what() : "out of memory: the system refused what the program asked for",
      fmt::format("{}\nthe largest tensors are\n{}", advice, largest_values(program)),
      refusal ? refusal->where() : SourceLocation::current());
}

}  // namespace cairn
