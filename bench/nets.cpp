#include "bench/nets.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"

namespace cairn::bench {
namespace {

Net mlp(std::string_view name, const std::vector<int64_t>& hidden) {
  Net net{name, "mlp", {1, 28, 28}, {}, {}};
  net.options = {{"widths", fmt::format("{}", fmt::join(hidden, ","))}, {"activation", "sigmoid"}};
  int64_t in = 784;
  for (const int64_t width : hidden) {
    net.products.push_back(static_cast<double>(in * width));
    in = width;
  }
  net.products.push_back(static_cast<double>(in * 10));
  return net;
}

/// Three stages of 3x3 convolutions to 16, 32 and 64 channels on planes of 32, 16 and 8.
Net resnet(std::string_view name, int depth) {
  Net net{name, name, {3, 32, 32}, {}, {3 * 16 * 9 * 1024.0}};
  double in = 16, plane = 1024;
  for (int stage = 0; stage < 3; ++stage, plane /= 4) {
    const double out = 16 << stage;
    for (int layer = 0; layer < (depth - 2) / 3; ++layer, in = out)
      net.products.push_back(in * out * 9 * plane);
  }
  net.products.push_back(64 * 10);
  return net;
}

}  // namespace

std::vector<Net> all_nets() {
  const std::vector<double> lenet = {6 * 784 * 25.0, 16 * 100 * 150.0, 400 * 120.0, 120 * 84.0,
                                     84 * 10.0};
  const Shape digit{1, 28, 28};
  return {{"lenet5", "lenet5", digit, {}, lenet},
          {"lenet5relu", "lenet5relu", digit, {}, lenet},
          resnet("resnet20", 20),
          resnet("resnet56", 56),
          mlp("mlp50", std::vector<int64_t>(50, 256)),
          mlp("mlpwide", {2500, 1500, 500})};
}

Net find_net(std::string_view name) {
  std::vector<std::string_view> names;
  for (Net& net : all_nets()) {
    if (net.name == name) return net;
    names.push_back(net.name);
  }
  fail_usage(fmt::format("there is no net '{}'", name),
             fmt::format("the nets are {}", fmt::join(names, ", ")));
}

}  // namespace cairn::bench
