// The linear layer: every example is a column of x, so the layer is the textbook's product.
//
//   linear:     y = act(W x + b)     x (in), W (out, in), b (out) optional, y (out)
//   linear_dx:  dx = W' dy           dy (out), W (out, in), y (in) optional, dx (in)
//   linear_dw:  dW += dy x'          x (in), dy (out), dW (out, in): summed over the batch
//
// The gradient of b is bias_grad's sum (kernels/bias); linear_dw with `bias` makes it as well: db
// (out). act is `activation`: none, relu, tanh, sigmoid or scaled_tanh; linear_dx with one takes
// that function's output y and goes on through its gradient: dx becomes dL/dx of what went into the
// function. Errors: x of another rank than 1 (flatten it first), sizes that don't match, y without
// `activation` or the other way round. Source: Rumelhart, Hinton and Williams 1986, "Learning
// representations by back-propagating errors".
#pragma once

#include "core/op.h"

namespace cairn {

namespace linear_attr {
enum { activation };
}
namespace linear_dw_attr {
enum { bias };
}

/// CUDA: whether sums of `terms` products, `results` of them, are left to kernels of our own, of
/// one launch each (linear_small.cu): up to 2^25 operations, which at a quarter of an H100's rate
/// for float32 (67 TFLOP/s by its data sheet) take 2 us, about what a launch costs; a block walks
/// all terms of its sums, so those are limited too.
constexpr bool linear_is_small(int64_t results, int64_t terms) {
  constexpr int64_t kMostTerms = 1024, kMostProducts = int64_t{1} << 24;
  return terms <= kMostTerms && results <= kMostProducts / (terms > 0 ? terms : 1);
}

template <class Real>
void linear_ref(const Args& args);
template <class Real>
void linear_dx_ref(const Args& args);
template <class Real>
void linear_dw_ref(const Args& args);

void linear_cpu(const Args& args);
void linear_dx_cpu(const Args& args);
void linear_dw_cpu(const Args& args);

void linear_cuda(const Args& args, CudaContext& context);
void linear_dx_cuda(const Args& args, CudaContext& context);
void linear_dw_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
