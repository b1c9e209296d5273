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

bool is_kept(const ValueInfo& v) {
  return v.kind == ValueKind::input || v.kind == ValueKind::state || v.kind == ValueKind::buffer;
}

bool is_data(const ValueInfo& v) {
  return v.name.ends_with(".images") || v.name.ends_with(".labels");
}

int64_t bytes_of(const ValueInfo& v) {
  return v.type.shape.elements() * static_cast<int64_t>(size_of(v.type.dtype));
}

}  // namespace

MemoryNeed memory_need(const Network& network, const TrainSettings& settings, int64_t count,
                       DeviceKind kind) {
  const PlanOptions options = plan_options(kind, settings.batch);
  const ParameterMap parameters = parameters_of(network);
  const Program accumulate =
      compile(accumulate_graph(network, settings, count), options, settings.seed);
  const Program update = compile(update_graph(parameters, settings), options, settings.seed);
  const Program* programs[] = {&accumulate, &update};
  MemoryNeed need{.scratch = scratch_sizes(kind, programs)};
  std::set<std::string> seen;
  for (const Program* program : programs)
    for (const ValueInfo& v : program->graph.values()) {
      if (!is_kept(v) || !seen.insert(v.name).second) continue;
      const bool flat = program == &update && v.type.shape == Shape{parameters.elements};
      (is_data(v) ? need.data : flat ? need.parameters : need.states) += bytes_of(v);
    }
  return need;
}

int64_t evaluation_need(const Network& network, int64_t count, int64_t batch, DeviceKind kind,
                        const ScratchSizes& scratch) {
  const Program program =
      compile(evaluate_graph(network, "test", count, batch), plan_options(kind, batch), 0);
  const Program* programs[] = {&program};
  const ScratchSizes sizes = scratch_sizes(kind, programs);
  int64_t bytes = sizes.fits(scratch) ? 0 : sizes.total();
  for (const ValueInfo& v : program.graph.values())
    if (is_kept(v) && v.kind != ValueKind::buffer) bytes += bytes_of(v);
  return bytes;
}

int64_t checkpoint_need(const ParameterMap& parameters, size_t buffers) {
  constexpr int64_t kReading = 12;  // bytes an element: a float32 and a float64
  constexpr int64_t kHeld = 4;
  const int64_t others = std::max<int64_t>(0, static_cast<int64_t>(buffers) - 1);
  return parameters.elements * (kReading + kHeld * others);
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
