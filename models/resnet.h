// What the residual nets of models/ have in common. Parameters are named as in torchvision's
// ResNet.
#pragma once

#include "layers/layers.h"

namespace cairn {

/// A convolution that batch norm follows or precedes: without bias, and as large a plane where the
/// stride is 1.
inline Conv2d convolution(int64_t in, int64_t out, int64_t kernel = 3, int64_t stride = 1) {
  return {.in = in,
          .out = out,
          .kernel = kernel,
          .stride = stride,
          .padding = kernel / 2,
          .init = InitScheme::he,
          .bias = false};
}

/// bn2(conv2(relu(bn1(conv1(x))))): what a block of two 3x3 convolutions adds to its shortcut.
inline Sequential basic_body(int64_t in, int64_t out, int64_t stride) {
  Sequential body;
  body.add("conv1", convolution(in, out, 3, stride)).add("bn1", BatchNorm{out});
  body.add("relu1", Relu());
  body.add("conv2", convolution(out, out)).add("bn2", BatchNorm{out});
  return body;
}

}  // namespace cairn
