// One pass over each slice: 4 bytes read an input, from the cache where it is broadcast, and 4
// written an element. Powers are taken lane by lane: their exact rounding matters more than time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/binary/binary_cpu.cpp"
#include <hwy/foreach_target.h>
// Highway wants foreach_target first.
#include "kernels/binary/binary.h"
#include "kernels/reduce/broadcast-inl.h"
#include "kernels/reduce/extremum-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// y = f(a, b) of vectors.
template <class F>
HWY_INLINE void map_binary(const Args& args, F f) {
  map_broadcast(
      args, [f](auto, auto a, auto b) HWY_ATTR { return f(a, b); }, args.out[0], args.in[0],
      args.in[1]);
}

/// y = f(in...) of single numbers.
template <class F, class... In>
HWY_INLINE void map_lanes(const Args& args, F f, const In&... in) {
  const auto vectors = [f](auto d, auto... v) HWY_ATTR {
    constexpr size_t kMost = HWY_MAX_BYTES / sizeof(float);
    HWY_ALIGN float given[sizeof...(v)][kMost], found[kMost];
    size_t k = 0;
    (hn::StoreU(v, d, given[k++]), ...);
    const auto at = [&]<size_t... K>(size_t lane, std::index_sequence<K...>) {
      found[lane] = f(given[K][lane]...);
    };
    for (size_t lane = 0; lane < hn::Lanes(d); ++lane)
      at(lane, std::make_index_sequence<sizeof...(v)>());
    return hn::LoadU(d, found);
  };
  map_broadcast(args, vectors, args.out[0], in...);
}

void run_add(const Args& args) {
  map_binary(args, [](auto a, auto b) HWY_ATTR { return hn::Add(a, b); });
}
void run_sub(const Args& args) {
  map_binary(args, [](auto a, auto b) HWY_ATTR { return hn::Sub(a, b); });
}
void run_mul(const Args& args) {
  map_binary(args, [](auto a, auto b) HWY_ATTR { return hn::Mul(a, b); });
}
void run_div(const Args& args) {
  map_binary(args, [](auto a, auto b) HWY_ATTR { return hn::Div(a, b); });
}
void run_minimum(const Args& args) {
  map_binary(args, [](auto a, auto b) HWY_ATTR { return Extremum<false>(a, b); });
}
void run_maximum(const Args& args) {
  map_binary(args, [](auto a, auto b) HWY_ATTR { return Extremum<true>(a, b); });
}
void run_pow(const Args& args) {
  map_lanes(args, apply<Binary::pow, float>, args.in[0], args.in[1]);
}

void run_maximum_grad(const Args& args) {
  map_broadcast(
      args,
      [](auto d, auto a, auto b, auto dy) HWY_ATTR {
        const auto half = hn::Mul(dy, hn::Set(d, 0.5f));
        return hn::IfThenZeroElse(hn::Lt(a, b), hn::IfThenElse(hn::Eq(a, b), half, dy));
      },
      args.out[0], args.in[0], args.in[1], args.in[2]);
}
void run_pow_da(const Args& args) {
  map_lanes(args, pow_da<float>, args.in[0], args.in[1], args.in[2]);
}
void run_pow_db(const Args& args) {
  map_lanes(args, pow_db<float>, args.in[0], args.in[1], args.in[2], args.in[3]);
}

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace cairn {

HWY_EXPORT(run_add);
HWY_EXPORT(run_sub);
HWY_EXPORT(run_mul);
HWY_EXPORT(run_div);
HWY_EXPORT(run_minimum);
HWY_EXPORT(run_maximum);
HWY_EXPORT(run_pow);
HWY_EXPORT(run_maximum_grad);
HWY_EXPORT(run_pow_da);
HWY_EXPORT(run_pow_db);

void add_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_add)(args); }
void sub_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_sub)(args); }
void mul_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_mul)(args); }
void div_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_div)(args); }
void minimum_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_minimum)(args); }
void maximum_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_maximum)(args); }
void pow_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_pow)(args); }
void maximum_grad_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_maximum_grad)(args); }
void pow_da_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_pow_da)(args); }
void pow_db_cpu(const Args& args) { HWY_DYNAMIC_DISPATCH(run_pow_db)(args); }

}  // namespace cairn
#endif
