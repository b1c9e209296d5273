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

Sequential build(const Shape& input, int64_t classes, const std::vector<int64_t>& widths,
                 const ModelOptions& options) {
  const std::string& activation = options.at("activation");
  if (activation != "sigmoid" && activation != "tanh" && activation != "relu")
    fail_usage(fmt::format("'{}' is no activation of hidden layers", activation),
               "use sigmoid, tanh or relu");
  const InitScheme init = init_scheme(options.at("init"));
  Sequential net;
  net.add("flatten", Flatten{});
  int64_t in = input.elements();
  int layer = 1;
  for (const int64_t width : widths) {
    net.add(fmt::format("fc{}", layer), Linear{.in = in, .out = width, .init = init});
    net.add(fmt::format("act{}", layer++), ActivationLayer{activation});
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
                      kInit = {"init", "glorot", "lecun, glorot or he"};
constexpr ModelOption kOptions[] = {
    {"widths", "300,100", "widths of the hidden layers"}, kActivation, kInit};
constexpr ModelOption kDeepOptions[] = {{"depth", "10", "hidden layers"},
                                        {"width", "100", "of each hidden layer"},
                                        {"activation", "sigmoid", "sigmoid, tanh or relu"},
                                        kInit};

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
