// Residual nets for 32x32 images, and the plain nets that they are compared with (He, Zhang, Ren
// and Sun 2015, "Deep residual learning for image recognition", section 4.2).
//
// A 3x3 convolution to 16 channels, then three stages of 2n convolutions with 16, 32 and 64
// channels on planes of 32, 16 and 8, an average over each plane and a linear layer: 6n + 2 layers.
// Each convolution is followed by batch norm; every two make a block, whose sum with its input is
// what a plain net lacks. Where a stage begins, the shortcut takes every second place and adds
// channels of zeros (option A). Parameters are named as in torchvision's ResNet.
#include <fmt/format.h>

#include "models/models.h"

namespace cairn {
namespace {

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); without the sum where not `residual`.
struct BasicBlock {
  int64_t in, out, stride;
  bool residual;

  Value operator()(Graph& graph, const std::string& name, Value x) const {
    Sequential body;
    body.add("conv1", convolution(in, out, stride)).add("bn1", BatchNorm{out});
    body.add("relu1", Relu());
    body.add("conv2", convolution(out, out, 1)).add("bn2", BatchNorm{out});
    Value y = body(graph, name, x);
    if (residual) {
      const Value around =
          in == out ? x : ZeroPadShortcut{out, stride}(graph, name + ".shortcut", x);
      y = graph.add("residual_add", {y, around}, {}, name + ".sum");
    }
    return Relu()(graph, name + ".relu2", y);
  }

  static Conv2d convolution(int64_t in, int64_t out, int64_t stride) {
    return {.in = in,
            .out = out,
            .kernel = 3,
            .stride = stride,
            .padding = 1,
            .init = InitScheme::he,
            .bias = false};
  }
};

template <int depth, bool residual>
Sequential build(const Shape& input, int64_t classes, const ModelOptions&) {
  static_assert(depth % 6 == 2);
  Sequential net;
  net.add("conv1", BasicBlock::convolution(input[0], 16, 1)).add("bn1", BatchNorm{16});
  net.add("relu1", Relu());
  int64_t in = 16;
  for (int stage = 1; stage <= 3; ++stage)
    for (int block = 0; block < depth / 6; ++block) {
      const int64_t out = int64_t{8} << stage;
      net.add(fmt::format("layer{}.{}", stage, block),
              BasicBlock{in, out, in == out ? 1 : 2, residual});
      in = out;
    }
  net.add("pool", GlobalAvgPool2d{});
  net.add("fc", Linear{.in = in, .out = classes, .init = InitScheme::he});
  return net;
}

constexpr int64_t kMilestones[] = {32000, 48000};

/// That of the paper. 110 layers warm up until the training error is below 80%: "about 400
/// iterations".
template <int depth>
constexpr Recipe kPaper[] = {{.name = "he2015",
                              .epochs = 0,
                              .batch = 128,
                              .warmup = depth == 110 ? 400 : 0,
                              .lr = 0.1,
                              .weight_decay = 1e-4,
                              .schedule = "step",
                              .augment = "crop=4 flip=random",
                              .steps = 64000,
                              .milestones = kMilestones,
                              .warmup_lr = depth == 110 ? 0.01 : 0,
                              .per_pixel_mean = true}};

template <int depth, bool residual>
constexpr Model row(std::string_view name, std::string_view summary) {
  return {.name = name,
          .summary = summary,
          .data = "cifar10",
          .size = 32,
          .recipe = {.epochs = 5,
                     .batch = 128,
                     .lr = 0.1,
                     .weight_decay = 1e-4,
                     .augment = "crop=4 flip=random"},
          .options = {},
          .build = build<depth, residual>,
          .more_recipes = kPaper<depth>};
}

constexpr Model kModels[] = {
    row<20, true>("resnet20", "a residual net of 20 layers for 32x32 images"),
    row<32, true>("resnet32", "a residual net of 32 layers"),
    row<44, true>("resnet44", "a residual net of 44 layers"),
    row<56, true>("resnet56", "a residual net of 56 layers"),
    row<110, true>("resnet110", "a residual net of 110 layers"),
    row<20, false>("plain20", "resnet20 without shortcuts"),
    row<32, false>("plain32", "resnet32 without shortcuts"),
    row<44, false>("plain44", "resnet44 without shortcuts"),
    row<56, false>("plain56", "resnet56 without shortcuts"),
    row<110, false>("plain110", "resnet110 without shortcuts"),
};

}  // namespace

extern const std::span<const Model> resnet_models;
constinit const std::span<const Model> resnet_models{kModels};

}  // namespace cairn
