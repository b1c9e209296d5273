// Multilayer perceptrons of any widths.
#include <charconv>

#include <fmt/format.h>

#include "core/error.h"
#include "models/models.h"

namespace cairn {
namespace {

/// "300,100" -> {300, 100}.
std::vector<int64_t> parse_widths(std::string_view text) {
  std::vector<int64_t> widths;
  const char *at = text.data(), *end = at + text.size();
  while (at < end) {
    int64_t width = 0;
    const auto [next, error] = std::from_chars(at, end, width);
    if (error != std::errc{} || width < 1 || (next < end && *next != ','))
      fail_usage(fmt::format("mlp: widths={} is no list of layer widths", text),
                 "write whole numbers above 0 with commas between: widths=300,100");
    widths.push_back(width);
    at = next + (next < end ? 1 : 0);
  }
  return widths;
}

bool parse_switch(const ModelOptions& options, const char* name) {
  const std::string& text = options.at(name);
  if (text != "0" && text != "1")
    fail_usage(fmt::format("{}={} is neither 0 nor 1", name, text), "1 means yes");
  return text == "1";
}

/// x + body(x), without a name of its own.
Layer around(Sequential body) {
  return [body = std::move(body)](Graph& graph, const std::string& name, Value x) {
    return graph.add("residual_add", {body(graph, name, x), x});
  };
}

/// Each hidden layer is linear -> [batch norm] -> activation, with a connection around it where
/// `residual` and its width is the former's.
Sequential build(const Shape& input, int64_t classes, const std::vector<int64_t>& widths,
                 const ModelOptions& options) {
  const std::string& activation = options.at("activation");
  if (activation != "sigmoid" && activation != "tanh" && activation != "relu")
    fail_usage(fmt::format("'{}' is no activation of hidden layers", activation),
               "use sigmoid, tanh or relu");
  const InitScheme init = init_scheme(options.at("init"));
  Sequential net;
  net.add("flatten", Flatten{});
  const bool norm = parse_switch(options, "batch_norm"),
             residual = parse_switch(options, "residual");
  int64_t in = input.elements();
  int layer = 1;
  for (const int64_t width : widths) {
    Sequential hidden;
    hidden.add(fmt::format("fc{}", layer), Linear{.in = in, .out = width, .init = init});
    if (norm) hidden.add(fmt::format("bn{}", layer), BatchNorm{width});
    hidden.add(fmt::format("act{}", layer++), ActivationLayer{activation});
    net.add("", residual && in == width ? around(hidden) : Layer(hidden));
    in = width;
  }
  net.add(fmt::format("fc{}", layer), Linear{.in = in, .out = classes, .init = init});
  return net;
}

Sequential build_mlp(const Shape& input, int64_t classes, const ModelOptions& options) {
  return build(input, classes, parse_widths(options.at("widths")), options);
}

/// A whole number from 1 to `most` that an option of deep_sigmoid gives.
int64_t parse_count(const ModelOptions& options, const char* name, int64_t most) {
  const std::string& text = options.at(name);
  int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || end != text.data() + text.size() || count < 1 || count > most)
    fail_usage(fmt::format("deep_sigmoid: {}={} is no whole number from 1 to {}", name, text, most),
               fmt::format("write {}=10", name));
  return count;
}

Sequential build_deep(const Shape& input, int64_t classes, const ModelOptions& options) {
  const auto depth = static_cast<size_t>(parse_count(options, "depth", 1000));
  const int64_t width = parse_count(options, "width", 1 << 20);
  return build(input, classes, std::vector<int64_t>(depth, width), options);
}

constexpr ModelOption kActivation = {"activation", "relu", "sigmoid, tanh or relu"},
                      kInit = {"init", "glorot", "lecun, glorot or he"},
                      kNorm = {"batch_norm", "0", "1: batch norm before each activation"},
                      kResidual = {"residual", "0", "1: x + f(x) where a layer keeps the width"};
constexpr ModelOption kOptions[] = {
    {"widths", "300,100", "widths of the hidden layers"}, kActivation, kInit, kNorm, kResidual};
constexpr ModelOption kDeepOptions[] = {{"depth", "10", "hidden layers"},
                                        {"width", "100", "of each hidden layer"},
                                        {"activation", "sigmoid", "sigmoid, tanh or relu"},
                                        kInit,
                                        kNorm,
                                        kResidual};

constexpr Model kModels[] = {
    {.name = "mlp",
     .summary = "a multilayer perceptron",
     .data = "mnist",
     .size = 0,
     .recipe = {},
     .options = kOptions,
     .build = build_mlp},
    {.name = "deep_sigmoid",
     .summary = "many sigmoid layers of one width: the gradient vanishes on its way down",
     .data = "mnist",
     .size = 0,
     .recipe = {},
     .options = kDeepOptions,
     .build = build_deep}};

}  // namespace

extern const std::span<const Model> mlp_models;
constinit const std::span<const Model> mlp_models{kModels};

}  // namespace cairn
