// The nets that are measured, by the names that all peers use.
#pragma once

#include <string_view>
#include <vector>

#include "models/models.h"

namespace cairn::bench {

struct Net {
  std::string_view name, model;
  Shape image;  // (C,H,W)
  ModelOptions options;
  std::vector<double> products;  // multiplications forward a layer and image

  /// Forward, backward to the data and to the weights; the first layer has no backward to the data.
  double train_flops() const {
    double sum = 0;
    for (const double layer : products) sum += layer;
    return 2 * (3 * sum - products.front());
  }
};

std::vector<Net> all_nets();
/// The net of that name; a UsageError lists them.
Net find_net(std::string_view name);

}  // namespace cairn::bench
