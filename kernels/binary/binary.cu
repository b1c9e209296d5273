// One thread an element (kernels/reduce/broadcast.cuh): 4 bytes read an input, 4 written.
#include "kernels/binary/binary.h"
#include "kernels/reduce/broadcast.cuh"

namespace cairn {
namespace {

template <Binary f>
struct Function {
  __device__ float operator()(const float (&v)[2]) const { return apply<f>(v[0], v[1]); }
};
struct MaximumGrad {
  __device__ float operator()(const float (&v)[3]) const { return maximum_grad(v[0], v[1], v[2]); }
};
struct PowDa {
  __device__ float operator()(const float (&v)[3]) const { return pow_da(v[0], v[1], v[2]); }
};
struct PowDb {
  __device__ float operator()(const float (&v)[4]) const { return pow_db(v[0], v[1], v[2], v[3]); }
};

template <Binary f>
void launch_function(const Args& args, CudaContext& context) {
  launch_broadcast(context, Function<f>(), args.out[0], args.in[0], args.in[1]);
}

}  // namespace

void add_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::add>(args, context);
}
void sub_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::sub>(args, context);
}
void mul_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::mul>(args, context);
}
void div_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::div>(args, context);
}
void minimum_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::minimum>(args, context);
}
void maximum_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::maximum>(args, context);
}
void pow_cuda(const Args& args, CudaContext& context) {
  launch_function<Binary::pow>(args, context);
}
void maximum_grad_cuda(const Args& args, CudaContext& context) {
  launch_broadcast(context, MaximumGrad(), args.out[0], args.in[0], args.in[1], args.in[2]);
}
void pow_da_cuda(const Args& args, CudaContext& context) {
  launch_broadcast(context, PowDa(), args.out[0], args.in[0], args.in[1], args.in[2]);
}
void pow_db_cuda(const Args& args, CudaContext& context) {
  launch_broadcast(context, PowDb(), args.out[0], args.in[0], args.in[1], args.in[2], args.in[3]);
}

}  // namespace cairn
