// Philox runs in vectors over the blocks of one example, whose words lie side by side in PyTorch's
// order; then they are dealt to the example's lane. 8 bytes read or written and a byte of mask an
// element.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/dropout/dropout_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include <algorithm>

#include "kernels/dropout/dropout.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

constexpr int64_t kWordRun = 64;  // elements of an example at a time: those of 32 fill L1
constexpr int64_t kMostBlocks = HWY_MAX_BYTES / sizeof(uint64_t);

/// The words of Philox blocks from `block` on: as many as hold `count` words, rounded up to a
/// vector of blocks.
#if HWY_TARGET == HWY_SCALAR
void philox_words(PhiloxKey key, uint64_t step, uint64_t block, int64_t count, uint32_t* words) {
  for (int64_t i = 0; 4 * i < count; ++i) {
    const PhiloxBlock b = philox(key, step, block + static_cast<uint64_t>(i));
    std::copy_n(b.v, 4, words + 4 * i);
  }
}
#else
// A lane holds a counter's word in its lower half; the upper one is never read.
HWY_NOINLINE void philox_words(PhiloxKey key, uint64_t step, uint64_t block, int64_t count,
                               uint32_t* words) {
  const hn::ScalableTag<uint64_t> d;
  const hn::Repartition<uint32_t, decltype(d)> d32;
  const auto lanes = static_cast<int64_t>(hn::Lanes(d));
  const auto half = hn::Set(d, 0xFFFFFFFFu);
  for (int64_t i = 0; 4 * i < count; i += lanes) {
    auto c0 = hn::Add(hn::Set(d, block + static_cast<uint64_t>(i)), hn::Iota(d, 0));
    auto c1 = hn::ShiftRight<32>(c0);
    auto c2 = hn::Set(d, step), c3 = hn::ShiftRight<32>(c2);
    uint32_t k0 = key.seed, k1 = key.name;
    for (int round = 0; round < 10; ++round) {
      const auto p0 = hn::MulEven(hn::BitCast(d32, c0), hn::Set(d32, 0xD2511F53u));
      const auto p1 = hn::MulEven(hn::BitCast(d32, c2), hn::Set(d32, 0xCD9E8D57u));
      c0 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p1), c1), hn::Set(d, uint64_t{k0}));
      c2 = hn::Xor(hn::Xor(hn::ShiftRight<32>(p0), c3), hn::Set(d, uint64_t{k1}));
      c1 = p1, c3 = p0;
      k0 += 0x9E3779B9u, k1 += 0xBB67AE85u;
    }
    const auto low = hn::Or(hn::And(c0, half), hn::ShiftLeft<32>(c1));
    const auto high = hn::Or(hn::And(c2, half), hn::ShiftLeft<32>(c3));
    hn::StoreInterleaved2(low, high, d, reinterpret_cast<uint64_t*>(words + 4 * i));
  }
}
#endif

void run_dropout(const Args& args) {
  const Tensor &x = args.in[0], &y = args.out[0], &mask = args.out[1];
  const double p = args.attrs->real(dropout_attr::p);
  const auto limit = static_cast<float>(p);
  const float factor[] = {0, dropout_scale<float>(p)};  // a branch would be guessed wrong
  const int64_t width = x.batch.width, features = x.features;
  const int64_t runs = (features + kWordRun - 1) / kWordRun;
  for_ranges(args, x.batch.capacity() * runs, 32, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kWordRun + 4 * (kMostBlocks + 1)];
    for (int64_t task = begin; task < end; ++task) {
      const int64_t s = task / width / runs, f = task / width % runs * kWordRun;
      const int64_t lane = task % width, n = s * width + lane;
      const int64_t count = std::min(kWordRun, features - f);
      const auto element = static_cast<uint64_t>((args.first + n) * features + f);
      const auto skipped = static_cast<int64_t>(element % 4);
      philox_words(args.key, static_cast<uint64_t>(args.step->step), element / 4, skipped + count,
                   words);
      const int64_t at = f * width + lane;
      const float* from = x.slice<float>(s) + at;
      float* to = y.slice<float>(s) + at;
      uint8_t* kept = mask.slice<uint8_t>(s) + at;
      for (int64_t i = 0; i < count; ++i) {
        const uint8_t keeps = dropout_keeps(words[skipped + i], limit) ? 1 : 0;
        kept[i * width] = keeps;
        to[i * width] = from[i * width] * factor[keeps];
      }
    }
  });
}

void run_dropout_grad(const Args& args) {
  constexpr int64_t kRun = 16384;  // elements
  const Tensor &dy = args.in[0], &mask = args.in[1], &dx = args.out[0];
  const auto scale = dropout_scale<float>(args.attrs->real(dropout_attr::p));
  for_ranges(args, dx.elements(), kRun, [&](int64_t begin, int64_t end) HWY_ATTR {
    const float* from = dy.as<float>() + begin;
    const uint8_t* kept = mask.as<uint8_t>() + begin;
    float* to = dx.as<float>() + begin;
    for_lanes(end - begin, [=](auto d, int64_t i) HWY_ATTR {
      const hn::RebindToSigned<decltype(d)> di;
      const hn::Rebind<uint8_t, decltype(d)> d8;
      const auto ones = hn::ConvertTo(d, hn::PromoteTo(di, hn::LoadU(d8, kept + i)));
      hn::StoreU(hn::Mul(hn::LoadU(d, from + i), hn::Mul(ones, hn::Set(d, scale))), d, to + i);
    });
  });
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_dropout);
HWY_EXPORT(run_dropout_grad);

void dropout_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_dropout)(args); }
void dropout_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_dropout_grad)(args); }

}  // namespace cairn
#endif
