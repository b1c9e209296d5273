// On CUDA a batch is one slice: feature f of example n lies at f N + n.
#include "core/cuda/context.h"
#include "core/cuda/launch.h"
#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

struct Normalize {
  float mean[kMaxChannels], std[kMaxChannels];
};

// A thread takes one example and the positions of one output row, so that its row of `images` is
// looked up once; writes are coalesced along the batch. Reads 1 byte (of values 4) and writes 4 a
// pixel.
template <class Stored>
__global__ void gather_batch_kernel(const Stored* images, const uint8_t* labels,
                                    const StepState* step, PhiloxKey key, bool shuffle,
                                    const __grid_constant__ Normalize norm, float* x,
                                    int32_t* label, int64_t count, int64_t held, int64_t window,
                                    int64_t channels, int64_t height, int64_t width, int64_t pad,
                                    int64_t n) {
  const int64_t out_h = height + 2 * pad, out_w = width + 2 * pad;
  for (const int64_t i : grid_stride(channels * out_h * n)) {
    const int64_t example = i % n, line = i / n, c = line / out_h, h = line % out_h - pad;
    const int64_t row = gathered_row(*step, key, shuffle, example, count);
    if (line == 0) label[example] = row < 0 ? 0 : labels[row];
    const int64_t place = image_row(*step, row, example, count, held, window);
    const Stored* from = images + ((place * channels + c) * height + h) * width;
    for (int64_t w = -pad; w < width + pad; ++w) {
      const bool inside = row >= 0 && h >= 0 && h < height && w >= 0 && w < width;
      const float pixel = inside ? unscaled<float>(from[w]) : 0.0f;
      x[(line * out_w + w + pad) * n + example] = (pixel - norm.mean[c]) / norm.std[c];
    }
  }
}

template <class Stored>
void gather(const Args& args, CudaContext& context) {
  using namespace gather_batch_attr;
  const Tensor &images = args.in[0], &x = args.out[0];
  Normalize norm = {};
  for (int c = 0; c < kMaxChannels; ++c) {
    norm.mean[c] = static_cast<float>(args.attrs->real(mean, c));
    norm.std[c] = static_cast<float>(args.attrs->real(std, c));
  }
  const int64_t n = x.batch.width;
  launch(gather_batch_kernel<Stored>,
         {.grid = blocks_for(x.shape[0] * x.shape[1] * n),
          .block = kThreads,
          .stream = context.stream},
         images.as<Stored>(), args.in[1].as<uint8_t>(), args.step, args.key,
         args.attrs->flag(shuffle), norm, x.as<float>(), args.out[1].as<int32_t>(),
         args.in[1].shape[0], images.shape[0], args.attrs->integer(window), images.shape[1],
         images.shape[2], images.shape[3], args.attrs->integer(padding), n);
}

}  // namespace

void gather_batch_cuda(const Args& args, CudaContext& context) { gather<uint8_t>(args, context); }

void gather_features_cuda(const Args& args, CudaContext& context) { gather<float>(args, context); }

}  // namespace cairn
