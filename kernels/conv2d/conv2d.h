// Two-dimensional convolution (cross-correlation, as in PyTorch) and its two gradients.
//
//   conv2d:     y[m,p,q] = act(b[m] + sum over c,i,j of w[m,c,i,j] x[c,h,w])
//   conv2d_dx:  dx[c,h,w] = sum over m,i,j of w[m,c,i,j] dy[m,p,q]
//   conv2d_dw:  dw[m,c,i,j] += sum over n,p,q of dy[m,p,q] x[c,h,w]; with `bias` also
//               db[m] += sum over n,p,q of dy[m,p,q]
//
// with h = p S - P + i D and w = q S - P + j D throughout.
//
// x (Cin,H,W), w (Cout, Cin/groups, KH, KW), b (Cout) optional, y (Cout,OH,OW); stride S, padding P
// and dilation D are (height, width) pairs; OH = floor((H + 2P - D (KH-1) - 1) / S) + 1. x is zero
// outside. Attributes as torch.nn.functional.conv2d, beside `activation` (none, relu, tanh,
// sigmoid, scaled_tanh). conv2d_dx needs `input_size` (H,W), conv2d_dw `kernel_size` (KH,KW): dy
// does not determine them. The gradient of b is bias_grad's sum (kernels/bias), which conv2d_dw
// makes as well with `bias`. Errors: channels that don't divide into groups or don't match, a
// kernel larger than the padded input. Sources: LeCun et al. 1989 (weight sharing); im2col on CUDA:
// Chellapilla, Puri and Simard 2006. There
// --conv may choose a product without columns (Chetlur et al. 2014) or cuDNN (core/conv_choice.h).
// Minimal filtering on the CPU: Winograd 1980, Lavin and Gray 2015 (winograd-inl.h).
#pragma once

#include <algorithm>

#include "core/op.h"

namespace cairn {

namespace conv2d_attr {
// Of all three; then each has one of its own.
enum {
  stride,
  padding,
  dilation,
  groups,
  activation,
  input_size = activation,
  kernel_size = activation,
  bias
};
}  // namespace conv2d_attr

/// All sizes of one convolution, read from the tensors and attributes of any of the three ops.
struct ConvShape {
  int64_t cin = 0, h = 0, w = 0;     // of x
  int64_t cout = 0, oh = 0, ow = 0;  // of y
  int64_t kh = 0, kw = 0;            // of the kernel
  int64_t groups = 1;
  int64_t stride_h = 1, stride_w = 1, pad_h = 0, pad_w = 0, dil_h = 1, dil_w = 1;

  ConvShape(const Shape& x, const Shape& weight, const Shape& y, const Attrs& attrs)
      : cin(x[0]), h(x[1]), w(x[2]), cout(y[0]), oh(y[1]), ow(y[2]), kh(weight[2]), kw(weight[3]) {
    using namespace conv2d_attr;
    groups = attrs.integer(conv2d_attr::groups);
    stride_h = attrs.integer(stride, 0), stride_w = attrs.integer(stride, 1);
    pad_h = attrs.integer(padding, 0), pad_w = attrs.integer(padding, 1);
    dil_h = attrs.integer(dilation, 0), dil_w = attrs.integer(dilation, 1);
  }

  CAIRN_HD int64_t cin_group() const { return cin / groups; }
  CAIRN_HD int64_t cout_group() const { return cout / groups; }
  /// Products that make one output: the rows of im2col's matrix, and the columns of w's.
  CAIRN_HD int64_t depth() const { return cin_group() * kh * kw; }
};

/// CUDA: output rows whose columns (depth x rows x OW x n floats) fit the workspace cap; at
/// least 1.
inline int64_t conv2d_column_bytes = int64_t{256} << 20;  // less in tests
inline int64_t conv2d_chunk_rows(const ConvShape& s, int64_t n) {
  const int64_t row = std::max<int64_t>(1, s.depth() * s.ow * n * int64_t{sizeof(float)});
  return std::clamp<int64_t>(conv2d_column_bytes / row, 1, std::max<int64_t>(1, s.oh));
}
/// Bytes of such a chunk's columns, for one group.
inline int64_t conv2d_chunk_bytes(const ConvShape& s, int64_t n) {
  return conv2d_chunk_rows(s, n) * s.depth() * s.ow * n * int64_t{sizeof(float)};
}

/// CUDA by cuDNN: as many examples at a time as fit half of the cap in (N,C,H,W), at least 1, and
/// the bytes that they take.
struct NchwChunk {
  int64_t examples, x_bytes, y_bytes;

