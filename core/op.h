// An op is a row of data: everything that the rest of Cairn knows of it stands in one OpDef.
//
// Graph, autodiff, fusion, planner, executor, tests and benchmarks loop over rows; none of them
// knows an op by name. A folder of kernels/ exports an array of rows; CMake makes the table from
// the folder names.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "core/attrs.h"
#include "core/random.h"
#include "core/step_state.h"
#include "core/tensor.h"

namespace cairn {

class ThreadPool;
class GradientRule;
class Lowering;
struct CudaContext;

/// How an op treats the examples of a batch; it decides where the planner may slice.
enum class Scope : uint8_t {
  unset,
  per_example,      // example n of each output depends on example n of the inputs alone
  sums_over_batch,  // some outputs are sums over the examples, the others are per example
  whole             // it must see all at once, or has no batch
};

enum class Layout : uint8_t { batched, plain, any };  // any: as the first input
enum class Use : uint8_t {
  read,
  optional,
  mutated,
  constant  // no gradient is made for it, and asking for one is an error
};

/// A named input. DType::f32 stands for the run's real type: float64 in a float64 reference run.
struct InputDef {
  std::string_view name;
  Layout layout = Layout::batched;
  Use use = Use::read;
  DType dtype = DType::f32;
};

/// A named output. A `sum` is plain and an accumulator: the kernel adds to what is there, and the
/// executor clears it beforehand unless it stands for an accumulated state, or says that it is to
/// be set (OpDef::sets_sums). One that a CompanionRule asks for has no elements elsewhere.
struct OutputDef {
  std::string_view name;
  Layout layout = Layout::batched;
  bool sum = false;
  DType dtype = DType::f32;
};

/// The types at a node, for shape rules, workspace and cost.
struct OpTypes {
  std::span<const TensorType> in;  // rank -1 entries do not occur: an absent input has has_in false
  std::span<TensorType> out;
  const Attrs& attrs;
  uint32_t present = ~0u;    // bit i: input i is given
  int64_t n = 1;             // examples of the batch (cost and workspace)
  std::string_view op = "";  // the op's name, for messages

  bool has(int i) const { return (present >> i) & 1u; }
  const Shape& shape(int i) const { return in[static_cast<size_t>(i)].shape; }
  void set_out(int i, const Shape& shape) const { out[static_cast<size_t>(i)].shape = shape; }
  /// Elements of input or output i, all examples counted.
  double in_elements(int i) const;
  double out_elements(int i) const;
};

/// Bytes that must move and floating-point operations that must be done, for the whole batch.
struct Cost {
  double bytes = 0;
  double flops = 0;
};

/// What a kernel is called with. Batched tensors are whole or narrowed to one slice; `first` is the
/// batch index of the first example that they hold.
struct Args {
  const Tensor* in = nullptr;  // an absent optional input has data == nullptr
  const Tensor* out = nullptr;
  const Attrs* attrs = nullptr;
  StepState* step = nullptr;  // device memory on CUDA
  void* workspace = nullptr;  // CUDA: for the call alone; CPU: what OpDef::prepare made
  PhiloxKey key;
  int64_t first = 0;
  bool sets = false;  // CUDA, an op that sets_sums: what its sums held before counts for nothing
  ThreadPool* pool =
      nullptr;  // CPU: threads for a call that is not one slice of many; else nullptr

  /// Examples among the lanes of slice s that are real (host memory only).
  int64_t valid_lanes(const Tensor& t, int64_t s) const {
    return step->valid_lanes(first + s * t.batch.width, t.batch.width);
  }
};

using InferFn = void (*)(const OpTypes&);
using WorkspaceFn = int64_t (*)(const OpTypes&);
using CostFn = Cost (*)(const OpTypes&);
using KernelFn = void (*)(const Args&);
using CudaFn = void (*)(const Args&, CudaContext&);
using GradientFn = void (*)(GradientRule&);
using LowerFn = void (*)(Lowering&);

/// What a CPU version makes of its plain inputs once a run, for the calls of all slices: how many
/// bytes for slices of `width` examples, and the function that fills Args::workspace with them. The
/// call's batched tensors are of one slice; only their shapes count.
struct Preparation {
  int64_t (*bytes)(const OpTypes&, int64_t width) = nullptr;
  KernelFn run = nullptr;
};

/// A function that tells "given" from "forgotten". (With -fsanitize=undefined g++ can't compare the
/// address of a function with null at compile time.)
template <class F>
struct Given {
  F function = nullptr;
  bool given = false;

