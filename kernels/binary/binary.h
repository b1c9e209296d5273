// Functions of two tensors, element by element, with broadcasting.
//
//   add: y = a + b    sub: y = a - b    mul: y = a b    div: y = a / b    pow: y = a^b
//   minimum, maximum:  y = the smaller, or larger, of a and b
//   maximum_grad:      da = dy where a > b, dy / 2 where a = b, else 0: of maximum by a. With a and
//                      b exchanged it is maximum's by b, and minimum's by a
//   pow_da: da = dy b a^(b-1), 0 where b = 0
//   pow_db: db = dy y log a, 0 where a = 0 and b >= 0
//
// Both batched or both plain. Shapes meet at their ends, and a size of one, or an axis that one of
// them lacks, stands for any size (as in numpy); of batched tensors only the shapes of one example
// meet. The gradients take a and b as the function does, the others in the shape of the result, and
// give that shape. NaN wins in minimum and maximum and 0 counts as above -0; maximum_grad passes dy
// on where a or b is NaN (as in PyTorch). Errors: a batched and a plain tensor, sizes that can't be
// broadcast. Sources: He et al. 2015, "Deep residual learning for image recognition" (the shortcut
// is an add); Harris et al. 2020, "Array programming with NumPy" (broadcasting).
#pragma once

#include <cmath>

#include "core/host_device.h"
#include "core/op.h"
#include "kernels/reduce/reduce.h"

namespace cairn {

enum class Binary : int { add, sub, mul, div, minimum, maximum, pow };

template <Binary f, class Real>
CAIRN_HD Real apply(Real a, Real b) {
  if constexpr (f == Binary::add) return a + b;
  if constexpr (f == Binary::sub) return a - b;
  if constexpr (f == Binary::mul) return a * b;
  if constexpr (f == Binary::div) return a / b;
  if constexpr (f == Binary::minimum) return extremum<false>(a, b);
  if constexpr (f == Binary::maximum) return extremum<true>(a, b);
  if constexpr (f == Binary::pow) return std::pow(a, b);
}

template <class Real>
CAIRN_HD Real maximum_grad(Real a, Real b, Real dy) {
  return a < b ? Real{0} : a == b ? dy / 2 : dy;
}
template <class Real>
CAIRN_HD Real pow_da(Real a, Real b, Real dy) {
  return b == 0 ? Real{0} : dy * (b * std::pow(a, b - 1));
}
template <class Real>
CAIRN_HD Real pow_db(Real a, Real b, Real y, Real dy) {
  return dy * (a == 0 && b >= 0 ? Real{0} : y * std::log(a));
}

template <class Real, Binary f>
void binary_ref(const Args& args);
template <class Real>
void maximum_grad_ref(const Args& args);
template <class Real>
void pow_da_ref(const Args& args);
template <class Real>
void pow_db_ref(const Args& args);

void add_cpu(const Args& args);
void sub_cpu(const Args& args);
void mul_cpu(const Args& args);
void div_cpu(const Args& args);
void minimum_cpu(const Args& args);
void maximum_cpu(const Args& args);
void pow_cpu(const Args& args);
void maximum_grad_cpu(const Args& args);
void pow_da_cpu(const Args& args);
void pow_db_cpu(const Args& args);

void add_cuda(const Args& args, CudaContext& context);
void sub_cuda(const Args& args, CudaContext& context);
void mul_cuda(const Args& args, CudaContext& context);
void div_cuda(const Args& args, CudaContext& context);
void minimum_cuda(const Args& args, CudaContext& context);
void maximum_cuda(const Args& args, CudaContext& context);
void pow_cuda(const Args& args, CudaContext& context);
void maximum_grad_cuda(const Args& args, CudaContext& context);
void pow_da_cuda(const Args& args, CudaContext& context);
void pow_db_cuda(const Args& args, CudaContext& context);

}  // namespace cairn
