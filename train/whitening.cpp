#include "train/whitening.h"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {
namespace {

/// Example n as the network sees it, without padding.
std::vector<double> normalised(const Network& network, const Dataset& data, int64_t n) {
  const auto pixels = static_cast<size_t>(data.image.elements());
  const auto plane = static_cast<size_t>(data.image[1] * data.image[2]);
  const Normalization& norm = network.normalization;
  std::vector<uint8_t> bytes(pixels * size_of(data.dtype));
  read_example(data, n, bytes);
  std::vector<double> values(pixels);
  for (size_t i = 0; i < pixels; ++i) {
    const double value = data.dtype == DType::f32
                             ? static_cast<double>(reinterpret_cast<const float*>(bytes.data())[i])
                             : bytes[i] / 255.0;
    const double mean = norm.mean_image.empty() ? norm.mean[i / plane] : norm.mean_image[i];
    values[i] = (value - mean) / norm.deviation[i / plane];
  }
  return values;
}

}  // namespace

std::vector<double> whitening_filters(const Network& network, const Dataset& data, int64_t kernel) {
  const int64_t channels = data.image[0], height = data.image[1], width = data.image[2];
  const int64_t size = channels * kernel * kernel;
  Eigen::MatrixXd moments = Eigen::MatrixXd::Zero(size, size);
  Eigen::VectorXd patch(size);
  const int64_t images = std::min(data.size(), kWhiteningImages);
  for (int64_t n = 0; n < images; ++n) {
    const std::vector<double> image = normalised(network, data, n);
    for (int64_t row = 0; row + kernel <= height; ++row)
      for (int64_t column = 0; column + kernel <= width; ++column) {
        for (int64_t k = 0; k < size; ++k) {
          const int64_t c = k / (kernel * kernel), i = k / kernel % kernel, j = k % kernel;
          patch[k] = image[static_cast<size_t>((c * height + row + i) * width + column + j)];
        }
        moments.selfadjointView<Eigen::Lower>().rankUpdate(patch);
      }
  }
  moments /= static_cast<double>(images * (height - kernel + 1) * (width - kernel + 1));
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> found(moments);  // the smallest first
  std::vector<double> filters;
  for (const double sign : {1.0, -1.0})
    for (int64_t i = size - 1; i >= 0; --i)
      for (int64_t k = 0; k < size; ++k)
        filters.push_back(sign * found.eigenvectors()(k, i) /
                          std::sqrt(std::max(0.0, found.eigenvalues()[i]) + kWhiteningEpsilon));
  return filters;
}

void initialize_whitening(Store& store, const Network& network, const Dataset& data) {
  for (const ModelBuffer& buffer : store.parameters().buffers) {
    if (buffer.init.kind != Init::Kind::whitening) continue;
    if (buffer.shape[1] != data.image[0])
      fail(fmt::format("{} is for {} channels, but the images have {}", buffer.name,
                       buffer.shape[1], data.image[0]),
           "put the whitening layer first");
    store.write(buffer.name, whitening_filters(network, data, buffer.shape[2]));
  }
}

}  // namespace cairn
