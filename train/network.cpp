#include "train/network.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"
#include "core/op_table.h"

namespace cairn {

namespace {

struct Moments {
  double mean = 0, deviation = 0;
};

double root(double variance) { return variance > 0 ? std::sqrt(variance) : 0; }

/// Of each channel's pixels over 255, in one pass. Sums of 8-bit integers are exact in 64 bits.
std::array<Moments, 4> pixel_moments(const Dataset& data) {
  const auto channels = static_cast<size_t>(data.image[0]);
  const auto plane = static_cast<size_t>(data.image[1] * data.image[2]);
  std::vector<uint8_t> pixels(channels * plane);
  std::array<int64_t, 4> sum{}, squares{};
  for (int64_t n = 0; n < data.size(); ++n) {
    read_example(data, n, pixels);
    for (size_t c = 0; c < channels; ++c)
      for (const uint8_t v : std::span(pixels).subspan(c * plane, plane))
        sum[c] += v, squares[c] += v * v;
  }
  const double count =
      static_cast<double>(std::max<int64_t>(1, data.size() * static_cast<int64_t>(plane)));
  std::array<Moments, 4> moments;
  for (size_t c = 0; c < channels; ++c) {
    const double mean = static_cast<double>(sum[c]) / count;
    moments[c] = {mean / 255, root(static_cast<double>(squares[c]) / count - mean * mean) / 255};
  }
  return moments;
}

/// Of one channel's values, the mean first: differences from it lose no digits.
Moments value_moments(const Dataset& data, int64_t channel) {
  const int64_t plane = data.image[1] * data.image[2];
  const double count = static_cast<double>(std::max<int64_t>(1, data.size() * plane));
  const auto mean_of = [&](auto f) {
    double sum = 0;
    for (int64_t n = 0; n < data.size(); ++n) {
      const float* values = data.values.data() + (n * data.image[0] + channel) * plane;
      for (int64_t i = 0; i < plane; ++i) sum += f(static_cast<double>(values[i]));
    }
    return sum / count;
  };
  const double mean = mean_of([](double v) { return v; });
  return {mean, root(mean_of([mean](double v) { return (v - mean) * (v - mean); }))};
}

/// Of each pixel over 255, or each value. Sums of 8-bit integers are exact.
std::vector<double> mean_image_of(const Dataset& data) {
  const auto pixels = static_cast<size_t>(data.image.elements());
  std::vector<uint8_t> example(pixels * size_of(data.dtype));
  std::vector<double> means(pixels);
  for (int64_t n = 0; n < data.size(); ++n) {
    read_example(data, n, example);
    for (size_t i = 0; i < pixels; ++i)
      means[i] +=
          data.dtype == DType::f32 ? reinterpret_cast<const float*>(example.data())[i] : example[i];
  }
  const double scale = data.dtype == DType::f32 ? 1 : 255;
  for (double& mean : means) mean /= scale * static_cast<double>(std::max<int64_t>(1, data.size()));
  return means;
}

constexpr char kMeanState[] = ".mean_image";

}  // namespace

Normalization pixel_statistics(const Dataset& data, bool per_pixel) {
  const int64_t channels = data.image[0];
  Normalization norm;
  if (channels > static_cast<int64_t>(norm.mean.size()))
    fail(fmt::format("{}: images of {} channels; at most 4 are supported", data.name, channels));
  const bool pixels = data.dtype != DType::f32;
  const std::array<Moments, 4> all = pixels ? pixel_moments(data) : std::array<Moments, 4>{};
  for (int64_t c = 0; c < channels; ++c) {
    const auto k = static_cast<size_t>(c);
    const Moments m = pixels ? all[k] : value_moments(data, c);
    norm.mean[k] = m.mean;
    norm.deviation[k] = m.deviation > 0 ? m.deviation : 1;
  }
  if (per_pixel) norm.mean_image = mean_image_of(data);
  return norm;
}

Network::Network(Layer layers, const Dataset& data)
    : layers(std::move(layers)),
      image(data.image),
      classes(data.classes),
      dtype(data.dtype),
      normalization(pixel_statistics(data)) {}

Network::Network(const Model& model, const ModelOptions& options, const Dataset& data,
                 const Normalization& normalization)
    : model(&model),
      options(complete_options(model, options)),
      image(data.image),
      classes(data.classes),
      dtype(data.dtype),
      normalization(normalization) {
  const int64_t height = image[1], width = image[2];
  if (model.size != 0) {
    if (height != width || height > model.size || (model.size - height) % 2 != 0)
      fail_usage(fmt::format("{} takes images of {}x{}, but those of {} are {}x{}", model.name,
                             model.size, model.size, data.name, height, width),
                 "smaller square images are padded evenly up to that size");
    padding = (model.size - height) / 2;
  }
  layers = model.build(input(), classes, this->options);
}

Network::Batch Network::gather(Graph& graph, const std::string& name, int64_t count, bool shuffle,
                               int64_t streamed, const Augmentation& augmentation) const {
  const int64_t held = streamed ? kWindow * streamed : count;
  const Value images =
      graph.state(name + ".images", {dtype, {held, image[0], image[1], image[2]}, false});
  const Value labels = graph.state(name + ".labels", {DType::u8, {count}, false});
  const OpDef& op = find_op(dtype == DType::f32 ? "gather_features" : "gather_batch");
  Attrs attrs(op.attrs.items);
  attrs.set("shuffle", shuffle).set("padding", static_cast<double>(padding));
  if (streamed) attrs.set("window", kWindow);
  augmentation.set_on(attrs);
  attrs.set("mean", normalization.mean).set("std", normalization.deviation);
  std::vector<Value> inputs = {images, labels};
  if (!normalization.mean_image.empty())
    inputs.push_back(graph.state(name + kMeanState, {DType::f32, image, false}));
  const auto out = graph.add(op, inputs, attrs, name + ".gather");
  return {out[0], out[1]};
}

void Network::load_mean_image(Store& store, const std::string& name) const {
  if (!normalization.mean_image.empty()) store.write(name + kMeanState, normalization.mean_image);
}

Value Network::logits(Graph& graph, Value x) const {
  const Value y = layers(graph, "", x);
  const TensorType wanted{DType::f32, {classes}, true};
  if (graph[y].type != wanted)
    fail(fmt::format("the layers make {}, but {} classes need {}", to_string(graph[y].type),
                     classes, to_string(wanted)),
         "end with a layer that has one output for each class");
  return y;
}

ParameterMap parameters_of(const Network& network) {
  Graph graph;
  const Value x = graph.input("x", {DType::f32, network.input(), true});
  network.logits(graph, x);
  return ParameterMap(graph);
}

void load_labels(Store& store, const std::string& name, const Dataset& data) {
  store.device().upload(store.tensor(name + ".labels").data, data.labels.data(),
                        data.labels.size());
}

void load_images(Store& store, const std::string& name, const Dataset& data) {
  const Tensor& images = store.tensor(name + ".images");
  if (data.files)
    fail(fmt::format("{}: its images lie in files", data.name),
         "load them into memory, or set TrainSettings::streamed");
  if (images.dtype == DType::u8)
    store.device().upload(images.data, data.images.data(), data.images.size());
  else if (images.dtype == DType::f32)
    store.device().upload(images.data, data.values.data(), data.values.size() * sizeof(float));
  else
    store.write(name + ".images", std::vector<double>(data.values.begin(), data.values.end()));
  load_labels(store, name, data);
}

}  // namespace cairn
