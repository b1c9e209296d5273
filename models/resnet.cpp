// Residual nets for 32x32 images, and the plain nets that they are compared with (He, Zhang, Ren
// and Sun 2015, "Deep residual learning for image recognition", section 4.2).
//
// A 3x3 convolution to 16 channels, then three stages of 2n convolutions with 16, 32 and 64
// channels on planes of 32, 16 and 8, an average over each plane and a linear layer: 6n + 2 layers.
// Each convolution is followed by batch norm; every two make a block, whose sum with its input is
// what a plain net lacks. Where a stage begins, the shortcut takes every second place and adds
// channels of zeros (option A).
//
// In the pre-activation nets (He, Zhang, Ren and Sun 2016, "Identity mappings in deep residual
// networks") batch norm and ReLU come before each convolution and nothing after a sum, so that
// shortcuts pass values on as they are. The first block's shortcut begins behind its first ReLU,
// and a last batch norm and ReLU follow the last sum (their appendix).
#include "models/resnet.h"

#include <fmt/format.h>

#include "models/models.h"

namespace cairn {
namespace {

enum class Kind { plain, residual, preactivation };

Value shortcut(Graph& graph, const std::string& name, Value x, int64_t in, int64_t out,
               int64_t stride) {
  return in == out ? x : ZeroPadShortcut{out, stride}(graph, name + ".shortcut", x);
}

/// relu(bn2(conv2(relu(bn1(conv1(x))))) + shortcut(x)); without the sum where not `residual`.
struct BasicBlock {
  int64_t in, out, stride;
  bool residual;

  Value operator()(Graph& graph, const std::string& name, Value x) const {
    Value y = basic_body(in, out, stride)(graph, name, x);
    if (residual)
      y = graph.add("residual_add", {y, shortcut(graph, name, x, in, out, stride)}, {},
                    name + ".sum");
    return Relu()(graph, name + ".relu2", y);
  }
};

/// conv2(relu(bn2(conv1(z)))) + shortcut(x), where z = relu(bn1(x)); the shortcut takes z where
/// `first`.
struct PreactivationBlock {
  int64_t in, out, stride;
  bool first;

  Value operator()(Graph& graph, const std::string& name, Value x) const {
    Sequential activation, body;
    activation.add("bn1", BatchNorm{in}).add("relu1", Relu());
    body.add("conv1", convolution(in, out, 3, stride)).add("bn2", BatchNorm{out});
    body.add("relu2", Relu()).add("conv2", convolution(out, out));
    const Value z = activation(graph, name, x);
    const Value around = shortcut(graph, name, first ? z : x, in, out, stride);
    return graph.add("residual_add", {body(graph, name, z), around}, {}, name + ".sum");
  }
};

template <int depth, Kind kind>
Sequential build(const Shape& input, int64_t classes, const ModelOptions&) {
  static_assert(depth % 6 == 2);
  constexpr bool before = kind == Kind::preactivation;
  Sequential net;
  net.add("conv1", convolution(input[0], 16));
  if (!before) net.add("bn1", BatchNorm{16}).add("relu1", Relu());
  int64_t in = 16;
  for (int stage = 1; stage <= 3; ++stage)
    for (int block = 0; block < depth / 6; ++block) {
      const int64_t out = int64_t{8} << stage, stride = in == out ? 1 : 2;
      const bool first = stage == 1 && block == 0;
      net.add(fmt::format("layer{}.{}", stage, block),
              before ? Layer(PreactivationBlock{in, out, stride, first})
                     : BasicBlock{in, out, stride, kind == Kind::residual});
      in = out;
    }
  if (before) net.add("bn", BatchNorm{in}).add("relu", Relu());
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

/// Beside it the fast recipe, for a CPU: one cycle of a higher rate, which rises from a 25th, so
/// that deep nets need no warm-up of their own (Smith 2018).
template <int depth, Kind kind>
constexpr Model row(std::string_view name, std::string_view summary) {
  return {.name = name,
          .summary = summary,
          .data = "cifar10",
          .size = 32,
          .recipe = {.epochs = 30,
                     .batch = 128,
                     .lr = kind == Kind::plain ? 0.05 : 0.2,
                     .schedule = "one-cycle",
                     .augment = "crop=4 flip=random"},
          .options = {},
          .build = build<depth, kind>,
          .more_recipes = kPaper<depth>};
}

constexpr Model kModels[] = {
    row<20, Kind::residual>("resnet20", "a residual net of 20 layers for 32x32 images"),
    row<32, Kind::residual>("resnet32", "a residual net of 32 layers"),
    row<44, Kind::residual>("resnet44", "a residual net of 44 layers"),
    row<56, Kind::residual>("resnet56", "a residual net of 56 layers"),
    row<110, Kind::residual>("resnet110", "a residual net of 110 layers"),
    row<20, Kind::plain>("plain20", "resnet20 without shortcuts"),
    row<32, Kind::plain>("plain32", "resnet32 without shortcuts"),
    row<44, Kind::plain>("plain44", "resnet44 without shortcuts"),
    row<56, Kind::plain>("plain56", "resnet56 without shortcuts"),
    row<110, Kind::plain>("plain110", "resnet110 without shortcuts"),
    row<20, Kind::preactivation>("preresnet20", "resnet20 with batch norm and ReLU first"),
    row<32, Kind::preactivation>("preresnet32", "resnet32 with batch norm and ReLU first"),
    row<44, Kind::preactivation>("preresnet44", "resnet44 with batch norm and ReLU first"),
    row<56, Kind::preactivation>("preresnet56", "resnet56 with batch norm and ReLU first"),
    row<110, Kind::preactivation>("preresnet110", "resnet110 with batch norm and ReLU first"),
};

}  // namespace

extern const std::span<const Model> resnet_models;
constinit const std::span<const Model> resnet_models{kModels};

}  // namespace cairn
