// The loops of kernels at any size, without the memory: which indices each thread, warp and block
// gets.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "core/cuda/check.h"
#include "core/cuda/launch.h"
#include "core/device.h"

namespace cairn {
namespace {

constexpr int64_t k31 = int64_t{1} << 31, k32 = int64_t{1} << 32;
constexpr int64_t kSizes[] = {0, 1, 255, 256, 257, 65535, 65536, k31 - 1, k31, k32 + 1};

/// What a loop went through.
struct Walk {
  int64_t first, last, count, sum;
};

/// Where the loop is long, most walkers stop at its second index, to save time.
CAIRN_HD bool is_whole(int64_t n, int64_t walker) { return n <= 65536 || walker % 61 == 0; }

__device__ Walk walk(int64_t n, int64_t walker, const Strided& indices) {
  Walk w{-1, -1, 0, 0};
  for (const int64_t i : indices) {
    if (w.count++ == 0) w.first = i;
    w.last = i;
    w.sum += i;
    if (w.count == 2 && !is_whole(n, walker)) break;
  }
  return w;
}

__global__ void threads_kernel(int64_t n, Walk* walks) {
  const int64_t thread = int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  walks[thread] = walk(n, thread, grid_stride(n));
}
__global__ void blocks_kernel(int64_t n, int64_t each, Walk* walks) {
  walks[blockIdx.x] = walk(n, blockIdx.x, block_stride(n, each));
}
__global__ void rows_kernel(int64_t n, Walk* walks) {
  walks[blockIdx.y] = walk(n, blockIdx.y, row_stride(n));
}
__global__ void warps_kernel(int64_t n, Walk* walks) {
  const int64_t warp = int64_t{blockIdx.x} * blockDim.y + threadIdx.y;
  if (threadIdx.x == 0) walks[warp] = walk(n, warp, warp_stride(n));
}

class Grids : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = why_no_cuda(); !reason.empty()) GTEST_SKIP() << reason;
  }

  /// Walker w of `walkers` has the indices (w + k walkers) each below n, and no others: then each
  /// index has one walker.
  template <class... P, class... A>
  static void expect_shares(int64_t n, int64_t walkers, int64_t each, void (*kernel)(P...),
                            const Grid& grid, const A&... args) {
    SCOPED_TRACE(testing::Message() << n << " of " << each << " each by " << walkers);
    Walk* data = nullptr;
    std::vector<Walk> walks(static_cast<size_t>(walkers));
    const size_t bytes = walks.size() * sizeof(Walk);
    check(cudaMalloc(reinterpret_cast<void**>(&data), bytes));
    launch(kernel, grid, args..., data);
    check(cudaMemcpy(walks.data(), data, bytes, cudaMemcpyDeviceToHost));
    check(cudaFree(data));
    int64_t wrong = 0;
    for (int64_t w = 0; w < walkers; ++w) {
      const int64_t first = w * each, step = walkers * each;
      const int64_t all = first < n ? (n - 1 - first) / step + 1 : 0;
      const int64_t count = is_whole(n, w) ? all : std::min<int64_t>(all, 2);
      const int64_t last = first + (count - 1) * step;
      const Walk& got = walks[static_cast<size_t>(w)];
      wrong += got.count != count || (count > 0 && (got.first != first || got.last != last)) ||
               got.sum != count * first + count * (count - 1) / 2 * step;
    }
    EXPECT_EQ(wrong, 0);
  }
};

TEST_F(Grids, ThreadsShareElements) {
  for (const int64_t n : kSizes) {
    const dim3 blocks = blocks_for(n);
    expect_shares(n, int64_t{blocks.x} * kThreads, 1, threads_kernel, {blocks, kThreads}, n);
  }
  expect_shares(k32 + 1, 3 * 32, 1, threads_kernel, {3, 32}, k32 + 1);
}

TEST_F(Grids, BlocksShareTiles) {
  for (const int64_t n : kSizes)
    for (const int64_t each : {1, 3, kThreads}) {
      const dim3 blocks = blocks_for(n, static_cast<int>(each));
      expect_shares(n, blocks.x, each, blocks_kernel, {blocks, 1}, n, each);
    }
}

TEST_F(Grids, WarpsShareRuns) {
  constexpr int kWarps = 8;
  for (const int64_t n : kSizes) {
    const dim3 blocks = blocks_for(n, kWarps);
    expect_shares(n, int64_t{blocks.x} * kWarps, 1, warps_kernel, {blocks, dim3(32, kWarps)}, n);
  }
}

TEST_F(Grids, RowsStayBelowTheLimitOfY) {
  for (const int64_t n : kSizes) {
    const unsigned rows = grid_rows(n);
    EXPECT_LE(rows, 65535u);
    expect_shares(n, rows, 1, rows_kernel, {dim3(1, rows), 1}, n);
  }
}

}  // namespace
}  // namespace cairn
