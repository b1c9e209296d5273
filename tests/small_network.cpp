#include "tests/small_network.h"

#include "core/autodiff.h"
#include "core/random.h"

namespace cairn {
namespace {

Value parameter(Graph& graph, const std::string& name, const Shape& shape) {
  return graph.parameter(name, shape, {Init::Kind::uniform, 0.3});
}

std::shared_ptr<Scratch> scratch_of(Device& device, const Program& program) {
  const Program* programs[] = {&program};
  return make_scratch(device, programs);
}

}  // namespace

Graph small_network() {
  Graph graph;
  const Value x = graph.input("x", {DType::f32, {1, 12, 12}, true});
  const Value labels = graph.input("labels", {DType::i32, {}, true});
  const Value seed = graph.input("seed", {DType::f32, {}, false});
  Value h =
      graph.add("conv2d", {x, parameter(graph, "w1", {4, 1, 3, 3}), parameter(graph, "b1", {4})});
  h = graph.add("tanh", {h});
  h = graph.add("avg_pool2d", {h}, "kernel_size=2");
  h = graph.reshape(h, {4 * 5 * 5});
  h = graph.add("linear", {h, parameter(graph, "w2", {10, 100}), parameter(graph, "b2", {10})});
  backward(graph, graph.add("softmax_cross_entropy", {h, labels}), seed);
  return graph;
}

BoundNetwork::BoundNetwork(Device& device, const PlanOptions& options)
    : program(compile(small_network(), options, 1)),
      store(device, ParameterMap(program.graph)),
      executor(program, store, scratch_of(device, program)) {
  store.initialize(1);
  const int64_t lanes = options.slices() * options.width;
  std::vector<double> images, labels;
  for (int64_t i = 0; i < lanes * 144; ++i)
    images.push_back(random_normal(philox_key(1, "x"), 0, static_cast<uint64_t>(i)));
  for (int64_t i = 0; i < lanes; ++i) labels.push_back(static_cast<double>(i % 10));
  const double one[] = {1};
  store.write("x", images);
  store.write("labels", labels);
  store.write("seed", one);
  store.write_step("step", {.n_valid = options.capacity});
}

}  // namespace cairn
