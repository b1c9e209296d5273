#include "core/cuda/block_sum.cuh"
#include "core/cuda/context.h"
#include "core/cuda/elements.cuh"
#include "kernels/clip_norm/clip_norm.h"

namespace cairn {
namespace {

constexpr int kBlocks = kThreads;  // of the first kernel, so that one block adds up their sums

// 4 bytes read an element.
__global__ void squares_kernel(const float* g, double* partial, int64_t n) {
  double sum = 0;
  for (const int64_t i : grid_stride(n))
    sum += static_cast<double>(g[i]) * static_cast<double>(g[i]);
  sum = block_sum(sum);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

// One block; the norm in float64 replaces the first partial sum.
__global__ void norm_kernel(double* partial, float* norm) {
  const double sum = block_sum(partial[threadIdx.x]);
  if (threadIdx.x != 0) return;
  partial[0] = sqrt(sum);
  *norm = static_cast<float>(partial[0]);
}

// One thread four elements, where there is anything to clip: 4 bytes read and 4 written each.
__global__ void clip_kernel(float* g, const double* norm, double max_norm, int64_t n) {
  const auto factor = static_cast<float>(clip_factor(*norm, max_norm));
  if (factor == 1) return;
  update_elements([&](int64_t, float& slope) { slope *= factor; }, n, g);
}

}  // namespace

void clip_norm_cuda(const Args& args, CudaContext& context) {
  float* g = args.in[0].as<float>();
  auto* partial = static_cast<double*>(args.workspace);
  const int64_t n = args.in[0].features;
  launch(squares_kernel, {.grid = kBlocks, .block = kThreads, .stream = context.stream}, g, partial,
         n);
  launch(norm_kernel, {.grid = 1, .block = kThreads, .stream = context.stream}, partial,
         args.out[0].as<float>());
  launch(clip_kernel, {.grid = blocks_for_elements(n), .block = kThreads, .stream = context.stream},
         g, partial, args.attrs->real(clip_norm_attr::max_norm), n);
}

}  // namespace cairn
