// A training step allocates nothing once it is bound.
#include <cstdlib>

#include <gtest/gtest.h>

#include "tests/heap_counter.h"
#include "tests/small_network.h"

namespace cairn {
namespace {

TEST(Allocation, HeapCounterCounts) {
  int64_t before = heap_allocations();
  void* volatile data = ::operator new(8);
  EXPECT_EQ(heap_allocations(), before + 1);
  ::operator delete(data);
  before = heap_allocations();
  data = std::aligned_alloc(64, 64);
  EXPECT_EQ(heap_allocations(), before + 1);
  std::free(data);
  before = heap_allocations();
  const auto device = open_device("cpu", 1);
  const Buffer buffer(*device, 100);
  EXPECT_GT(heap_allocations(), before) << "the library's allocations are seen";
}

/// Stochastic gradient descent on the flat buffers of `map`.
Graph update_graph(const ParameterMap& map) {
  Graph graph;
  const TensorType flat{DType::f32, {map.elements}, false};
  const Value p = graph.state(std::string(kParameters), flat);
  const Value g = graph.state(std::string(kGradients), flat);
  const Value m = graph.state("momentum", flat);
  const Value begins = graph.input("begins", {DType::i64, {2}, false});
  const Value multipliers = graph.input("multipliers", {DType::f32, {1, 2}, false});
  graph.add("next_step", {}, "lr=0.1");
  graph.add("sgd", {p, g, m, begins, multipliers}, "momentum=0.9");
  return graph;
}

TEST(Allocation, StepAllocatesNothing) {
  constexpr int64_t kBatch = 80;  // three slices, the last one half full
  const auto device = open_device("cpu", 2);
  BoundNetwork network(*device, plan_options(device->kind(), kBatch));
  Store& store = network.store;
  const Program update = compile(update_graph(store.parameters()), {}, 1);
  const Program* programs[] = {&update};
  Executor apply(update, store, make_scratch(*device, programs));
  const double begins[] = {0, static_cast<double>(store.parameters().elements)}, ones[] = {1, 1};
  store.write("begins", begins);
  store.write("multipliers", ones);
  const auto step = [&] {
    network.executor.run();
    apply.run();
  };
  const std::vector<double> initial = store.read("w1");
  step();
  EXPECT_NE(store.read("w1"), initial) << "the step trains";
  const int64_t before = heap_allocations();
  for (int i = 0; i < 5; ++i) step();
  EXPECT_EQ(heap_allocations(), before);
  EXPECT_EQ(store.read_step("step").step, 6);
}

}  // namespace
}  // namespace cairn
