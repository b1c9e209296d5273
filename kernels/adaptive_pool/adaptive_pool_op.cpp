#include "kernels/adaptive_pool/adaptive_pool.h"

#include <limits>

#include <fmt/format.h>

#include "core/autodiff.h"

namespace cairn {
namespace {

constexpr double kMaxSize = 1 << 24;

constexpr AttrDef kAdaptiveAttrs[] = {
    {.name = "output_size", .initial = 1, .min = 0, .max = kMaxSize, .count = 2}};
constexpr AttrDef kGradAttrs[] = {
    {.name = "input_size", .initial = 1, .min = 1, .max = kMaxSize, .count = 2}};

void expect_planes(const OpTypes& t) {
  const Shape& x = t.shape(0);
  expect(x.rank() == 3 && x[1] > 0 && x[2] > 0, t.op,
         fmt::format("x of one example has shape {}, (C,H,W) is needed", to_string(x)));
}

void infer_adaptive(const OpTypes& t) {
  expect_planes(t);
  const Shape& x = t.shape(0);
  const int64_t h = t.attrs.integer(0, 0), w = t.attrs.integer(0, 1);
  t.set_out(0, {x[0], h == 0 ? x[1] : h, w == 0 ? x[2] : w});
}

void infer_global(const OpTypes& t) {
  expect_planes(t);
  t.set_out(0, {t.shape(0)[0]});
}

template <int rank>
void infer_grad(const OpTypes& t) {
  const Shape& dy = t.shape(0);
  expect(dy.rank() == rank && dy.elements() > 0, t.op,
         fmt::format("dy {} must be {}", to_string(dy), rank == 1 ? "(C)" : "(C,OH,OW)"));
  t.set_out(0, {dy[0], t.attrs.integer(0, 0), t.attrs.integer(0, 1)});
}

/// An operation for each place of a window, and one for the window.
Cost cost(const OpTypes& t) {
  Cost cost = stream_cost(t, 1);
  cost.flops += t.in_elements(0);
  return cost;
}
Cost cost_grad(const OpTypes& t) { return stream_cost(t, 1); }

void gradient(GradientRule& rule) {
  const Shape x = rule.graph()[rule.in(0)].type.shape;
  const double size[] = {static_cast<double>(x[1]), static_cast<double>(x[2])};
  rule.set(0, rule.emit(fmt::format("{}_grad", rule.op_name()), {rule.dout(0)},
                        Attrs(kGradAttrs).set("input_size", size)));
}

constexpr InputDef kInputs[] = {{"x"}};
constexpr OutputDef kOutputs[] = {{"y"}};
constexpr InputDef kGradInputs[] = {{"dy"}};
constexpr OutputDef kGradOutputs[] = {{"dx"}};

// Golden values: tests/oracle/pool.py.
constexpr double kX[] = {-1.25, 0,    1.25,  -0.75, 0.5,  -1.5, -0.25, 1,    -1,   0.25,
                         1.5,   -0.5, 0.75,  -1.25, 0,    1.25, -0.75, 0.5,  -1.5, -0.25,
                         1,     -1,   0.25,  1.5,   -0.5, 0.75, -1.25, 0,    1.25, -0.75,
                         0.5,   -1.5, -0.25, 1,     -1,   0.25, 1.5,   -0.5, 0.75, -1.25};
constexpr double kY[] = {-0.75,  0.5,   0.125,  -0.25, -0.1875, 0.25,    -0.125, -0.5,
                         0.375,  0,     -0.375, -0.75, -0.125,  -0.5,    0.75,   0.375,
                         -0.375, -0.75, 0.5,    0.125, 0.1875,  -0.1875, 0.25,   -0.125};
constexpr double kDy[] = {-0.25, 0.5,  -0.5,  0.25,  -0.75, 0,     0.75,  -0.25,
                          0.5,   -0.5, 0.25,  -0.75, 0,     0.75,  -0.25, 0.5,
                          -0.5,  0.25, -0.75, 0,     0.75,  -0.25, 0.5,   -0.5};
constexpr double kDx[] = {-0.0625, 0.0625,  0,       -0.0625, 0.0625, -0.25,  -0.125, 0.1875,
                          0.0625,  0,       -0.0625, -0.1875, 0.125,  0,      -0.25,  0.125,
                          0,       -0.0625, -0.125,  -0.1875, 0,      0.1875, 0.125,  0.0625,
                          0.125,   -0.125,  0.125,   0,       -0.125, 0.125,  0.0625, 0.0625,
                          -0.0625, -0.1875, -0.125,  0.1875,  0.125,  0.0625, 0,      -0.125};
constexpr double kWideX[] = {-1.25, 0, 1.25, -0.75, 0.5, -1.5, -0.25, 1, -1, 0.25, 1.5, -0.5};
constexpr double kWideY[] = {-1.25, -1.25, -0.625, 0,   0,   0.625, 1.25, 1.25,
                             -0.75, -0.75, -0.125, 0.5, 0.5, -0.5,  -1.5, -1.5,
                             -0.25, -0.25, 0.375,  1,   1,   0,     -1,   -1,
                             0.25,  0.25,  0.875,  1.5, 1.5, 0.5,   -0.5, -0.5};
constexpr double kWideDy[] = {-0.25, 0.5,   -0.5,  0.25,  -0.75, 0,     0.75,  -0.25,
                              0.5,   -0.5,  0.25,  -0.75, 0,     0.75,  -0.25, 0.5,
                              -0.5,  0.25,  -0.75, 0,     0.75,  -0.25, 0.5,   -0.5,
                              0.25,  -0.75, 0,     0.75,  -0.25, 0.5,   -0.5,  0.25};
constexpr double kWideDx[] = {0,      -0.75, 0.5,    0.125, -0.25, 0.625,
                              -0.625, 0.25,  -0.125, -0.5,  0.75,  0};
constexpr double kGlobalX[] = {-1.25, 0,    1.25, -0.75, 0.5,  -1.5,  -0.25, 1,
                               -1,    0.25, 1.5,  -0.5,  0.75, -1.25, 0,     1.25,
                               -0.75, 0.5,  -1.5, -0.25, 1,    -1,    0.25,  1.5};
constexpr double kGlobalY[] = {-0.291666666667, 0.166666666667, 0.0833333333333, 0};
constexpr double kGlobalDy[] = {-0.25, 0.5, -0.5, 0.25};
constexpr double kGlobalDx[] = {
    -0.0416666666667, -0.0416666666667, -0.0416666666667, -0.0416666666667, -0.0416666666667,
    -0.0416666666667, 0.0833333333333,  0.0833333333333,  0.0833333333333,  0.0833333333333,
    0.0833333333333,  0.0833333333333,  -0.0833333333333, -0.0833333333333, -0.0833333333333,
    -0.0833333333333, -0.0833333333333, -0.0833333333333, 0.0416666666667,  0.0416666666667,
    0.0416666666667,  0.0416666666667,  0.0416666666667,  0.0416666666667};
// A NaN, infinities of one sign and of both.
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kSpecialX[] = {kNan, 1, -kInf, 2, kInf, -kInf, 3, 5};
constexpr double kSpecialY[] = {kNan, -kInf, kNan, 4};

constexpr Case kAdaptiveCases[] = {
    {.name = "golden",
     .attrs = "output_size=3,4",
     .inputs = {{{.shape = {1, 4, 5}, .values = kX}}},
     .expect = {kY}},
    {.name = "wide",
     .attrs = "output_size=0,8",
     .inputs = {{{.shape = {1, 2, 3}, .values = kWideX}}},
     .expect = {kWideY}},
    {.name = "special",
     .attrs = "output_size=1,4",
     .n = 1,
     .inputs = {{{.shape = {1, 1, 8}, .values = kSpecialX}}},
     .expect = {kSpecialY}},
    {.name = "one_place", .n = 1, .inputs = {{{.shape = {3, 1, 1}}}}},
    {.name = "overlapping", .attrs = "output_size=3", .n = 17, .inputs = {{{.shape = {3, 7, 8}}}}},
    {.name = "vgg",
     .attrs = "output_size=7",
     .n = 33,
     .inputs = {{{.shape = {16, 14, 14}}}},
     .bench = true},
    {.name = "flat", .inputs = {{{.shape = {16}}}}, .error = "shape (16), (C,H,W) is needed"},
    {.name = "negative",
     .attrs = "output_size=-1",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "output_size=-1 is out of range"},
    {.name = "kernel_size",
     .attrs = "kernel_size=2",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "has no attribute 'kernel_size'"},
};
constexpr Case kGlobalCases[] = {
    {.name = "golden",
     .inputs = {{{.shape = {2, 2, 3}, .values = kGlobalX}}},
     .expect = {kGlobalY}},
    {.name = "special",
     .n = 1,
     .inputs = {{{.shape = {4, 1, 2}, .values = kSpecialX}}},
     .expect = {kSpecialY}},
    {.name = "one_place", .n = 1, .inputs = {{{.shape = {3, 1, 1}}}}},
    {.name = "odd", .n = 17, .inputs = {{{.shape = {3, 7, 5}}}}},
    {.name = "resnet", .n = 33, .inputs = {{{.shape = {64, 8, 8}}}}, .bench = true},
    {.name = "flat", .inputs = {{{.shape = {16}}}}, .error = "shape (16), (C,H,W) is needed"},
    {.name = "empty", .inputs = {{{.shape = {2, 0, 3}}}}, .error = "shape (2, 0, 3)"},
    {.name = "output_size",
     .attrs = "output_size=1",
     .inputs = {{{.shape = {1, 4, 4}}}},
     .error = "has no attribute 'output_size'"},
};
constexpr Case kAdaptiveGradCases[] = {
    {.name = "golden",
     .attrs = "input_size=4,5",
     .inputs = {{{.shape = {1, 3, 4}, .values = kDy}}},
     .expect = {kDx}},
    {.name = "wide",
     .attrs = "input_size=2,3",
     .inputs = {{{.shape = {1, 2, 8}, .values = kWideDy}}},
     .expect = {kWideDx}},
    {.name = "tiles", .attrs = "input_size=6,4", .n = 17, .inputs = {{{.shape = {3, 3, 2}}}}},
    {.name = "vgg",
     .attrs = "input_size=14",
     .n = 33,
     .inputs = {{{.shape = {16, 7, 7}}}},
     .bench = true},
    {.name = "flat", .inputs = {{{.shape = {16}}}}, .error = "dy (16) must be (C,OH,OW)"},
    {.name = "empty", .inputs = {{{.shape = {2, 0, 3}}}}, .error = "dy (2, 0, 3) must be"},
    {.name = "no_size",
     .attrs = "input_size=0",
     .inputs = {{{.shape = {1, 1, 1}}}},
     .error = "input_size=0 is out of range"},
};
constexpr Case kGlobalGradCases[] = {
    {.name = "golden",
     .attrs = "input_size=2,3",
     .inputs = {{{.shape = {2}, .values = kGlobalDy}}},
     .expect = {kGlobalDx}},
    {.name = "odd", .attrs = "input_size=7,5", .n = 17, .inputs = {{{.shape = {3}}}}},
    {.name = "resnet",
     .attrs = "input_size=8",
     .n = 33,
     .inputs = {{{.shape = {64}}}},
     .bench = true},
    {.name = "planes", .inputs = {{{.shape = {2, 1, 1}}}}, .error = "dy (2, 1, 1) must be (C)"},
    {.name = "empty", .inputs = {{{.shape = {0}}}}, .error = "dy (0) must be (C)"},
    {.name = "no_size",
     .attrs = "input_size=0",
     .inputs = {{{.shape = {1}}}},
     .error = "input_size=0 is out of range"},
};

consteval OpDef pool(OpDef op) {
  op.inputs = kInputs, op.outputs = kOutputs;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.cpu = adaptive_avg_pool2d_cpu;
  op.cuda = cuda_twin(adaptive_avg_pool2d_cuda);
  op.gradient = gradient, op.cost = cost, op.fusions = none;
  return checked(op);
}
consteval OpDef pool_grad(OpDef op) {
  op.inputs = kGradInputs, op.outputs = kGradOutputs, op.attrs = kGradAttrs;
  op.scope = Scope::per_example;
  op.workspace = no_workspace;
  op.cpu = adaptive_avg_pool2d_grad_cpu;
  op.cuda = cuda_twin(adaptive_avg_pool2d_grad_cuda);
  op.gradient = not_differentiable, op.cost = cost_grad, op.fusions = none;
  return checked(op);
}
constexpr Reference kPool{adaptive_avg_pool2d_ref<float>, adaptive_avg_pool2d_ref<double>};
constexpr Reference kPoolGrad{adaptive_avg_pool2d_grad_ref<float>,
                              adaptive_avg_pool2d_grad_ref<double>};

constexpr OpDef kOps[] = {
    pool({.name = "adaptive_avg_pool2d",
          .attrs = kAdaptiveAttrs,
          .infer = infer_adaptive,
          .reference = kPool,
          .cases = kAdaptiveCases}),
    pool({.name = "global_avg_pool2d",
          .attrs = none,
          .infer = infer_global,
          .reference = kPool,
          .cases = kGlobalCases}),
    pool_grad({.name = "adaptive_avg_pool2d_grad",
               .infer = infer_grad<3>,
               .reference = kPoolGrad,
               .cases = kAdaptiveGradCases}),
    pool_grad({.name = "global_avg_pool2d_grad",
               .infer = infer_grad<1>,
               .reference = kPoolGrad,
               .cases = kGlobalGradCases}),
};

}  // namespace

extern const std::span<const OpDef> adaptive_pool_ops;
constinit const std::span<const OpDef> adaptive_pool_ops{kOps};

}  // namespace cairn
