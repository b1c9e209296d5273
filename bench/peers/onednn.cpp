// oneDNN's convolutions beside ours: 3x3 at a residual net's shapes, each of the three passes.
// oneDNN has its inputs in whatever layout it likes best, as if it had put them there before; ours
// lie as in training. The two take turns, and a line tells the medians and that of a turn's ratio.
#include <omp.h>
#include <dnnl.hpp>

#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "bench/bench.h"
#include "bench/windows.h"
#include "core/op_runner.h"
#include "core/op_table.h"

namespace cairn::bench {
namespace {

constexpr int kTurns = 7;
constexpr double kSeconds = 0.15;  // of either in a turn

struct Convolution {
  int64_t channels, size;  // in and out alike: 3x3, stride 1, padding 1

  double flops(int64_t batch) const {
    return 2.0 * 9 * static_cast<double>(channels * channels * size * size * batch);
  }
};
constexpr Convolution kConvolutions[] = {{16, 32}, {32, 16}, {64, 8}};

/// A call of one of our ops on random images, as training lays it out.
class Ours {
 public:
  Ours(Device& device, const char* op, std::string_view attrs, std::vector<HostTensor> inputs,
       int64_t batch)
      : device_(device), runner_(device, call(op, attrs, std::move(inputs), batch), layout(batch)) {
    runner_.run();
  }

  double seconds() {
    return median_call(kSeconds, [&](int64_t calls) {
      for (int64_t i = 0; i < calls; ++i) runner_.enqueue();
      device_.synchronize();
    });
  }

 private:
  static OpCall call(const char* op, std::string_view attrs, std::vector<HostTensor> inputs,
                     int64_t batch) {
    OpCall made;
    made.op = &find_op(op);
    made.attrs = Attrs::parse(made.op->attrs.items, attrs, op);
    made.n = made.step.n_valid = batch;
    for (HostTensor& input : inputs) made.inputs.emplace_back(std::move(input));
    return made;
  }
  static OpRunOptions layout(int64_t batch) {
    const PlanOptions plan = plan_options(DeviceKind::cpu, batch);
    return {.width = plan.narrow, .sliced = plan.sliced};
  }

  Device& device_;
  OpRunner runner_;
};

/// A primitive of oneDNN and its memory, filled.
class Theirs {
 public:
  Theirs(const dnnl::engine& engine, const dnnl::primitive& primitive,
         const std::vector<std::pair<int, dnnl::memory::desc>>& memory)
      : stream_(engine), primitive_(primitive) {
    for (const auto& [role, about] : memory) {
      dnnl::memory made(about, engine);
      auto* const values = static_cast<float*>(made.get_data_handle());
      for (size_t i = 0; i < about.get_size() / sizeof(float); ++i)
        values[i] = static_cast<float>(i % 17) - 8;
      memory_.emplace(role, made);
    }
    primitive_.execute(stream_, memory_);
    stream_.wait();
  }

  double seconds() {
    return median_call(kSeconds, [&](int64_t calls) {
      for (int64_t i = 0; i < calls; ++i) primitive_.execute(stream_, memory_);
      stream_.wait();
    });
  }

 private:
  dnnl::stream stream_;
  dnnl::primitive primitive_;
  std::unordered_map<int, dnnl::memory> memory_;
};

HostTensor batched(const Shape& shape, int64_t batch) {
  HostTensor x{{DType::f32, shape, true}, {}};
  for (int64_t i = 0; i < shape.elements() * batch; ++i)
    x.values.push_back(static_cast<double>(i % 17 - 8));
  return x;
}

HostTensor plain(const Shape& shape) {
  HostTensor x = batched(shape, 1);
  x.type.batched = false;
  return x;
}

double median_of(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void compare(const char* pass, const Convolution& c, const Options& options, Ours ours,
             Theirs theirs) {
  std::vector<double> a, b, ratios;
  for (int turn = 0; turn < kTurns; ++turn) {
    const double our_seconds = ours.seconds(), their_seconds = theirs.seconds();
    const double gflop = c.flops(options.batch) * 1e-9;
    a.push_back(gflop / our_seconds), b.push_back(gflop / their_seconds);
    ratios.push_back(their_seconds / our_seconds);
  }
  fmt::print(
      "peer=onednn pass={} channels={} size={} batch={} threads={} cairn_gflops={:.1f} "
      "onednn_gflops={:.1f} ratio={:.2f} probe_gflops={:.0f}\n",
      pass, c.channels, c.size, options.batch, options.threads, median_of(a), median_of(b),
      median_of(ratios), probe_gflops(static_cast<int>(options.threads)));
  std::fflush(stdout);
}

void run(std::span<char* const> words) {
  using namespace dnnl;
  const Options options = parse(words);
  const auto threads = static_cast<int>(options.threads);
  omp_set_num_threads(threads);
  const auto device = open_device("cpu", threads);
  const engine cpu(engine::kind::cpu, 0);
  for (const Convolution& c : kConvolutions) {
    const int64_t n = options.batch;
    const Shape image{c.channels, c.size, c.size}, kernel{c.channels, c.channels, 3, 3};
    const memory::desc plane({n, c.channels, c.size, c.size}, memory::data_type::f32,
                             memory::format_tag::any);
    const memory::desc weights({c.channels, c.channels, 3, 3}, memory::data_type::f32,
                               memory::format_tag::any);
    const memory::dims one{1, 1};
    const auto direct = algorithm::convolution_direct;
    const convolution_forward::primitive_desc forward(
        {prop_kind::forward_training, direct, plane, weights, plane, one, one, one}, cpu);
    const convolution_backward_data::primitive_desc to_data(
        {direct, plane, weights, plane, one, one, one}, cpu, forward);
    const convolution_backward_weights::primitive_desc to_weights(
        {direct, plane, weights, plane, one, one, one}, cpu, forward);
    const std::string same = fmt::format("padding=1 input_size={}", c.size);
    compare("forward", c, options,
            Ours(*device, "conv2d", "padding=1", {batched(image, n), plain(kernel)}, n),
            Theirs(cpu, convolution_forward(forward),
                   {{DNNL_ARG_SRC, forward.src_desc()},
                    {DNNL_ARG_WEIGHTS, forward.weights_desc()},
                    {DNNL_ARG_DST, forward.dst_desc()}}));
    compare("backward_data", c, options,
            Ours(*device, "conv2d_dx", same, {batched(image, n), plain(kernel)}, n),
            Theirs(cpu, convolution_backward_data(to_data),
                   {{DNNL_ARG_DIFF_DST, to_data.diff_dst_desc()},
                    {DNNL_ARG_WEIGHTS, to_data.weights_desc()},
                    {DNNL_ARG_DIFF_SRC, to_data.diff_src_desc()}}));
    compare("backward_weights", c, options,
            Ours(*device, "conv2d_dw", "padding=1 kernel_size=3",
                 {batched(image, n), batched(image, n)}, n),
            Theirs(cpu, convolution_backward_weights(to_weights),
                   {{DNNL_ARG_SRC, to_weights.src_desc()},
                    {DNNL_ARG_DIFF_DST, to_weights.diff_dst_desc()},
                    {DNNL_ARG_DIFF_WEIGHTS, to_weights.diff_weights_desc()}}));
  }
}

}  // namespace
}  // namespace cairn::bench

int main(int argc, char** argv) { return cairn::bench::run_program(argc, argv, cairn::bench::run); }