  constexpr Given() = default;
  constexpr Given(F f) : function(f), given(true) {}
  constexpr operator F() const { return function; }
};

/// The reference: one template, instantiated for both real types.
struct Reference {
  Given<KernelFn> f32;
  Given<KernelFn> f64;
};

/// Op `absorbed` may vanish into this one where it alone reads output 0, as input `reads`: this one
/// then gets attribute `attr` = `value`, and the other's other input of two as input `operand`.
struct FusionRule {
  std::string_view absorbed;
  std::string_view attr;
  double value = 0;
  int operand = -1;  // an optional input; -1: the other op has one input
  int reads = 0;
};

/// Where op `first` makes input 0 of this one, both become op `into`: its inputs are the first's
/// and then this one's others, its outputs this one's and then the first's. For ops without
/// attributes.
struct MergeRule {
  std::string_view first, into;
};

/// Op `absorbed` may vanish into an earlier node of this op's that has all it reads: `reads` names
/// for each of its inputs the input or output of this op that it is, or the optional input, absent
/// so far, that it becomes. What it made is this op's `output` from then on. Attributes of both
/// have the same values.
struct CompanionRule {
  std::string_view absorbed;
  std::array<std::string_view, 4> reads;
  std::string_view output;     // without elements unless asked for
  std::string_view flag = {};  // the attribute that asks for it, where no optional input does
};

/// How a test fills an input that has no given values.
enum class Fill : uint8_t {
  normal,    // standard normal
  spread,    // distinct values in (-1, 1), none within 1/(2 elements) of zero or of each other: no
             // kinks
  unit,      // uniform in (0, 1)
  positive,  // uniform in (0.5, 1.5): away from zero
  labels,    // whole numbers 0 ... range-1
  zeros
};

struct CaseInput {
  Shape shape;  // of one example where batched; the port says which
  Fill fill = Fill::normal;
  double range = 10;
  std::span<const double> values = {};  // PyTorch's order; overrides fill
};

/// A row of tests and benchmarks.
struct Case {
  std::string_view name;
  std::string_view attrs = "";
  int64_t n = 2;  // examples
  std::array<CaseInput, 8> inputs = {};
  // Golden values from outside Cairn: outputs, then mutated inputs, in order; empty spans are not
  // compared.
  std::array<std::span<const double>, 6> expect = {};
  std::string_view error = "";  // the row is bad input, refused with a message that holds this text
  StepState step = {};          // n_valid is set to n where it is 0
  StepState expect_step = {};   // compared where the op advances the step
  int64_t least_valid = 1;      // real examples; the op refuses fewer
  bool bench = false;           // a benchmark row as well
};

/// A list that tells "none" from "forgotten".
struct None {};
inline constexpr None none;
template <class T>
struct Rows {
  std::span<const T> items;
  bool given = false;

