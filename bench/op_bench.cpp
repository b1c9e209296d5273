#include "bench/op_bench.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "bench/access_report.h"
#include "bench/bench.h"
#include "bench/windows.h"
#include "core/op_table.h"
#include "core/thread_pool.h"
#include "io/json.h"
#include "verify/checks.h"

namespace cairn::bench {
namespace {

constexpr int kProbes = 5;                        // the best counts
constexpr size_t kCopyBytes = size_t{256} << 20;  // of each buffer
constexpr int64_t kScaled = int64_t{1} << 25;     // numbers
constexpr int64_t kMatrix = 4096;
constexpr double kProbeSeconds = 0.2;
constexpr double kLatency = 0.1;  // calls below this share of both ceilings wait for something else

/// Bytes read and written a second by memcpy, a block for each thread.
double copy_rate(ThreadPool& pool) {
  const auto threads = static_cast<size_t>(pool.threads());
  const size_t block = kCopyBytes / threads;
  std::vector<char> from(block * threads, 1), to(block * threads);
  auto copy = [&](int64_t i) {
    const size_t begin = static_cast<size_t>(i) * block;
    std::memcpy(to.data() + begin, from.data() + begin, block);
  };
  double best = 0;
  for (int i = 0; i < kProbes; ++i) {
    const double begin = wall_seconds();
    pool.run(pool.threads(), copy);
    best = std::max(best, 2 * static_cast<double>(to.size()) / (wall_seconds() - begin));
  }
  return best;
}

/// A call of an op of Cairn's on plain inputs, its values small whole numbers.
OpTime time_plain(Device& device, std::string_view name, const std::vector<Shape>& shapes) {
  OpCall call;
  call.op = &find_op(name), call.attrs = Attrs(call.op->attrs.items), call.step.n_valid = 1;
  for (const Shape& shape : shapes) {
    HostTensor x{{DType::f32, shape, false}, {}};
    for (int64_t i = 0; i < shape.elements(); ++i)
      x.values.push_back(static_cast<double>(i % 17 - 8));
    call.inputs.emplace_back(std::move(x));
  }
  return time_call(device, call, "", kProbeSeconds);
}

/// The nodes of the gradient of a call, as calls with the values that they get there.
std::vector<OpCall> gradient_calls(Device& device, const OpCall& call) {
  const std::vector<int> outputs = differentiable_outputs(call);
  if (outputs.empty()) return {};
  OpRunner runner(device, call, {.seeded = outputs});
  runner.run();
  for (const int k : outputs)
    runner.set_seed(k, random_values(std::ssize(runner.output(k).values), "seeds"));
  runner.run();
  return runner.gradient_calls();
}

/// Whether a row spells out its examples, so that there are as many as it says.
bool gives_examples(const OpDef& op, const Case& row) {
  for (size_t i = 0; i < op.inputs.size(); ++i)
    if (op.inputs[i].layout != Layout::plain && !row.inputs[i].values.empty()) return true;
  return false;
}

std::string human_time(double seconds) {
  if (seconds < 1e-3) return fmt::format("{:.2f} us", 1e6 * seconds);
  return seconds < 1 ? fmt::format("{:.2f} ms", 1e3 * seconds) : fmt::format("{:.2f} s", seconds);
}

double share(double rate, double ceiling) { return ceiling > 0 ? rate / ceiling : 0; }

/// The ceiling that the call comes nearest to; what moves faster than memory can lies in a cache.
const char* bound_of(const OpTime& time, const Ceilings& most) {
  const double memory = share(time.bytes_per_s(), most.copy);
  const double fma = share(time.flops_per_s(), most.fma);
  if (std::max(memory, fma) < kLatency) return "latency";
  if (memory > std::max(fma, 1.0)) return "cache";
  return memory >= fma ? "memory" : "FMA";
}

std::string percent_of(double rate, double ceiling) {
  return ceiling > 0 ? fmt::format("{:.1f}", 100 * rate / ceiling) : "-";
}

void print_line(const std::string& device, const OpTime& t, const Ceilings& most) {
  fmt::print("{:<26} {:<32} {:<7} {:>10} {:>8.2f} {:>7} {:>9.2f} {:>6}  {}\n", t.op, t.row, device,
             human_time(t.seconds), 1e-9 * t.bytes_per_s(), percent_of(t.bytes_per_s(), most.copy),
             1e-9 * t.flops_per_s(), percent_of(t.flops_per_s(), most.fma), bound_of(t, most));
  std::fflush(stdout);
}

void print_object(const std::string& device, const OpTime& t, const Ceilings& most,
                  double dispatch) {
  const Json line = Json::Object{{"op", t.op},
                                 {"row", t.row},
                                 {"device", device},
                                 {"seconds", t.seconds},
                                 {"bytes", t.cost.bytes},
                                 {"flops", t.cost.flops},
                                 {"bytes_per_s", t.bytes_per_s()},
                                 {"share_of_copy", share(t.bytes_per_s(), most.copy)},
                                 {"flops_per_s", t.flops_per_s()},
                                 {"share_of_fma", share(t.flops_per_s(), most.fma)},
                                 {"bound_by", bound_of(t, most)},
                                 {"copy_bytes_per_s", most.copy},
                                 {"fma_flops_per_s", most.fma},
                                 {"dispatch_seconds", dispatch}};
  fmt::print("{}\n", line.dump(-1));
}

}  // namespace

Ceilings measure_ceilings(Device& device) {
  ThreadPool* pool = device.pool();
  if (!pool)
    return {time_plain(device, "scale", {Shape{kScaled}}).bytes_per_s(),
            time_plain(device, "matmul", {Shape{kMatrix, kMatrix}, Shape{kMatrix, kMatrix}})
                .flops_per_s()};
  Ceilings most{copy_rate(*pool), 0};
  for (int i = 0; i < kProbes; ++i)
    most.fma = std::max(most.fma, 1e9 * probe_gflops(pool->threads()));
  return most;
}

double dispatch_seconds(Device& device) {
  constexpr int kNodes = 1000;
  Graph graph;
  Value v = graph.input("x", {DType::f32, {1}, true});
  for (int i = 0; i < kNodes; ++i) v = graph.add("neg", {v});
  const Program program = compile(std::move(graph), plan_options(device.kind(), 1), 0);
  Store store(device, ParameterMap(program.graph));
  const Program* programs[] = {&program};
  Executor executor(program, store, make_scratch(device, programs));
  store.write_step("step", {.n_valid = 1});
  for (int i = 0; i < 3; ++i) executor.run();
  return median_call(kProbeSeconds,
                     [&](int64_t calls) {
                       for (int64_t i = 0; i < calls; ++i) executor.run();
                       device.synchronize();
                     }) /
         kNodes;
}

OpRunner bench_runner(Device& device, const OpCall& call) {
  const PlanOptions plan = plan_options(device.kind(), call.n);
  return OpRunner(device, call, {.width = plan.width, .sliced = plan.sliced});
}

OpTime time_call(Device& device, const OpCall& call, std::string row, double seconds) {
  OpRunner runner = bench_runner(device, call);
  runner.run();
  const double taken = median_call(seconds, [&](int64_t calls) {
    for (int64_t i = 0; i < calls; ++i) runner.enqueue();
    device.synchronize();
  });
  return {std::string(call.op->name), std::move(row), taken, runner.cost()};
}

void for_bench_calls(Device& device, const OpDef& op, int64_t batch,
                     const std::function<void(const OpCall&, const std::string&)>& use) {
  for (const OpCase& c : cases_of(op)) {
    if (!c.row->bench || c.plain || c.refused()) continue;
    Case row = *c.row;
    if (batch > 0 && !gives_examples(op, row)) row.n = batch;
    const OpCall call = rounded(make_call({c.op, &row, c.plain}));
    use(call, std::string(c.row->name));
    if (!differentiable(op)) continue;
    for (const OpCall& node : gradient_calls(device, call)) use(node, c.label());
  }
}

std::vector<OpTime> time_op(Device& device, const OpDef& op, int64_t batch, double seconds) {
  std::vector<OpTime> times;
  for_bench_calls(device, op, batch, [&](const OpCall& call, const std::string& row) {
    times.push_back(time_call(device, call, row, seconds));
  });
  return times;
}

void run_op_bench(Device& device, const OpBenchOptions& options) {
  std::vector<const OpDef*> ops;
  for (const std::string& name : options.ops) ops.push_back(&find_op(name));
  if (ops.empty()) ops = all_ops();
  if (options.access_report) return report_accesses(device, ops, options.batch, options.json);
  const Ceilings most = measure_ceilings(device);
  const double dispatch = dispatch_seconds(device);
  const std::string description = device.description();
  const std::string name = description.substr(0, description.find(" ("));
  if (!options.json)
    fmt::print(
        "{}: {:.1f} GB/s copied, {:.0f} GFLOP/s of multiply-adds, {:.0f} ns to dispatch a node\n\n"
        "{:<26} {:<32} {:<7} {:>10} {:>8} {:>7} {:>9} {:>6}  {}\n",
        description, 1e-9 * most.copy, 1e-9 * most.fma, 1e9 * dispatch, "op", "row", "device",
        "time", "GB/s", "% copy", "GFLOP/s", "% FMA", "bound by");
  for (const OpDef* op : ops)
    for (const OpTime& time : time_op(device, *op, options.batch, options.seconds))
      options.json ? print_object(name, time, most, dispatch) : print_line(name, time, most);
}

}  // namespace cairn::bench
