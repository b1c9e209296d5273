// The access report on kernels whose accesses can be counted by hand.
#include "simt/access.h"

#include <gtest/gtest.h>

#include "core/cuda/elements.cuh"
#include "tests/simt_bugs/simt_bug.h"

namespace cairn {
namespace {

constexpr unsigned kLanes = 32;

/// Thread t copies element first + t * stride.
__global__ void copy_kernel(const float* x, float* y, int first, int stride) {
  const unsigned i = static_cast<unsigned>(first) + threadIdx.x * static_cast<unsigned>(stride);
  y[i] = x[i];
}

__global__ void broadcast_kernel(const float* x, float* y) { y[threadIdx.x] = x[0]; }

__global__ void float4_kernel(const float4* x, float4* y) { y[threadIdx.x] = x[threadIdx.x]; }

__global__ void increment_kernel(float* x) { x[threadIdx.x] += 1; }

__global__ void count_kernel(int* count) { atomicAdd(count, 1); }

/// Reads x twice, the second time after a barrier and backwards.
__global__ void twice_kernel(const float* x, float* y) {
  const float first = x[threadIdx.x];
  __syncthreads();
  y[threadIdx.x] = first - x[blockDim.x - 1 - threadIdx.x];
}

__global__ void doubled_kernel(const float* x, float* y, int64_t n) {
  map_elements([](float v) { return 2 * v; }, n, y, x);
}

/// Each lane has rounds of its own, and some of them read nothing.
__global__ void ragged_kernel(const float* x, float* y) {
  const unsigned t = threadIdx.x;
  float sum = 0;
  for (unsigned round = 0; round < t % 4; ++round)
    for (unsigned k = 0; k <= t % 3; ++k)
      if ((t + round + k) % 2) sum += x[(round * 4 + k) * kLanes + t];
  y[t] = sum;
}

/// Thread t writes element t * stride of shared memory, and all read the first.
template <class T>
__global__ void shared_kernel(float* y, unsigned stride) {
  CAIRN_SHARED(T, words, kLanes * kLanes);
  words[threadIdx.x * stride] = T{};
  __syncthreads();
  y[threadIdx.x] = static_cast<float>(words[0]);
}

/// Writes a tile by rows and reads it by columns.
template <unsigned kRow>
__global__ void transpose_kernel(const float* x, float* y) {
  CAIRN_SHARED(float, tile, kLanes* kRow);
  tile[threadIdx.y * kRow + threadIdx.x] = x[threadIdx.y * kLanes + threadIdx.x];
  __syncthreads();
  y[threadIdx.y * kLanes + threadIdx.x] = tile[threadIdx.x * kRow + threadIdx.y];
}

template <class... P, class... A>
simt::KernelAccesses accesses_of(void (*kernel)(P...), dim3 block, A... args) {
  simt::access_recorder().start();
  launch(kernel, Grid{1, block}, args...);
  wait_for_device();
  const auto all = simt::access_recorder().take();
  EXPECT_EQ(all.size(), 1u);
  return all.at(0);
}

class SimtAccess : public testing::Test {
 protected:
  const DeviceArray<float> x_{std::vector<float>(4096, 1)}, y_{std::vector<float>(4096, 0)};

  simt::AccessCounts copy(unsigned threads, int first, int stride) const {
    return accesses_of(copy_kernel, threads, x_.data(), y_.data(), first, stride).total;
  }
  template <class T>
  int64_t conflicts(unsigned stride) const {
    return accesses_of(shared_kernel<T>, kLanes, y_.data(), stride).total.bank_conflicts;
  }
};

TEST_F(SimtAccess, NeighboursAreCoalesced) {
  const simt::KernelAccesses copied =
      accesses_of(copy_kernel, 100, x_.data(), y_.data(), 0, 1);  // three warps and four lanes
  EXPECT_EQ(copied.kernel, "cairn::copy_kernel");
  EXPECT_EQ(copied.launches, 1);
  EXPECT_EQ(copied.total.accesses, 2 * 4);
  EXPECT_EQ(copied.total.sectors, 2 * (3 * 4 + 1));
  EXPECT_EQ(copied.total.coalescing(), 1);
  EXPECT_EQ(copied.total.shared_accesses, 0);
  EXPECT_EQ(copied.total.lane_accesses, 2 * 100);
  EXPECT_EQ(copied.total.lane_bytes, 2 * 100 * 4);
  EXPECT_TRUE(copied.lines.empty());
}

TEST_F(SimtAccess, StridesWasteSectors) {
  EXPECT_EQ(copy(kLanes, 0, 2).coalescing(), 0.5);
  EXPECT_EQ(copy(kLanes, 0, 8).coalescing(), 0.125);
  EXPECT_EQ(copy(kLanes, 0, 100).coalescing(), 0.125);
}

TEST_F(SimtAccess, MisalignedRowsTakeAnotherSector) {
  EXPECT_EQ(copy(kLanes, 1, 1).sectors, 2 * 5);
  EXPECT_EQ(copy(kLanes, 1, 1).coalescing(), 0.8);
  EXPECT_EQ(copy(kLanes, 8, 1).coalescing(), 1);
}

TEST_F(SimtAccess, BroadcastsAndVectorsAreIdeal) {
  const simt::AccessCounts one = accesses_of(broadcast_kernel, kLanes, x_.data(), y_.data()).total;
  EXPECT_EQ(one.sectors, 1 + 4);
  EXPECT_EQ(one.coalescing(), 1);
  const simt::AccessCounts four =
      accesses_of(float4_kernel, kLanes, reinterpret_cast<const float4*>(x_.data()),
                  reinterpret_cast<float4*>(y_.data()))
          .total;
  EXPECT_EQ(four.sectors, 2 * 16);
  EXPECT_EQ(four.coalescing(), 1);
  EXPECT_EQ(four.lane_accesses, 2 * kLanes);
  EXPECT_EQ(four.lane_bytes, 16 * four.lane_accesses);
}

/// Sectors loaded and stored, each once in a launch.
std::pair<int64_t, int64_t> moved(const simt::AccessCounts& c) {
  EXPECT_EQ(c.moved_sectors(), c.loaded_sectors + c.stored_sectors);
  return {c.loaded_sectors, c.stored_sectors};
}

TEST_F(SimtAccess, EachSectorMovesOnceInALaunch) {
  using Sectors = std::pair<int64_t, int64_t>;
  EXPECT_EQ(moved(copy(256, 0, 1)), Sectors(32, 32));
  EXPECT_EQ(moved(copy(kLanes, 1, 1)), Sectors(5, 5));   // ends within sectors
  EXPECT_EQ(moved(copy(256, 0, 8)), Sectors(256, 256));  // one float of each
  EXPECT_EQ(moved(copy(256, 0, 2)), Sectors(64, 64));
  const auto* x = x_.data();
  auto* y = y_.data();
  EXPECT_EQ(moved(accesses_of(broadcast_kernel, 256, x, y).total), Sectors(1, 32));
  EXPECT_EQ(moved(accesses_of(twice_kernel, 256, x, y).total), Sectors(32, 32));
  EXPECT_EQ(accesses_of(twice_kernel, 256, x, y).total.sectors, 3 * 32);
  EXPECT_EQ(moved(accesses_of(increment_kernel, 256, y).total), Sectors(32, 32));
  const DeviceArray<int> count(std::vector<int>(1, 0));
  EXPECT_EQ(moved(accesses_of(count_kernel, 256, count.data()).total), Sectors(1, 1));
}

TEST_F(SimtAccess, LaunchesMoveTheirSectorsAgain) {
  simt::access_recorder().start();
  for (int i = 0; i < 3; ++i) launch(copy_kernel, Grid{1, kLanes}, x_.data(), y_.data(), 0, 1);
  wait_for_device();
  const auto all = simt::access_recorder().take();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].launches, 3);
  EXPECT_EQ(moved(all[0].total), std::pair(int64_t{3 * 4}, int64_t{3 * 4}));
}

