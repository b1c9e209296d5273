// Gradients of activation functions as the last step of other ops' gradients (unary.h,
// activation_grad_fusions).
#if defined(KERNELS_UNARY_ONWARD_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef KERNELS_UNARY_ONWARD_INL_H_
#undef KERNELS_UNARY_ONWARD_INL_H_
#else
#define KERNELS_UNARY_ONWARD_INL_H_
#endif

#include "kernels/unary/activation-inl.h"
#include "kernels/unary/elementwise-inl.h"

HWY_BEFORE_NAMESPACE();
namespace cairn::HWY_NAMESPACE {

/// The end of a gradient: what reaches an op's input goes on through the function whose output y
/// that was.
struct Onward {
  Activation activation;
  const Tensor& y;

  Onward(const Args& args, int attribute, const Tensor& y)
      : activation(static_cast<Activation>(args.attrs->integer(attribute))), y(y) {}

  /// dx[at...] = value, for elements of slice k.
  template <class D, class V = hn::Vec<D>>
  HWY_INLINE void store(D d, V value, int64_t k, int64_t at, float* dx) const {
    if (activation != Activation::none)
      value = ActivateGrad(d, activation, hn::LoadU(d, y.slice<float>(k) + at), value);
    hn::StoreU(value, d, dx + at);
  }

  /// The same for dx[0] ..., in place.
  void finish(int64_t k, int64_t at, int64_t elements, float* dx) const {
    if (activation == Activation::none) return;
    map_run(
        elements,
        [this](auto d, auto value, auto of)
            HWY_ATTR { return ActivateGrad(d, activation, of, value); },
        dx, static_cast<const float*>(dx), y.slice<float>(k) + at);
  }
};

}  // namespace cairn::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif
