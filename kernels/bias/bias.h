// A number added to every channel, and the sum that is its gradient.
//
//   bias:       y[c,...] = x[c,...] + b[c]
//   bias_grad:  db[c] += sum over examples and positions of dy[c,...]
//
// x, y, dy (C,...) of any rank from 1; b, db plain (C). Errors: scalars, another number of
// channels. Spare lanes are left out of the sum. An op that reads the same dy for another sum may
// make db as well: linear_dw and conv2d_dw do, with `bias`. Source: Rumelhart, Hinton and Williams
// 1986.
#pragma once

#include <algorithm>

#include "core/op.h"

namespace cairn {

/// CUDA: sums that a channel of `run` elements is split into, each a block's, so that few channels
/// fill a card too. They lie in the workspace until they are added up.
inline int64_t bias_grad_parts(int64_t channels, int64_t run) {
  constexpr int64_t kElements = 4096, kMostBlocks = 1024;
  const int64_t most = std::max<int64_t>(1, kMostBlocks / channels);
  return std::clamp<int64_t>(run / kElements, 1, most);
}

/// bias_grad's call for an op that may make its sum beside another from the same dy; `make` gets
/// the arguments. Where nobody asks for db it has no elements.
template <class Make>
void make_bias_grad(const Args& args, const Tensor& dy, const Tensor& db, Make make) {
  if (db.elements() == 0) return;
  Args of_bias = args;
  of_bias.in = &dy, of_bias.out = &db;
  make(of_bias);
}
/// Bytes that it takes on CUDA, for n examples.
int64_t bias_grad_workspace(const Shape& dy, int64_t n);

/// The attribute that asks for db, and the rule by which it is asked for.
inline constexpr AttrDef kBiasFlag{.name = "bias", .type = AttrType::flag, .max = 1};
inline constexpr OutputDef kBiasOutput{"db", Layout::plain, true};
inline constexpr CompanionRule kBiasCompanion[] = {
    {.absorbed = "bias_grad", .reads = {"dy"}, .output = "db", .flag = "bias"}};

template <class Real>
void bias_ref(const Args& args);
template <class Real>
void bias_grad_ref(const Args& args);

void bias_grad_cpu(const Args& args);

void bias_cuda(const Args& args, CudaContext& context);
void bias_grad_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
