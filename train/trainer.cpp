#include "train/trainer.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/autodiff.h"
#include "core/error.h"
#include "core/mixed.h"
#include "core/op_table.h"
#include "kernels/gather_batch/gather_batch.h"
#include "kernels/step_state/step_state.h"
#include "train/memory.h"
#include "train/optimizers.h"
#include "train/whitening.h"

namespace cairn {
namespace {

constexpr char kTrain[] = "train";
constexpr char kRing[] = "train.ring";
constexpr char kSeedGradient[] = "loss.grad";
constexpr char kAverage[] = "average";  // of the parameters

std::string batch_advice(int64_t batch) {
  return batch ? fmt::format("choose --batch {}, which fits", batch)
               : "no batch fits: choose a smaller model or data set, or use another device";
}

/// The attributes of next_step.
std::string rate_attrs(const TrainSettings& s) {
  return fmt::format("schedule={} lr={} warmup={} warmup_lr={} horizon={} milestones={}",
                     s.schedule, s.lr, s.warmup, s.warmup_lr, s.horizon,
                     fmt::join(s.milestones, ","));
}

int64_t steps_for(int64_t examples, int64_t batch) { return (examples + batch - 1) / batch; }

}  // namespace

void check_precision(const std::string& precision) {
  if (std::ranges::find(kPrecisions, precision) == std::end(kPrecisions))
    fail_usage(fmt::format("there is no precision '{}'", precision), "choose fp32, tf32 or bf16");
}

void expect_batch(int64_t batch, int64_t examples) {
  if (batch < 1 || batch > examples)
    fail_usage(fmt::format("a batch of {} can't be taken from {} examples", batch, examples),
               "choose --batch between 1 and the size of the training set");
}

Graph accumulate_graph(const Network& network, const TrainSettings& settings, int64_t count) {
  Graph graph(true, "train.step");
  graph.add("next_batch", {}, fmt::format("count={} batch={}", count, settings.batch));
  std::vector<Value> share;  // of a step of several batches
  if (settings.accumulate > 1) {
    const OpDef& op = find_op("batch_share");
    const std::string attrs =
        fmt::format("count={} batch={} accumulate={}", count, settings.batch, settings.accumulate);
    share = graph.add(op, {}, Attrs::parse(op.attrs.items, attrs, op.name));
  }
  const auto [x, labels] = network.gather(graph, kTrain, count, true,
                                          settings.streamed ? settings.batch : 0, settings.augment);
  const Value logits = network.logits(graph, x);
  const OpDef& op = find_op("softmax_cross_entropy");
  Attrs attrs(op.attrs.items);
  attrs.set("label_smoothing", settings.label_smoothing);
  const auto out = graph.add(op, {logits, labels}, attrs, "loss");
  const Value ring = graph.state(kRing, {DType::f32, {Trainer::kRingSteps, 2}, false});
  if (share.empty()) {
    backward(graph, out[0], graph.input(kSeedGradient, {DType::f32, {}, false}));
    graph.add("record", {out[0], out[1], ring});
  } else {
    backward(graph, out[0], share[0]);
    graph.add("record", {out[0], out[1], ring, share[0], share[1]});
  }
  if (settings.precision == "bf16") round_factors(graph);
  return graph;
}

Graph update_graph(const ParameterMap& parameters, const TrainSettings& settings) {
  Graph graph(true, "train.step");
  const auto segments = static_cast<int64_t>(parameters.segments.size());
  const TensorType flat{DType::f32, {parameters.elements}, false};
  const auto state = [&](const std::string& name) { return graph.state(name, flat); };
  graph.add("next_step", {}, rate_attrs(settings));
  std::vector<Value> inputs = {state(std::string(kParameters)), state(std::string(kGradients))};
  if (settings.clip_norm)
    graph.add("clip_norm", {inputs[1]}, fmt::format("max_norm={}", *settings.clip_norm));
  const Optimizer& optimizer = find_optimizer(settings.optimizer);
  for (const std::string_view name : optimizer.states) inputs.push_back(state(std::string(name)));
  inputs.push_back(graph.state("segment.begins", {DType::i64, {segments + 1}, false}));
  inputs.push_back(graph.state("segment.multipliers", {DType::f32, {segments, 2}, false}));
  graph.add(optimizer.op, inputs, optimizer_attrs(optimizer, settings));
  if (settings.ema)
    graph.add("ema", {state(kAverage), inputs[0]}, fmt::format("decay={}", *settings.ema));
  return graph;
}

Graph evaluate_graph(const Network& network, const std::string& name, int64_t count,
                     int64_t batch) {
  Graph graph(false, name + ".step");
  graph.add("next_batch", {}, fmt::format("count={} batch={}", count, batch));
  const auto [x, labels] = network.gather(graph, name, count, false);
  const Value logits = network.logits(graph, x);
  const Value loss = graph.add("softmax_cross_entropy", {logits, labels}, "reduction=sum");
  const Value confusion = graph.add("confusion_matrix", {logits, labels});
  const Shape classes{network.classes, network.classes};
  graph.add("accumulate", {graph.state(name + ".loss", {DType::f32, {}, false}), loss});
  graph.add("accumulate",
            {graph.state(name + ".confusion", {DType::f32, classes, false}), confusion});
  return graph;
}

Evaluator::Evaluator(const Network& network, Store& store, const Dataset& data,
                     const std::string& name, int64_t batch, std::shared_ptr<Scratch> scratch)
    : store_(store),
      name_(name),
      examples_(data.size()),
      classes_(network.classes),
      batches_(steps_for(data.size(), batch)),
      program_(compile(evaluate_graph(network, name, data.size(), batch),
                       plan_options(store.device().kind(), batch), 0)) {
  const Program* programs[] = {&program_};
  try {
    executor_ = std::make_unique<Executor>(
        program_, store, make_scratch(store.device(), programs, std::move(scratch)));
    load_images(store, name, data);
    network.load_mean_image(store, name);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    report_out_of_memory(error, "use a device with more memory", program_);
  }
}

Evaluation Evaluator::run() {
  const auto cells = static_cast<size_t>(classes_ * classes_);
  store_.write_step(name_ + ".step", {});
  store_.write(name_ + ".loss", std::vector<double>(1));
  store_.write(name_ + ".confusion", std::vector<double>(cells));
  for (int64_t i = 0; i < batches_; ++i) executor_->run();
  Evaluation result;
  result.examples = examples_, result.classes = classes_;
  const double count = static_cast<double>(std::max<int64_t>(1, examples_));
  result.loss = store_.read(name_ + ".loss")[0] / count;
  for (const double cell : store_.read(name_ + ".confusion"))
    result.confusion.push_back(static_cast<int64_t>(cell));
  int64_t right = 0;
  for (int64_t k = 0; k < classes_; ++k)
    right += result.confusion[static_cast<size_t>(k * classes_ + k)];
  result.accuracy = static_cast<double>(right) / count;
  return result;
}

Trainer::Trainer(const Network& network, Device& device, const Dataset& data,
                 const TrainSettings& settings)
    : network_(network), settings_(settings), count_(data.size()) {
  expect_batch(settings_.batch, count_);
  check_precision(settings_.precision);
  steps_per_epoch_ =
      steps_for(count_, checked_mul(settings_.batch, settings_.accumulate, "examples of a step"));
  for (const std::string_view name : find_optimizer(settings_.optimizer).states)
    buffers_.states.emplace_back(name);
  if (settings_.ema) {
    buffers_.model = kAverage;
    buffers_.states.emplace_back(kParameters);
  }
  const PlanOptions options = plan_options(device.kind(), settings_.batch);
  const ParameterMap parameters = parameters_of(network);
  accumulate_ = compile(accumulate_graph(network, settings_, count_), options, settings_.seed);
  if (settings_.precision == "tf32") accumulate_.tf32 = true;
  update_ = compile(update_graph(parameters, settings_), options, settings_.seed);
  const int64_t available = device.free_bytes();
  try {
    take_memory(device, parameters, data);
  } catch (const std::exception& error) {
    if (!is_out_of_memory(error)) throw;
    const int64_t batch = batch_that_fits(network, settings_, count_, device.kind(), available);
    report_out_of_memory(error, batch_advice(batch), accumulate_);
  }
}

void Trainer::take_memory(Device& device, const ParameterMap& parameters, const Dataset& data) {
  store_ = std::make_unique<Store>(device, parameters);
  const Program* programs[] = {&accumulate_, &update_};
  scratch_ = make_scratch(device, programs);
  accumulate_executor_ = std::make_unique<Executor>(accumulate_, *store_, scratch_);
  update_executor_ = std::make_unique<Executor>(update_, *store_, scratch_);
  network_.load_mean_image(*store_, kTrain);
  if (settings_.streamed) {
    load_labels(*store_, kTrain, data);
    stream_ = std::make_unique<BatchStream>(
        data, philox_key(settings_.seed, std::string(kTrain) + ".gather"), settings_.batch);
  } else {
    load_images(*store_, kTrain, data);
  }
  store_->initialize(settings_.seed);
  initialize_whitening(*store_, network_, data);
  if (settings_.ema) store_->write(kAverage, store_->read(std::string(kParameters)));
  if (settings_.accumulate == 1) store_->write(kSeedGradient, std::vector<double>{1});
  std::vector<double> begins, multipliers;
  for (const Segment& s : parameters.segments) {
    begins.push_back(static_cast<double>(s.offset));
    multipliers.insert(multipliers.end(), {s.rates.lr, s.rates.decay});
  }
  begins.push_back(static_cast<double>(parameters.elements));
  store_->write("segment.begins", begins);
  store_->write("segment.multipliers", multipliers);
}

void Trainer::load_weights(const std::filesystem::path& file) {
  load_parameters(file, *store_);
  if (settings_.ema) store_->write(kAverage, store_->read(std::string(kParameters)));
}

void Trainer::exchange_average() {
  if (!settings_.ema) return;
  const Tensor& parameters = store_->tensor(std::string(kParameters));
  const Tensor& average = store_->tensor(kAverage);
  const auto bytes = static_cast<size_t>(parameters.bytes());
  std::vector<std::byte> present(bytes), averaged(bytes);
  Device& device = store_->device();
  device.download(present.data(), parameters.data, bytes);
  device.download(averaged.data(), average.data, bytes);
  device.upload(parameters.data, averaged.data(), bytes);
  device.upload(average.data, present.data(), bytes);
}

int64_t Trainer::launches() const {
  return settings_.accumulate * accumulate_executor_->launches() + update_executor_->launches();
}

void Trainer::step() {
  if (steps_ - drained_ >= kRingSteps)
    fail("the ring of step records is full", "call drain() earlier");
  for (int64_t batches = batches_of(steps_); batches > 0; --batches) {
    fill_window();
    accumulate_executor_->run();
  }
  update_executor_->run();
  ++steps_;
}

int64_t Trainer::batches_of(int64_t step) const {
  const int64_t before = step % steps_per_epoch_ * settings_.accumulate;
  return std::min(settings_.accumulate, steps_for(count_, settings_.batch) - before);
}

/// Makes sure of the next batch; the one after it is copied while that one is worked on.
void Trainer::fill_window() {
  if (!stream_) return;
  const Tensor& images = store_->tensor(std::string(kTrainImages));
  const int64_t slot_bytes = images.bytes() / Network::kWindow;
  for (; ahead_ < Network::kWindow; ++ahead_) {
    const BatchStream::Batch batch = stream_->next();
    const int64_t slot = window_slot(batch.state, count_, settings_.batch, Network::kWindow);
    store_->device().upload_ahead(static_cast<uint8_t*>(images.data) + slot * slot_bytes,
                                  batch.examples.data(), batch.examples.size());
  }
  --ahead_;
}

std::vector<StepRecord> Trainer::drain() {
  const std::vector<double> ring = store_->read(kRing);
  std::vector<StepRecord> records;
  const OpDef& op = find_op("next_step");
  const LearningRate rate =
      learning_rate_of(Attrs::parse(op.attrs.items, rate_attrs(settings_), op.name));
  for (; drained_ < steps_; ++drained_) {
    const auto at = static_cast<size_t>(drained_ % kRingSteps) * 2;
    records.push_back({drained_ + 1, drained_ / steps_per_epoch_, ring[at], ring[at + 1],
                       scheduled_lr(rate, drained_ + 1)});
  }
  return records;
}

std::string Trainer::first_not_finite() {
  const auto finite = [](double value) { return std::isfinite(value); };
  for (const Segment& s : store_->parameters().segments)
    if (!std::ranges::all_of(store_->read(s.name), finite)) return "parameter " + s.name;
  const int64_t batch = settings_.batch;
  const Program program =
      compile(accumulate_graph(network_, settings_, count_),
              {.capacity = batch, .width = batch, .keep = true}, settings_.seed);
  const Program* programs[] = {&program};
  Executor executor(program, *store_, make_scratch(store_->device(), programs));
  for (int64_t batches = batches_of(steps_); batches > 0; --batches) {
    fill_window();
    for (size_t i = 0; i < program.graph.nodes().size(); ++i) {
      executor.run_node(static_cast<int>(i));
      const Node& node = program.graph.nodes()[i];
      const int64_t examples = store_->read_step("train.step").n_valid;
      for (const Value v : node.outputs)
        if (is_floating(program.graph[v].type.dtype) &&
            !std::ranges::all_of(executor.read(v, examples), finite))
          return fmt::format("{} of {}", program.graph[v].name, node.op->name);
    }
  }
  return {};
}

StepState Trainer::state() const { return store_->read_step("train.step"); }

void Trainer::set_state(const StepState& state) {
  store_->write_step("train.step", state);
  steps_ = drained_ = state.step;
  if (stream_) stream_->seek(state), ahead_ = 0;
}

}  // namespace cairn
