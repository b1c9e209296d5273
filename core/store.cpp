#include "core/store.h"

#include <fmt/format.h>

#include <optional>

#include "core/error.h"

namespace cairn {
namespace {

constexpr int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

/// That of weights (out, in, kh, kw) which pass channel k of the input on as channel k of the
/// output: whether `element` is the middle of such a kernel, or one of its zeros. None where the
/// output has no such channel.
std::optional<double> dirac_value(const Shape& shape, int64_t element) {
  const int64_t taps = shape[2] * shape[3], tap = element % taps, in = element / taps % shape[1];
  const int64_t out = element / taps / shape[1];
  if (out >= shape[1]) return {};
  const bool middle = tap == shape[2] / 2 * shape[3] + shape[3] / 2;
  return in == out && middle ? 1 : 0;
}

double initial_value(const Init& init, const Shape& shape, PhiloxKey key, uint64_t element) {
  switch (init.kind) {
    case Init::Kind::zeros:
    case Init::Kind::whitening:
      return 0;
    case Init::Kind::dirac:
      if (const auto value = dirac_value(shape, static_cast<int64_t>(element))) return *value;
      [[fallthrough]];
    case Init::Kind::uniform:
      return init.scale * (2.0 * static_cast<double>(random_unit(key, 0, element)) - 1.0);
    case Init::Kind::normal:
      return init.scale * random_normal(key, 0, element);
    case Init::Kind::constant:
      return init.scale;
  }
  return 0;
}

}  // namespace

ParameterMap::ParameterMap(const Graph& graph) {
  for (const Value v : graph.parameters()) {
    const ValueInfo& info = graph[v];
    const int64_t n = info.type.shape.elements();
    segments.push_back({info.name, info.type.shape, info.init, info.rates, elements, n});
    elements += round_up(n, kParameterAlignment);
  }
  for (const ValueInfo& info : graph.values())
    if (info.kind == ValueKind::buffer) buffers.push_back({info.name, info.type.shape, info.init});
}

Store::Store(Device& device, const ParameterMap& parameters, DType real)
    : device_(device), parameters_(parameters), real_(real) {
  const TensorType flat{DType::f32, {parameters_.elements}, false};
  add(std::string(kParameters), flat, 1, 1);
  add(std::string(kGradients), flat, 1, 1);
  for (const Segment& s : parameters_.segments) {
    const auto view = [&](std::string_view buffer) {
      const Tensor& whole = tensors_.at(std::string(buffer));
      auto* at =
          static_cast<std::byte*>(whole.data) + s.offset * static_cast<int64_t>(size_of(real_));
      return Tensor(at, real_, s.shape);
    };
    tensors_.emplace(s.name, view(kParameters));
    tensors_.emplace(s.name + ".grad", view(kGradients));
  }
  for (const ModelBuffer& b : parameters_.buffers) add(b.name, {DType::f32, b.shape, false}, 1, 1);
}

void Store::add(const std::string& name, const TensorType& type, int64_t width, int64_t slices) {
  const DType dtype = type.dtype == DType::f32 ? real_ : type.dtype;
  Tensor tensor = type.batched ? Tensor(nullptr, dtype, type.shape, width, slices)
                               : Tensor(nullptr, dtype, type.shape);
  const auto found = tensors_.find(name);
  if (found != tensors_.end()) {
    if (found->second.dtype != dtype || found->second.shape != type.shape ||
        found->second.elements() != tensor.elements())
      fail(fmt::format("two graphs declare '{}' as {} and {}", name, to_string(type),
                       to_string(found->second.type())));
    return;
  }
  const auto bytes = static_cast<size_t>(tensor.bytes());
  buffers_.emplace_back(device_, bytes);
  tensor.data = buffers_.back().data();
  device_.clear(tensor.data, bytes);
  tensors_.emplace(name, tensor);
}

void Store::declare(const Graph& graph, int64_t width, int64_t slices) {
  for (const ValueInfo& v : graph.values()) {
    if (v.kind == ValueKind::activation) continue;
    if (v.kind == ValueKind::input || v.kind == ValueKind::state) {
      add(v.name, v.type, width, slices);
    } else if (!contains(v.name)) {
      fail(fmt::format("{} '{}' is not in the store's parameter map",
                       v.kind == ValueKind::buffer ? "buffer" : "parameter", v.name),
           "build the map from the graph that trains");
    }
  }
  step(graph.step_name());
}

StepState* Store::step(const std::string& name) {
  StepState*& at = steps_[name];
  if (!at) {
    buffers_.emplace_back(device_, sizeof(StepState));
    at = static_cast<StepState*>(buffers_.back().data());
    device_.clear(at, sizeof(StepState));
  }
  return at;
}

const Tensor& Store::tensor(const std::string& name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(fmt::format("nothing named '{}' is stored", name));
  return found->second;
}

void Store::write(const std::string& name, std::span<const double> values) {
  Tensor host = tensor(name);
  void* const target = host.data;
  std::vector<std::byte> bytes(static_cast<size_t>(host.bytes()));
  host.data = bytes.data();
  copy_from_plain(values, host);
  device_.upload(target, bytes.data(), bytes.size());
}

std::vector<double> Store::read(const std::string& name, int64_t examples) const {
  Tensor host = tensor(name);
  std::vector<std::byte> bytes(static_cast<size_t>(host.bytes()));
  device_.download(bytes.data(), host.data, bytes.size());
  host.data = bytes.data();
  return to_plain_values(host, examples);
}

StepState Store::read_step(const std::string& name) const {
  StepState state;
  device_.download(&state, steps_.at(name), sizeof(state));
  return state;
}

void Store::write_step(const std::string& name, const StepState& state) {
  device_.upload(step(name), &state, sizeof(state));
}

void Store::initialize(uint64_t seed) {
  const auto fill = [&](const auto& of_model) {
    const PhiloxKey key = philox_key(seed, of_model.name);
    std::vector<double> values(static_cast<size_t>(of_model.shape.elements()));
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = initial_value(of_model.init, of_model.shape, key, i);
    write(of_model.name, values);
  };
  for (const Segment& s : parameters_.segments) fill(s);
  for (const ModelBuffer& b : parameters_.buffers) fill(b);
}

}  // namespace cairn
