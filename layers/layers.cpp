#include "layers/layers.h"

#include <fmt/format.h>

namespace cairn {
namespace {

constexpr Init kOnes{Init::Kind::constant, 1};

}  // namespace

Value Linear::operator()(Graph& graph, const std::string& name, Value x) const {
  const Value w = graph.parameter(name + ".weight", {out, in}, make_init(init, in, out));
  const Value b = bias ? graph.parameter(name + ".bias", {out}, {}) : Value{};
  return graph.add("linear", {x, w, b}, {}, name);
}

Value Conv2d::operator()(Graph& graph, const std::string& name, Value x) const {
  const int64_t taps = kernel * kernel;
  const Value w = graph.parameter(name + ".weight", {out, in / groups, kernel, kernel},
                                  make_init(init, in / groups * taps, out / groups * taps));
  const Value b = bias ? graph.parameter(name + ".bias", {out}, {}) : Value{};
  return graph.add(
      "conv2d", {x, w, b},
      fmt::format("stride={} padding={} dilation={} groups={}", stride, padding, dilation, groups),
      name);
}

Value Whitening::operator()(Graph& graph, const std::string& name, Value x) const {
  const Value w =
      graph.buffer(name + ".weight", {out(), in, kernel, kernel}, {Init::Kind::whitening});
  return graph.add("conv2d", {x, w, graph.parameter(name + ".bias", {out()}, {})}, {}, name);
}

Value AvgPool2d::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add(
      "avg_pool2d", {x},
      fmt::format("kernel_size={} stride={} padding={} ceil_mode={:d} count_include_pad={:d}",
                  kernel, stride, padding, ceil_mode, count_include_pad),
      name);
}

Value MaxPool2d::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add("max_pool2d", {x},
                   fmt::format("kernel_size={} stride={} padding={} dilation={} ceil_mode={:d}",
                               kernel, stride, padding, dilation, ceil_mode),
                   name);
}

Value AdaptiveAvgPool2d::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add("adaptive_avg_pool2d", {x}, fmt::format("output_size={},{}", height, width),
                   name);
}

Value GlobalAvgPool2d::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add("global_avg_pool2d", {x}, {}, name);
}

Value BatchNorm::operator()(Graph& graph, const std::string& name, Value x) const {
  const Value mean = graph.buffer(name + ".running_mean", {channels}, {});
  const Value variance = graph.buffer(name + ".running_var", {channels}, kOnes);
  const Value w = graph.parameter(name + ".weight", {channels}, kOnes);
  const Value b = graph.parameter(name + ".bias", {channels}, {});
  if (graph.training())
    return graph.add("batch_norm", {x, mean, variance, w, b},
                     fmt::format("eps={} momentum={}", eps, momentum), name);
  return graph.add("batch_norm_inference", {x, mean, variance, w, b}, fmt::format("eps={}", eps),
                   name);
}

Value LayerNorm::operator()(Graph& graph, const std::string& name, Value x) const {
  const Value w = affine ? graph.parameter(name + ".weight", shape, kOnes) : Value{};
  const Value b = affine ? graph.parameter(name + ".bias", shape, {}) : Value{};
  return graph.add("layer_norm", {x, w, b}, fmt::format("dims={} eps={}", shape.rank(), eps), name);
}

Value LocalResponseNorm::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add("local_response_norm", {x},
                   fmt::format("size={} alpha={} beta={} k={}", size, alpha, beta, k), name);
}

Value ZeroPadShortcut::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add("zero_pad_shortcut", {x}, fmt::format("channels={} stride={}", channels, stride),
                   name);
}

Value ActivationLayer::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.add(op, {x}, attrs, name);
}

ActivationLayer Softmax(int64_t dim) { return {"softmax", fmt::format("dim={}", dim)}; }
ActivationLayer LogSoftmax(int64_t dim) { return {"log_softmax", fmt::format("dim={}", dim)}; }

ActivationLayer LeakyRelu(double negative_slope) {
  return {"leaky_relu", fmt::format("negative_slope={}", negative_slope)};
}

ActivationLayer Elu(double alpha) { return {"elu", fmt::format("alpha={}", alpha)}; }

Value ParameterGroup::operator()(Graph& graph, const std::string& name, Value x) const {
  const size_t before = graph.parameters().size();
  const Value y = layer(graph, name, x);
  const std::vector<Value> all = graph.parameters();
  for (size_t i = before; i < all.size(); ++i)
    if (graph[all[i]].name.ends_with(suffix)) graph.set_rates(all[i], rates);
  return y;
}

Value Flatten::operator()(Graph& graph, const std::string&, Value x) const {
  return graph.reshape(x, {graph[x].type.shape.elements()});
}

Value Embedding::operator()(Graph& graph, const std::string& name, Value index) const {
  const Value table = graph.parameter(name + ".weight", {count, dim}, {Init::Kind::normal, 1});
  return graph.add("embedding", {table, index}, {}, name);
}

Value Dropout::operator()(Graph& graph, const std::string& name, Value x) const {
  return graph.training() ? graph.add("dropout", {x}, fmt::format("p={}", p), name) : x;
}

Value Residual::operator()(Graph& graph, const std::string& name, Value x) const {
  const Value through = body(graph, name + ".body", x);
  const Value around = shortcut ? shortcut(graph, name + ".shortcut", x) : x;
  const Value sum = graph.add("residual_add", {through, around}, {}, name);
  return relu ? graph.add("relu", {sum}, {}, name + ".relu") : sum;
}

Value Sequential::operator()(Graph& graph, const std::string& name, Value x) const {
  for (const auto& [child, layer] : layers_)
    x = layer(graph, name.empty() || child.empty() ? name + child : name + "." + child, x);
  return x;
}

}  // namespace cairn