  constexpr Rows() = default;
  constexpr Rows(None) : given(true) {}
  template <size_t N>
  constexpr Rows(const T (&array)[N]) : items(array), given(true) {}
  constexpr Rows(std::span<const T> span) : items(span), given(true) {}
  constexpr auto begin() const { return items.begin(); }
  constexpr auto end() const { return items.end(); }
  constexpr size_t size() const { return items.size(); }
  constexpr const T& operator[](size_t i) const { return items[i]; }
};

struct OpDef {
  std::string_view name;
  Rows<InputDef> inputs = {};
  Rows<OutputDef> outputs = {};
  Rows<AttrDef> attrs = {};
  Scope scope = Scope::unset;
  Given<InferFn> infer = {};
  Given<WorkspaceFn> workspace = {};  // bytes on CUDA; no_workspace
  Reference reference = {};
  KernelFn cpu = nullptr;           // optional: the reference serves where it doesn't pay
  Preparation prepare = {};         // optional, of that
  LowerFn lower = nullptr;          // optional: a `whole` op as nodes that pass slice by slice
  Given<CudaFn> cuda = {};          // cuda_twin(f)
  Given<GradientFn> gradient = {};  // not_differentiable
  Given<CostFn> cost = {};
  Rows<FusionRule> fusions = {};
  std::span<const MergeRule> merges = {};
  std::span<const CompanionRule> companions = {};
  int factors = 0;  // leading inputs that are multiplied with each other, and summed (core/mixed.h)
  Rows<Case> cases = {};
  bool advances_step = false;    // it writes StepState
  bool bit_exact = false;        // the CPU version gives the float32 reference's bits
  bool zeroes_spare = false;     // a loss's gradient: zero at spare examples
  bool cheap = false;            // it may be made again where it is needed (core/rematerialize.h)
  bool lanes_of_places = false;  // the CPU version fills vectors with places: few examples will do
  bool sets_sums = false;        // the CUDA version sets its sums where Args::sets, adds elsewhere
  bool shares_weights = false;   // the CPU version, given all slices, reads each weight once: where
                                 // that pays it isn't called slice by slice (SharedWeights)
};

int64_t no_workspace(const OpTypes&);
/// A gradient rule that is a clear error: the op's name and that it has no derivative.
void not_differentiable(GradientRule&);
/// Every input and output once through memory, and `per_output` operations for each element of
/// output 0.
Cost stream_cost(const OpTypes& t, double per_output);

#ifdef CAIRN_WITH_CUDA
constexpr bool kCudaBuild = true;
#else
constexpr bool kCudaBuild = false;
#endif

/// The CUDA version in a build that has CUDA: a missing one is a link error that names it.
constexpr CudaFn cuda_twin(CudaFn f) { return kCudaBuild ? f : nullptr; }

/// Refuses a row with an empty field at compile time.
consteval OpDef checked(OpDef op) {
  if (op.name.empty()) throw "an op needs a name";
  if (!op.inputs.given || !op.outputs.given) throw "inputs and outputs: list them, or write none";
  if (!op.attrs.given) throw "attrs: list them, or write none";
  if (op.attrs.size() > size_t{kMaxAttrs}) throw "too many attributes";
  if (op.scope == Scope::unset) throw "scope: per_example, sums_over_batch or whole";
  if (!op.infer.given) throw "infer: the shape rule is missing";
  if (!op.workspace.given) throw "workspace: give a function, or no_workspace";
  if (!op.reference.f32.given || !op.reference.f64.given)
    throw "reference: both real types are needed";
  if (kCudaBuild && !op.cuda.given) throw "cuda: cuda_twin(NAME_cuda) is missing";
  if (!op.gradient.given) throw "gradient: give a rule, or not_differentiable";
  if (!op.cost.given) throw "cost: bytes and flops are missing";
  if (!op.fusions.given) throw "fusions: list them, or write none";
  if (op.cases.size() == 0) throw "cases: an op needs test rows";
  return op;
}

/// Checks a shape rule's condition: an Error that begins with the op's name.
void expect(bool condition, std::string_view op, const std::string& what);

/// The axis of one example that `dim` means. It counts as in PyTorch: a batched tensor's axis 0 is
/// the batch, negative ones count from the end. An Error that begins with the op's name where it is
/// out of range or means the batch.
int example_axis(std::string_view op, const TensorType& type, int64_t dim);

/// Splits [0, n) into runs of `grain` and calls f(begin, end) for each, on the call's threads where
/// it has some. The runs depend on n and grain alone.
template <class F>
void for_ranges(const Args& args, int64_t n, int64_t grain, F f);

/// ThreadPool::run for a task behind a pointer: every kernel reads this header, so <thread>, which
/// is slow to compile, stays out of it.
void run_tasks(ThreadPool& pool, int64_t tasks, void (*task)(void*, int64_t), void* context);

template <class F>
void for_ranges(const Args& args, int64_t n, int64_t grain, F f) {
  const int64_t runs = (n + grain - 1) / grain;
  auto task = [&](int64_t i) { f(i * grain, i * grain + grain < n ? i * grain + grain : n); };
  if (args.pool)
    run_tasks(
        *args.pool, runs, [](void* t, int64_t i) { (*static_cast<decltype(task)*>(t))(i); }, &task);
  else
    for (int64_t i = 0; i < runs; ++i) task(i);
}

}  // namespace cairn
