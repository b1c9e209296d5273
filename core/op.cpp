#include "core/op.h"

#include <fmt/format.h>

#include "core/error.h"
#include "core/thread_pool.h"

namespace cairn {
namespace {

double elements(const TensorType& type, int64_t n) {
  return static_cast<double>(type.shape.elements()) * static_cast<double>(type.batched ? n : 1);
}

}  // namespace

double OpTypes::in_elements(int i) const {
  return has(i) ? elements(in[static_cast<size_t>(i)], n) : 0;
}

double OpTypes::out_elements(int i) const { return elements(out[static_cast<size_t>(i)], n); }

int64_t no_workspace(const OpTypes&) { return 0; }

Cost stream_cost(const OpTypes& t, double per_output) {
  Cost cost;
  for (size_t i = 0; i < t.in.size(); ++i)
    cost.bytes += t.in_elements(static_cast<int>(i)) * static_cast<double>(size_of(t.in[i].dtype));
  for (size_t i = 0; i < t.out.size(); ++i)
    cost.bytes +=
        t.out_elements(static_cast<int>(i)) * static_cast<double>(size_of(t.out[i].dtype));
  cost.flops = per_output * (t.out.empty() ? t.in_elements(0) : t.out_elements(0));
  return cost;
}

void run_tasks(ThreadPool& pool, int64_t tasks, void (*task)(void*, int64_t), void* context) {
  auto call = [=](int64_t i) { task(context, i); };
  pool.run(tasks, call);
}

void expect(bool condition, std::string_view op, const std::string& what) {
  if (!condition) fail(fmt::format("{}: {}", op, what));
}

int example_axis(std::string_view op, const TensorType& type, int64_t dim) {
  const int64_t axes = type.shape.rank() + int64_t{type.batched};
  expect(dim >= -axes && dim < axes, op,
         fmt::format("dim={} is out of range for {}", dim, to_string(type)));
  const int64_t axis = (dim < 0 ? dim + axes : dim) - int64_t{type.batched};
  expect(
      axis >= 0, op,
      fmt::format("dim={} is the batch of {}, but examples stay apart here", dim, to_string(type)));
  return static_cast<int>(axis);
}

}  // namespace cairn