  NchwChunk(const ConvShape& s, int64_t n) {
    constexpr int64_t kAlignment = 256;
    const int64_t x = s.cin * s.h * s.w * int64_t{sizeof(float)};
    const int64_t y = s.cout * s.oh * s.ow * int64_t{sizeof(float)};
    examples = std::clamp<int64_t>(conv2d_column_bytes / 2 / std::max<int64_t>(1, x + y), 1,
                                   std::max<int64_t>(1, n));
    x_bytes = (examples * x + kAlignment - 1) / kAlignment * kAlignment;
    y_bytes = (examples * y + kAlignment - 1) / kAlignment * kAlignment;
  }
};
/// CUDA without columns (conv2d_dw_implicit.cu): the columns are shared out to this many sums of
/// dw and db, which are added in order at last. Their number depends on the shape alone, so the
/// result is the same on every card.
struct DwParts {
  static constexpr int kTaps = 64;  // rows of the column matrix of a block

  /// Rows of dy of a block: the fewest of these that hold those of a group.
  static int64_t rows(const ConvShape& s) {
    return s.cout_group() <= 16 ? 16 : s.cout_group() <= 32 ? 32 : 64;
  }
  static int64_t count(const ConvShape& s, int64_t n) {
    constexpr int64_t kManyBlocks = 512;      // fill every card
    constexpr int64_t kFewestColumns = 1024;  // of a sum
    const int64_t tiles =
        s.groups * ((s.cout_group() + rows(s) - 1) / rows(s)) * ((s.depth() + kTaps - 1) / kTaps);
    const int64_t most = std::max<int64_t>(1, s.oh * s.ow * n / kFewestColumns);
    return std::clamp<int64_t>(kManyBlocks / tiles, 1, most);
  }
  static int64_t bytes(const ConvShape& s, int64_t n) {
    return count(s, n) * s.cout * (s.depth() + 1) * int64_t{sizeof(float)};  // db's behind dw's
  }
};

/// Bytes of workspace for im2col and cuDNN, whose own is what such a chunk leaves, half or more.
inline int64_t conv2d_workspace_bytes(const ConvShape& s, int64_t n) {
  const NchwChunk chunk(s, n);
  return std::max(conv2d_chunk_bytes(s, n), 2 * (chunk.x_bytes + chunk.y_bytes));
}

template <class Real>
void conv2d_ref(const Args& args);
template <class Real>
void conv2d_dx_ref(const Args& args);
template <class Real>
void conv2d_dw_ref(const Args& args);

void conv2d_cpu(const Args& args);
void conv2d_dx_cpu(const Args& args);
void conv2d_dw_cpu(const Args& args);

/// CPU: whether the three below serve, which take 4 products an output in place of 9, for slices of
/// `width` examples. Fewer channels would not pay for their transforms.
inline bool winograd_serves(const ConvShape& s, int64_t width) {
  constexpr int64_t kFewestChannels = 8, kMostChannels = 1024, kMostExamples = 32;
  return s.kh == 3 && s.kw == 3 && s.stride_h == 1 && s.stride_w == 1 && s.dil_h == 1 &&
         s.dil_w == 1 && s.oh > 1 && s.ow > 1 && width % 8 == 0 && width <= kMostExamples &&
         std::min(s.cin_group(), s.cout_group()) >= kFewestChannels &&
         std::max(s.cin_group(), s.cout_group()) <= kMostChannels;
}
void conv2d_winograd_cpu(const Args& args);
void conv2d_dx_winograd_cpu(const Args& args);
void conv2d_dw_winograd_cpu(const Args& args);

/// CPU: the filters' points, which the first two of them read, (groups, 16, outputs, channels) of
/// the pass; nothing where they don't serve.
int64_t conv2d_prepared_bytes(const OpTypes& t, int64_t width);
int64_t conv2d_dx_prepared_bytes(const OpTypes& t, int64_t width);
void conv2d_prepare_cpu(const Args& args);
void conv2d_dx_prepare_cpu(const Args& args);

void conv2d_cuda(const Args& args, CudaContext& context);
void conv2d_dx_cuda(const Args& args, CudaContext& context);
void conv2d_dw_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
