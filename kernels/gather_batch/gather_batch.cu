// On CUDA a batch is one slice: feature f of example n lies at f N + n.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

// A thread takes one node of one example's field: two numbers written, coalesced along the batch.
__global__ void augment_field_kernel(const StepState* step, PhiloxKey key, bool shuffle,
                                     const __grid_constant__ Augment a, float* nodes, int64_t count,
                                     int64_t field, int64_t n) {
  for (const int64_t i : grid_stride(field * n)) {
    const int64_t example = i % n, k = i / n;
    const int64_t row = gathered_row(*step, key, shuffle, example, count);
    const Point<double> node = draw_node(a, key, step->epoch, row, k);
    nodes[2 * k * n + example] = static_cast<float>(node.y);
    nodes[(2 * k + 1) * n + example] = static_cast<float>(node.x);
  }
}

// A thread takes one example and the positions of one output row, so that its row of `images` and
// its changes are looked up once; writes are coalesced along the batch. Reads 1 byte (of values 4)
// and writes 4 a pixel; where images are warped it reads 4 pixels, mostly from the cache, and of a
// field 32 numbers.
template <class Stored, bool augmented>
__global__ void gather_batch_kernel(const Stored* images, const uint8_t* labels,
                                    const StepState* step, PhiloxKey key, bool shuffle,
                                    const __grid_constant__ Normalize<float> norm,
                                    const __grid_constant__ Augment a, const float* nodes, float* x,
                                    int32_t* label, int64_t count, int64_t held, int64_t window,
                                    int64_t channels, int64_t pad, int64_t n) {
  const int64_t out_h = a.height + 2 * pad, out_w = a.width + 2 * pad;
  for (const int64_t i : grid_stride(channels * out_h * n)) {
    const int64_t example = i % n, line = i / n, c = line / out_h, h = line % out_h - pad;
    const int64_t row = gathered_row(*step, key, shuffle, example, count);
    if (line == 0) label[example] = row < 0 ? 0 : labels[row];
    const int64_t place = image_row(*step, row, example, count, held, window);
    const Stored* plane = images + (place * channels + c) * a.height * a.width;
    Change<float> change = {};
    if constexpr (augmented) {
      change = {draw_moves(a, key, step->epoch, row),
                draw_turn<float>(a, key, step->epoch, row),
                {nodes + example, n, field_axis(out_w, a.grid)}};
    }
    for (int64_t w = -pad; w < a.width + pad; ++w) {
      float pixel = 0;
      if (row >= 0) {
        if constexpr (augmented)
          pixel = change.pixel(a, pad, plane, h, w);
        else
          pixel = pixel_at<float>(plane, a.height, a.width, h, w);
      }
      bool cut = false;
      if constexpr (augmented) cut = row >= 0 && change.moves.cuts(a, h, w);
      x[(line * out_w + w + pad) * n + example] = cut ? 0 : norm(pixel, c, h, w);
    }
  }
}

template <class Stored>
void gather(const Args& args, CudaContext& context) {
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &x = args.out[0];
  const Augment a = augment_of(*args.attrs, images.shape);
  const Normalize<float> norm(*args.attrs, args.in[kMeanImage], images.shape);
  const int64_t n = x.batch.width, count = args.in[1].shape[0];
  const bool shuffles = args.attrs->flag(shuffle);
  auto* nodes = static_cast<float*>(args.workspace);
  if (a.elastic > 0) {
    const int64_t field = field_axis(x.shape[1], a.grid) * field_axis(x.shape[2], a.grid);
    launch(augment_field_kernel,
           {.grid = blocks_for(field * n), .block = kThreads, .stream = context.stream}, args.step,
           args.key, shuffles, a, nodes, count, field, n);
  }
  launch(a.any() ? gather_batch_kernel<Stored, true> : gather_batch_kernel<Stored, false>,
         {.grid = blocks_for(x.shape[0] * x.shape[1] * n),
          .block = kThreads,
          .stream = context.stream},
         images.as<Stored>(), args.in[1].as<uint8_t>(), args.step, args.key, shuffles, norm, a,
         nodes, x.as<float>(), args.out[1].as<int32_t>(), count, images.shape[0],
         args.attrs->integer(window), images.shape[1], args.attrs->integer(padding), n);
}

}  // namespace

void gather_batch_cuda(const Args& args, CudaContext& context) { gather<uint8_t>(args, context); }

void gather_features_cuda(const Args& args, CudaContext& context) { gather<float>(args, context); }

}  // namespace cairn
