// Layers: parameters and a composition of ops. A layer is anything that can be called with a graph,
// the name that its parameters take, and a value; it returns the value that it makes of it.
//
//   Sequential net;
//   net.add("conv1", Conv2d{.in = 1, .out = 6, .kernel = 5}).add("tanh1", Tanh());
//   net.add("flatten", Flatten{});
//   Value logits = net(graph, "", x);
//
// Parameters have PyTorch's names and shapes: "conv1.weight" (6, 1, 5, 5), "conv1.bias" (6). Shapes
// are those of one example. Errors: those of the ops, whose messages begin with the op's name.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "core/graph.h"
#include "layers/init.h"

namespace cairn {

using Layer = std::function<Value(Graph&, const std::string& name, Value x)>;

/// y = W x + b over (in) -> (out).
struct Linear {
  int64_t in = 0, out = 0;
  InitScheme init = InitScheme::glorot;
  bool bias = true;

  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// (in,H,W) -> (out,OH,OW), square kernels.
struct Conv2d {
  int64_t in = 0, out = 0, kernel = 3, stride = 1, padding = 0, dilation = 1, groups = 1;
  InitScheme init = InitScheme::glorot;
  bool bias = true;

  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// (C,H,W) -> (2Ckk, H-k+1, W-k+1): along each principal direction of the training images' patches
/// of k x k, divided by its deviation, and against it, so that an activation keeps both sides; then
/// a learnt offset. The filters, buffer NAME.weight, come from the data (train/whitening.h) and
/// aren't trained (Page 2019, "How to train your ResNet"; whitening: LeCun, Bottou, Orr and Mueller
/// 1998).
struct Whitening {
  int64_t in = 0, kernel = 2;
  int64_t out() const { return 2 * in * kernel * kernel; }
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// Windows as in PyTorch's layers of these names; a stride of 0 is the kernel's size.
struct AvgPool2d {
  int64_t kernel = 2, stride = 0, padding = 0;
  bool ceil_mode = false, count_include_pad = true;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

struct MaxPool2d {
  int64_t kernel = 2, stride = 0, padding = 0, dilation = 1;
  bool ceil_mode = false;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// (C,H,W) -> (C,height,width), of windows that divide the image evenly.
struct AdaptiveAvgPool2d {
  int64_t height = 1, width = 1;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// The mean of each channel: (C,H,W) -> (C).
struct GlobalAvgPool2d {
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// Mean 0 and variance 1 for each channel of (C,...), then a learnt scale and offset (Ioffe and
/// Szegedy 2015): of (C,H,W) it is PyTorch's BatchNorm2d, of (C) its BatchNorm1d. In training by
/// the batch's own statistics, in inference by their running averages: buffers NAME.running_mean
/// and NAME.running_var, which move by `momentum` each batch.
struct BatchNorm {
  int64_t channels = 0;
  double eps = 1e-5, momentum = 0.1;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// Mean 0 and variance 1 over the last axes of each example, `shape`, then a learnt scale and
/// offset of that shape where `affine` (Ba, Kiros and Hinton 2016): PyTorch's LayerNorm.
struct LayerNorm {
  Shape shape;
  double eps = 1e-5;
  bool affine = true;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// Values divided by what `size` channels around theirs have at the same place (Krizhevsky,
/// Sutskever and Hinton 2012): PyTorch's LocalResponseNorm.
struct LocalResponseNorm {
  int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, k = 1;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// Every stride-th position, and channels of zeros behind x's up to `channels`: the shortcut
/// without parameters, option A, of He et al. 2015.
struct ZeroPadShortcut {
  int64_t channels = 0, stride = 1;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// A function of one value by the name of its op and its attributes.
struct ActivationLayer {
  std::string op, attrs = {};
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};
inline ActivationLayer Sigmoid() { return {"sigmoid"}; }
inline ActivationLayer Tanh() { return {"tanh"}; }
inline ActivationLayer Relu() { return {"relu"}; }
inline ActivationLayer ScaledTanh() { return {"scaled_tanh"}; }
inline ActivationLayer Gelu() { return {"gelu"}; }
inline ActivationLayer Softplus() { return {"softplus"}; }
/// Along an axis counted as in PyTorch: the batch is axis 0.
ActivationLayer Softmax(int64_t dim = -1);
ActivationLayer LogSoftmax(int64_t dim = -1);
ActivationLayer LeakyRelu(double negative_slope = 0.01);
ActivationLayer Elu(double alpha = 1);

/// A row of the table for each index: int32 (...) -> (...,dim). Rows begin standard normal.
struct Embedding {
  int64_t count = 0, dim = 0;
  Value operator()(Graph& graph, const std::string& name, Value index) const;
};

/// Zeroes each element with probability p in training, and scales the others by 1 / (1 - p); leaves
/// all as it is in inference (Srivastava et al. 2014).
struct Dropout {
  double p = 0.5;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// activation(body(x) + shortcut(x)): x itself where there is no shortcut (He et al. 2015). The
/// parts' names are NAME.body and NAME.shortcut.
struct Residual {
  Layer body;
  Layer shortcut = {};
  bool relu = true;  // after the sum
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// A layer with rates of their own for the parameters whose names end with `suffix`: what PyTorch
/// calls a parameter group.
struct ParameterGroup {
  Layer layer;
  std::string suffix;
  Rates rates;
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// (C,H,W) seen as (C H W): a view.
struct Flatten {
  Value operator()(Graph& graph, const std::string& name, Value x) const;
};

/// One layer after the other; their names join its own by dots, but for empty ones.
class Sequential {
 public:
  Sequential& add(std::string name, Layer layer) {
    layers_.emplace_back(std::move(name), std::move(layer));
    return *this;
  }
  Value operator()(Graph& graph, const std::string& name, Value x) const;

 private:
  std::vector<std::pair<std::string, Layer>> layers_;
};

}  // namespace cairn
