// Residual nets for large images, made for ImageNet's 224x224 (He, Zhang, Ren and Sun 2015, "Deep
// residual learning for image recognition", table 1).
//
// A 7x7 convolution to 64 channels and a 3x3 max pool, each with stride 2, then four stages of
// blocks whose convolutions have 64, 128, 256 and 512 channels on planes of 56, 28, 14 and 7, an
// average over each plane and a linear layer. A basic block has two 3x3 convolutions; a bottleneck
// block has a 1x1, a 3x3 and a 1x1 convolution with four times the channels. Where the shape
// changes, the shortcut is a 1x1 convolution with batch norm (option B). As in torchvision the
// stride of a bottleneck is that of its 3x3 convolution, where the paper has it in the first 1x1,
// and parameters have torchvision's names.
#include <fmt/format.h>

#include "models/models.h"
#include "models/resnet.h"

namespace cairn {
namespace {

/// relu(body(x) + shortcut(x)), where the body's convolutions have `width` channels.
struct Block {
  int64_t in, width, stride;
  bool bottleneck;

  int64_t out() const { return bottleneck ? 4 * width : width; }

  Sequential body() const {
    if (!bottleneck) return basic_body(in, width, stride);
    Sequential body;
    body.add("conv1", convolution(in, width, 1)).add("bn1", BatchNorm{width});
    body.add("relu1", Relu());
    body.add("conv2", convolution(width, width, 3, stride)).add("bn2", BatchNorm{width});
    body.add("relu2", Relu());
    body.add("conv3", convolution(width, out(), 1)).add("bn3", BatchNorm{out()});
    return body;
  }

  Value operator()(Graph& graph, const std::string& name, Value x) const {
    const Value y = body()(graph, name, x);
    if (in != out() || stride != 1) {
      Sequential shortcut;
      shortcut.add("0", convolution(in, out(), 1, stride)).add("1", BatchNorm{out()});
      x = shortcut(graph, name + ".downsample", x);
    }
    const Value sum = graph.add("residual_add", {y, x}, {}, name + ".sum");
    return Relu()(graph, name + ".relu", sum);
  }
};

template <bool bottleneck, int... blocks>
Sequential build(const Shape& input, int64_t classes, const ModelOptions&) {
  Sequential net;
  net.add("conv1", convolution(input[0], 64, 7, 2)).add("bn1", BatchNorm{64}).add("relu", Relu());
  net.add("maxpool", MaxPool2d{.kernel = 3, .stride = 2, .padding = 1});
  int64_t in = 64;
  int stage = 0;
  for (const int count : {blocks...}) {
    const int64_t width = int64_t{64} << stage++;
    for (int i = 0; i < count; ++i) {
      const Block block{in, width, stage > 1 && i == 0 ? 2 : 1, bottleneck};
      net.add(fmt::format("layer{}.{}", stage, i), block);
      in = block.out();
    }
  }
  net.add("avgpool", GlobalAvgPool2d{});
  net.add("fc", Linear{.in = in, .out = classes, .init = InitScheme::he});
  return net;
}

template <bool bottleneck, int... blocks>
constexpr Model row(std::string_view name, std::string_view summary) {
  return {.name = name,
          .summary = summary,
          .data = "",
          .size = 0,
          .recipe = {.epochs = 90, .batch = 256, .lr = 0.1, .weight_decay = 1e-4},
          .options = {},
          .build = build<bottleneck, blocks...>};
}

constexpr Model kModels[] = {
    row<false, 2, 2, 2, 2>("resnet18", "a residual net of 18 layers for images of 224x224"),
    row<false, 3, 4, 6, 3>("resnet34", "a residual net of 34 layers for images of 224x224"),
    row<true, 3, 4, 6, 3>("resnet50", "a residual net of 50 layers for images of 224x224"),
};

}  // namespace

extern const std::span<const Model> resnet_imagenet_models;
constinit const std::span<const Model> resnet_imagenet_models{kModels};

}  // namespace cairn
