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

Sequential build(const Shape& input, int64_t classes, const ModelOptions& options) {
  const std::string& activation = options.at("activation");
  if (activation != "sigmoid" && activation != "tanh" && activation != "relu")
    fail_usage(fmt::format("mlp: '{}' is no activation", activation), "use sigmoid, tanh or relu");
  const InitScheme init = init_scheme(options.at("init"));
  Sequential net;
  net.add("flatten", Flatten{});
  int64_t in = input.elements();
  int layer = 1;
  for (const int64_t width : parse_widths(options.at("widths"))) {
    net.add(fmt::format("fc{}", layer), Linear{.in = in, .out = width, .init = init});
    net.add(fmt::format("act{}", layer++), ActivationLayer{activation});
    in = width;
  }
  net.add(fmt::format("fc{}", layer), Linear{.in = in, .out = classes, .init = init});
  return net;
}

constexpr ModelOption kOptions[] = {{"widths", "300,100", "widths of the hidden layers"},
                                    {"activation", "relu", "sigmoid, tanh or relu"},
                                    {"init", "glorot", "lecun, glorot or he"}};

constexpr Model kModels[] = {{.name = "mlp",
                              .summary = "a multilayer perceptron",
                              .data = "mnist",
                              .size = 28,
                              .recipe = {},
                              .options = kOptions,
                              .build = build}};

}  // namespace

extern const std::span<const Model> mlp_models;
constinit const std::span<const Model> mlp_models{kModels};

}  // namespace cairn
