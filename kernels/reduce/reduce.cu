// On CUDA the batch is one slice, so a batched tensor is one block whose last axis is the batch.
#include <algorithm>
#include <limits>

#include "kernels/reduce/broadcast.cuh"
#include "kernels/reduce/reduce.h"

namespace cairn {
namespace {

template <Reduce f>
__device__ float fold(float a, float b) {
  if constexpr (f == Reduce::amax || f == Reduce::amin)
    return extremum<f == Reduce::amax>(a, b);
  else
    return a + b;
}

/// How a block's threads share results: `parts` threads take a result's terms in turn, neighbouring
/// threads neighbours in memory.
struct Team {
  int parts;
  bool lanes_kept;

  __device__ int results() const { return kThreads / parts; }
  __device__ int result() const {
    return static_cast<int>(threadIdx.x) % (lanes_kept ? results() : kThreads) /
           (lanes_kept ? 1 : parts);
  }
  __device__ int part() const {
    return lanes_kept ? static_cast<int>(threadIdx.x) / results()
                      : static_cast<int>(threadIdx.x) % parts;
  }
  /// The place of a part's share in shared memory.
  __device__ int place(int part) const {
    return lanes_kept ? part * results() + result() : result() * parts + part;
  }

  Team(const ReduceShape& r, int64_t terms) : parts(1), lanes_kept(r.lanes_kept()) {
    int64_t most = kThreads;
    if (lanes_kept)  // as many results side by side as lie side by side, up to a warp
      for (int64_t run = r.kept.axes[r.kept.rank - 1].size, n = 1; n < run && n < 32; n *= 2)
        most /= 2;
    while (parts < most && parts * 4 <= terms) parts *= 2;
  }
};

/// Puts the team's shares of each result together, in a tree; all threads see place(0) afterwards.
template <class T, class F>
__device__ void fold_parts(const Team& team, T* shares, F fold) {
  for (int half = team.parts / 2; half > 0; half /= 2) {
    __syncthreads();
    if (team.part() < half) {
      T& mine = shares[team.place(team.part())];
      mine = fold(mine, shares[team.place(team.part() + half)]);
    }
  }
  __syncthreads();
}

// A team of threads a result, in a fixed order: reads 4 bytes a term, coalesced along the last
// axis.
template <Reduce f>
__global__ void reduce_kernel(ReduceShape r, Team team, const float* x, float* y, int64_t results,
                              int64_t terms) {
  CAIRN_SHARED(float, shares, kThreads);
  constexpr float kInf = std::numeric_limits<float>::infinity();
  for (const int64_t first : block_stride(results, team.results())) {
    const int64_t k = first + team.result();
    float total = f == Reduce::amax ? -kInf : f == Reduce::amin ? kInf : 0.0f;
    if (k < results) {
      const float* from = x + r.kept.offset(k);
      for (int64_t i = team.part(); i < terms; i += team.parts)
        total = fold<f>(total, from[r.reduced.offset(i)]);
    }
    shares[team.place(team.part())] = total;
    fold_parts(team, shares, [](float a, float b) { return fold<f>(a, b); });
    if (team.part() == 0 && k < results) {
      total = shares[team.place(0)];
      y[k] = f == Reduce::mean ? total / static_cast<float>(terms) : total;
    }
  }  // a thread alone writes what it reads after the fold, so that the next round needn't wait
}

// A team of threads a result counts the ties, then shares dy: reads 8 bytes a term, writes 4.
__global__ void extremum_grad_kernel(ReduceShape r, Team team, const float* x, const float* y,
                                     const float* dy, float* dx, int64_t results, int64_t terms) {
  CAIRN_SHARED(int64_t, ties, kThreads);
  for (const int64_t first : block_stride(results, team.results())) {
    const int64_t k = first + team.result();
    const bool mine = k < results;
    const int64_t at = mine ? r.kept.offset(k) : 0;
    int64_t count = 0;
    for (int64_t i = team.part(); mine && i < terms; i += team.parts)
      count += x[at + r.reduced.offset(i)] == y[k];
    ties[team.place(team.part())] = count;
    fold_parts(team, ties, [](int64_t a, int64_t b) { return a + b; });
    const auto all = static_cast<float>(ties[team.place(0)]);
    for (int64_t i = team.part(); mine && i < terms; i += team.parts) {
      const int64_t here = at + r.reduced.offset(i);
      dx[here] = (x[here] == y[k] ? dy[k] : 0.0f) / all;
    }
    __syncthreads();
  }
}

Grid grid_for(const Team& team, int64_t results, CudaContext& context) {
  return {.grid = blocks_for(results, kThreads / team.parts),
          .block = kThreads,
          .stream = context.stream};
}

template <Reduce f>
void launch_reduce(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  const ReduceShape r(x, *args.attrs);
  const int64_t results = r.kept.count(), terms = r.reduced.count();
  const Team team(r, terms);
  launch(reduce_kernel<f>, grid_for(team, results, context), r, team, x.as<float>(),
         args.out[0].as<float>(), results, terms);
}

struct Scale {
  float scale;
  __device__ float operator()(const float (&v)[1]) const { return scale * *v; }
};

}  // namespace

void sum_cuda(const Args& args, CudaContext& context) { launch_reduce<Reduce::sum>(args, context); }
void mean_cuda(const Args& args, CudaContext& context) {
  launch_reduce<Reduce::mean>(args, context);
}
void amax_cuda(const Args& args, CudaContext& context) {
  launch_reduce<Reduce::amax>(args, context);
}
void amin_cuda(const Args& args, CudaContext& context) {
  launch_reduce<Reduce::amin>(args, context);
}

void extremum_grad_cuda(const Args& args, CudaContext& context) {
  const Tensor& x = args.in[0];
  const ReduceShape r(x, *args.attrs);
  const int64_t results = r.kept.count(), terms = r.reduced.count();
  const Team team(r, terms);
  launch(extremum_grad_kernel, grid_for(team, results, context), r, team, x.as<float>(),
         args.in[1].as<float>(), args.in[2].as<float>(), args.out[0].as<float>(), results, terms);
}

void expand_cuda(const Args& args, CudaContext& context) {
  launch_broadcast(context, Scale{static_cast<float>(args.attrs->real(expand_attr::scale))},
                   args.out[0], args.in[0]);
}

}  // namespace cairn
