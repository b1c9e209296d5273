// The small fast net and what it is made with: filters that whiten patches, rates of single
// parameters, convolutions that begin by passing their input on, smoothed labels.
#include <gtest/gtest.h>

#include <cmath>
#include <string>

#include "core/random.h"
#include "tests/expect_error.h"
#include "train/predict.h"
#include "train/trainer.h"
#include "train/whitening.h"

namespace cairn {
namespace {

constexpr int64_t kSize = 6, kImages = 40;

/// Images whose neighbouring pixels and channels are alike.
Dataset smooth_images() {
  Dataset data{"smooth", Shape{3, kSize, kSize}, 10, {}, {}};
  for (int64_t n = 0; n < kImages; ++n) {
    data.labels.push_back(static_cast<uint8_t>(n % 10));
    for (int64_t c = 0; c < 3; ++c)
      for (int64_t i = 0; i < kSize * kSize; ++i) {
        const auto random = [&](uint64_t at) {
          return random_unit({}, static_cast<uint64_t>(n), at);
        };
        const auto pixel = static_cast<uint64_t>(i), channel = static_cast<uint64_t>(c);
        const double value = 150 * random(1000) + 60 * random(100 + pixel) +
                             30 * random(2000 + 100 * channel + pixel);
        data.images.push_back(static_cast<uint8_t>(value));
      }
  }
  return data;
}

Layer small_net() {
  Sequential net;
  net.add("whiten", Whitening{3}).add("relu", Relu()).add("flatten", Flatten{});
  net.add("fc", Linear{.in = 24 * 25, .out = 10});
  return net;
}

// That the patches' components have second moments l / (l + epsilon) and no correlation is what
// defines the filters.
TEST(Speednet, WhitenedPatchesAreUncorrelated) {
  const Dataset data = smooth_images();
  const Network network(small_net(), data);
  const std::vector<double> filters = whitening_filters(network, data, 2);
  ASSERT_EQ(filters.size(), 2u * 12 * 12);
  for (size_t i = 0; i < 144; ++i) EXPECT_EQ(filters[144 + i], -filters[i]);

  const Normalization& norm = network.normalization;
  std::vector<double> moments(144);
  double patches = 0;
  for (int64_t n = 0; n < kImages; ++n)
    for (int64_t row = 0; row < kSize - 1; ++row)
      for (int64_t column = 0; column < kSize - 1; ++column, ++patches) {
        double y[12] = {};
        for (size_t f = 0; f < 12; ++f)
          for (int64_t c = 0; c < 3; ++c)
            for (int64_t i = 0; i < 2; ++i)
              for (int64_t j = 0; j < 2; ++j) {
                const auto at = ((n * 3 + c) * kSize + row + i) * kSize + column + j;
                const auto k = static_cast<size_t>(c);
                const double x = (data.images[static_cast<size_t>(at)] / 255.0 - norm.mean[k]) /
                                 norm.deviation[k];
                y[f] += filters[f * 12 + static_cast<size_t>((c * 2 + i) * 2 + j)] * x;
              }
        for (size_t f = 0; f < 12; ++f)
          for (size_t g = 0; g < 12; ++g) moments[f * 12 + g] += y[f] * y[g];
      }
  for (size_t f = 0; f < 12; ++f)
    for (size_t g = 0; g < 12; ++g) {
      const double moment = moments[f * 12 + g] / patches;
      if (f != g) {
        EXPECT_NEAR(moment, 0, 1e-9) << f << " " << g;
        continue;
      }
      double length = 0;  // of the filter, squared: 1 / (l + epsilon)
      for (size_t k = 0; k < 12; ++k) length += std::pow(filters[f * 12 + k], 2);
      EXPECT_NEAR(moment, 1 - kWhiteningEpsilon * length, 1e-9) << f;
      EXPECT_GT(moment, 0.9);
    }
}

TEST(Speednet, WhiteningFiltersStayAsTheyBegan) {
  const Dataset data = smooth_images();
  const Network network(small_net(), data);
  const auto device = open_device("cpu", 2);
  Trainer trainer(network, *device, data, {.batch = 20, .lr = 0.1, .weight_decay = 0.1});
  const std::vector<double> begun = trainer.store().read("whiten.weight"),
                            wanted = whitening_filters(network, data, 2);
  for (size_t i = 0; i < wanted.size(); ++i)
    EXPECT_EQ(begun[i], static_cast<double>(static_cast<float>(wanted[i])));
  for (int i = 0; i < 4; ++i) trainer.step();
  EXPECT_EQ(trainer.store().read("whiten.weight"), begun);
  for (const double offset : trainer.store().read("whiten.bias")) EXPECT_NE(offset, 0);
}

TEST(Speednet, WhiteningOfOtherChannelsIsRefused) {
  Dataset grey{"grey", Shape{1, 4, 4}, 10, {}, {}};
  grey.images.assign(32, 7), grey.labels.assign(2, 0);
  Sequential net;
  net.add("lift", Conv2d{.in = 1, .out = 3, .kernel = 1}).add("whiten", Whitening{3});
  net.add("flatten", Flatten{}).add("fc", Linear{.in = 24 * 9, .out = 10});
  const Network network(net, grey);
  const auto device = open_device("cpu", 1);
  expect_error([&] { Trainer(network, *device, grey, {.batch = 2}); },
               "whiten.weight is for 3 channels, but the images have 1", "put the whitening layer");
}

// The first step of gradient descent is the rate times the gradient, and decay times the value.
TEST(Speednet, AParameterGroupHasRatesOfItsOwn) {
  const Dataset data = smooth_images();
  const auto device = open_device("cpu", 1);
  const auto step = [&](Rates rates, double decay) {
    Sequential net;
    net.add("flatten", Flatten{});
    net.add("fc", ParameterGroup{Linear{.in = 108, .out = 10}, ".weight", rates});
    const Network network(net, data);
    Trainer trainer(network, *device, data,
                    {.batch = 40, .lr = 0.5, .momentum = 0, .weight_decay = decay});
    const std::vector<double> before = trainer.store().read("fc.weight");
    trainer.step();
    std::vector<double> change = trainer.store().read("fc.weight");
    for (size_t i = 0; i < change.size(); ++i) change[i] -= before[i];
    change.push_back(trainer.store().read("fc.bias")[3]);
    return change;
  };
  const std::vector<double> plain = step({}, 0), fast = step({8, 1}, 0), frozen = step({0, 1}, 0.5),
                            decayed = step({1, 1}, 0.25), more = step({1, 3}, 0.25);
  for (size_t i = 0; i + 1 < plain.size(); ++i) {
    EXPECT_NEAR(fast[i], 8 * plain[i], 1e-6);
    EXPECT_EQ(frozen[i], 0);
    EXPECT_NEAR(more[i] - plain[i], 3 * (decayed[i] - plain[i]), 1e-6);
  }
  EXPECT_EQ(plain.back(), fast.back());
  EXPECT_NE(plain.back(), 0);
}

TEST(Speednet, DiracConvolutionsPassTheirInputOn) {
  Graph graph;
  const Value x = graph.input("x", {DType::f32, {2, 5, 5}, true});
  Conv2d{.in = 2, .out = 3, .padding = 1, .init = InitScheme::dirac, .bias = false}(graph, "c", x);
  const auto device = open_device("cpu", 1);
  Store store(*device, ParameterMap(graph));
  store.initialize(1);
  const std::vector<double> w = store.read("c.weight");  // (3, 2, 3, 3)
  for (size_t i = 0; i < 36; ++i) EXPECT_EQ(w[i], i == 4 || i == 18 + 9 + 4 ? 1 : 0) << i;
  const double most = std::sqrt(1.0 / 18);  // PyTorch's interval for a convolution
  double largest = 0;
  for (size_t i = 36; i < 54; ++i) largest = std::max(largest, std::abs(w[i]));
  EXPECT_GT(largest, most / 2);
  EXPECT_LE(largest, most);
}

// With logits of zero every target costs log 10; the gradient, and with it a step, is smaller by
// the part of the target that all classes share: at 1 nothing is left to learn for balanced
// classes.
TEST(Speednet, SmoothedLabelsAreForTrainingAlone) {
  const Dataset data = smooth_images();
  Sequential net;
  net.add("flatten", Flatten{});
  net.add("fc", Linear{.in = 108, .out = 10, .init = InitScheme::zeros, .bias = false});
  const Network network(net, data);
  const auto device = open_device("cpu", 1);
  const auto change = [&](double smoothing) {
    Trainer trainer(network, *device, data,
                    {.batch = 40, .lr = 0.5, .momentum = 0, .label_smoothing = smoothing});
    trainer.step();
    EXPECT_NEAR(trainer.drain().back().loss, std::log(10.0), 1e-5);
    return trainer.store().read("fc.weight");
  };
  const std::vector<double> sharp = change(0), smooth = change(0.25), uniform = change(1);
  for (size_t i = 0; i < sharp.size(); ++i) {
    EXPECT_NEAR(smooth[i], 0.75 * sharp[i], 1e-6);
    EXPECT_NEAR(uniform[i], 0, 1e-6);
  }
  EXPECT_EQ(accumulate_graph(network, {.label_smoothing = 0.25}, 40).nodes().size(),
            accumulate_graph(network, {}, 40).nodes().size());
  const Graph judging = evaluate_graph(network, "test", 40, 40);
  for (const Node& node : judging.nodes())
    if (node.op->name == "softmax_cross_entropy") {
      EXPECT_EQ(node.attrs.to_string(), "reduction=sum label_smoothing=0");
    }
}

TEST(Speednet, ImagesAreMovedAndReflectedAtTheirBorder) {
  Dataset data{"ramp", Shape{1, 3, 4}, 2, {}, {}};
  data.images = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, data.labels = {0};
  EXPECT_EQ(moved(data, 1).images, (std::vector<uint8_t>{5, 6, 7, 6, 9, 10, 11, 10, 5, 6, 7, 6}));
  EXPECT_EQ(moved(data, -1).images, (std::vector<uint8_t>{5, 4, 5, 6, 1, 0, 1, 2, 5, 4, 5, 6}));
  expect_error([&] { moved(data, 3); }, "images of 3x4 can't be moved by 3 pixels");
}

TEST(Speednet, ViewsAreWeighed) {
  const Dataset data = smooth_images();
  Sequential net;
  net.add("flatten", Flatten{}).add("fc", Linear{.in = 108, .out = 10});
  const Network network(net, data);
  const auto device = open_device("cpu", 1);
  Store store(*device, parameters_of(network));
  store.initialize(1);
  const auto rows = [&](const Dataset& view) { return logits(network, store, view); };
  const auto plain = rows(data), left = rows(moved(data, 2)), right = rows(moved(data, -2)),
             mirror = rows(mirrored(data)), mirror_left = rows(moved(mirrored(data), 2)),
             mirror_right = rows(moved(mirrored(data), -2));
  const auto flip = mean_logits(network, store, data, {.flip = true}),
             both = mean_logits(network, store, data, {.flip = true, .shift = 2});
  for (size_t i = 0; i < plain.size(); ++i) {
    EXPECT_NEAR(flip[i], (plain[i] + mirror[i]) / 2, 1e-12);
    EXPECT_NEAR(
        both[i],
        (plain[i] + mirror[i]) / 4 + (left[i] + right[i] + mirror_left[i] + mirror_right[i]) / 8,
        1e-12);
  }
}

// Filters 24 64 9 + 64 64 9 + 64 256 9 + 3 256 256 9, two numbers a channel of each batch norm, 24
// offsets of the whitening, 2,560 weights of the last layer.
TEST(Speednet, HasTheParametersOfItsSource) {
  const Model& model = find_model("speednet");
  Graph graph;
  const Value x = graph.input("x", {DType::f32, {3, 32, 32}, true});
  model.build({3, 32, 32}, 10, {})(graph, "", x);
  int64_t count = 0;
  for (const Value v : graph.parameters()) {
    const ValueInfo& info = graph[v];
    count += info.type.shape.elements();
    const std::string_view name = info.name;
    const bool norm = name.starts_with("layer") && name.find(".bn") != name.npos;
    const double rate = name == "fc.weight"       ? 1.0 / 81
                        : !norm                   ? 1
                        : name.ends_with(".bias") ? 64
                                                  : 0;
    EXPECT_EQ(info.rates.lr, rate) << name;
    EXPECT_EQ(info.rates.decay, rate > 0 ? 1 / rate : 0) << name;
  }
  EXPECT_EQ(count, 1'967'616 + 2 * (2 * 64 + 4 * 256) + 24 + 2'560);
}

}  // namespace
}  // namespace cairn