TEST_F(SimtAccess, ElementsGoByFoursWhereAligned) {
  constexpr int64_t kCount = 91;
  for (const int64_t first : {0, 1, 4}) {
    const DeviceArray<float> y(std::vector<float>(100, 0));
    const simt::AccessCounts c =
        accesses_of(doubled_kernel, kLanes, x_.data() + first, y.data() + first, kCount).total;
    const std::vector<float> values = y.values();
    for (int64_t i = 0; i < 100; ++i)
      EXPECT_EQ(values[static_cast<size_t>(i)], i >= first && i < first + kCount ? 2 : 0);
    EXPECT_EQ(c.lane_bytes, 2 * 4 * kCount);
    EXPECT_EQ(c.lane_accesses, 2 * (first % 4 ? kCount : kCount / 4 + kCount % 4));
  }
}

// Lanes that skip rounds are put together with those that don't, round by round: in every round all
// that read do so from one row.
TEST_F(SimtAccess, LanesThatPartMeetAgain) {
  int64_t rows = 0, sectors = 0;
  for (unsigned round = 0; round < 3; ++round)
    for (unsigned k = 0; k < 3; ++k) {
      uint32_t touched = 0;
      for (unsigned t = 0; t < kLanes; ++t)
        if (round < t % 4 && k <= t % 3 && (t + round + k) % 2) touched |= 1u << t / 8;
      rows += touched != 0;
      sectors += std::popcount(touched);
    }
  const simt::AccessCounts counts = accesses_of(ragged_kernel, kLanes, x_.data(), y_.data()).total;
  EXPECT_EQ(counts.accesses, rows + 1);
  EXPECT_EQ(counts.sectors, sectors + 4);
}

TEST_F(SimtAccess, BankConflicts) {
  EXPECT_EQ(conflicts<float>(1), 0);
  EXPECT_EQ(conflicts<float>(2), 1);
  EXPECT_EQ(conflicts<float>(31), 0);
  EXPECT_EQ(conflicts<float>(32), 31);
  EXPECT_EQ(conflicts<double>(1), 0);  // half a warp at a time
  EXPECT_EQ(conflicts<double>(16), 2 * 15);
  EXPECT_EQ(conflicts<uint8_t>(1), 0);  // four lanes a word
}

TEST_F(SimtAccess, LinesAreNamed) {
  const dim3 block(kLanes, kLanes);
  const auto narrow = accesses_of(transpose_kernel<kLanes>, block, x_.data(), y_.data());
  const auto padded = accesses_of(transpose_kernel<kLanes + 1>, block, x_.data(), y_.data());
  EXPECT_EQ(narrow.total.shared_accesses, 2 * kLanes);
  EXPECT_EQ(narrow.total.bank_conflicts, kLanes * 31);
  ASSERT_EQ(narrow.lines.size(), 1u);
  EXPECT_EQ(narrow.lines[0].first, "tests/simt_access_test.cu:64");
  EXPECT_EQ(padded.total.bank_conflicts, 0);
  EXPECT_EQ(padded.total.coalescing(), 1);
}

TEST_F(SimtAccess, NothingIsKeptUnlessAsked) {
  launch(copy_kernel, Grid{1, kLanes}, x_.data(), y_.data(), 0, 1);
  wait_for_device();
  EXPECT_TRUE(simt::access_recorder().take().empty());
}

}  // namespace
}  // namespace cairn
