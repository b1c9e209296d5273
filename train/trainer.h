// Training: three executables over one store. `accumulate` gathers a batch, runs the network
// forward and backward and adds up gradients; `update` advances the schedule and the optimizer;
// `evaluate` judges.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "core/executor.h"
#include "train/augmentation.h"
#include "train/batch_stream.h"
#include "train/checkpoint.h"
#include "train/network.h"

namespace cairn {

struct TrainSettings {
  int64_t batch = 64;
  /// Batches a step: it takes the mean over all their examples, at the memory of one. An epoch's
  /// last step takes what is left. Batch norm still sees one batch at a time, and dropout gives the
  /// batches of a step the same masks.
  int64_t accumulate = 1;
  std::string optimizer = "sgd";  // train/optimizers.h
  double lr = 0.1, momentum = 0.9, weight_decay = 0;
  std::string schedule = "constant";     // constant, step, cosine or one-cycle
  std::vector<int64_t> milestones = {};  // steps after which `step` takes a tenth; none: by horizon
  int64_t warmup = 0;                    // steps
  double warmup_lr = 0;                  // throughout the warm-up; 0: the rate rises
  double label_smoothing = 0;            // softmax_cross_entropy.h; of the training loss alone
  std::optional<double> clip_norm = {};  // of all gradients together
  std::optional<double> ema = {};        // decay of a moving average of the parameters
  // Of the factors of products: tf32 allows CUDA tensor cores, bf16 rounds them (core/mixed.h).
  std::string precision = "fp32";
  int64_t horizon = 1;  // steps that the schedule spans
  uint64_t seed = 1;
  /// The device holds a window of batches, filled ahead of the steps, instead of all the data;
  /// what is computed is the same.
  bool streamed = false;
  Augmentation augment = {};  // of the training images alone
};

/// One training step as recorded on the device.
struct StepRecord {
  int64_t step = 0;     // from 1
  int64_t epoch = 0;    // from 0
  double loss = 0;      // mean over the batch
  double accuracy = 0;  // fraction of the batch
  double lr = 0;
};

/// What an evaluation found.
struct Evaluation {
  double loss = 0;      // mean over the examples
  double accuracy = 0;  // fraction
  int64_t examples = 0;
  int64_t classes = 0;
  std::vector<int64_t> confusion;  // (classes, classes): true class, then predicted
};

inline constexpr std::string_view kPrecisions[] = {"fp32", "tf32", "bf16"};
/// A UsageError for a precision that isn't among them.
void check_precision(const std::string& precision);

/// A UsageError for a batch that can't be taken from so many examples.
void expect_batch(int64_t batch, int64_t examples);

/// The state of accumulate_graph that holds the training images, or the window of streamed ones.
inline constexpr std::string_view kTrainImages = "train.images";

/// The graphs of a run over `count` examples, as they are written: neither fused nor planned.
/// Gathering, forward, backward, and the record of loss and accuracy:
Graph accumulate_graph(const Network& network, const TrainSettings& settings, int64_t count);
/// The learning rate, clipping, the optimizer and the average:
Graph update_graph(const ParameterMap& parameters, const TrainSettings& settings);
/// Gathering in order, forward, and the sums of loss and confusion matrix; `name` keeps the states
/// of several evaluations apart.
Graph evaluate_graph(const Network& network, const std::string& name, int64_t count, int64_t batch);

/// Judges a network, whose parameters lie in `store`, on a data set. The set is copied to the
/// device once.
class Evaluator {
 public:
  Evaluator(const Network& network, Store& store, const Dataset& data, const std::string& name,
            int64_t batch, std::shared_ptr<Scratch> scratch = nullptr);
  Evaluator(const Evaluator&) = delete;
  Evaluator& operator=(const Evaluator&) = delete;

  Evaluation run();

 private:
  Store& store_;
  std::string name_;
  int64_t examples_, classes_, batches_;
  Program program_;
  std::unique_ptr<Executor> executor_;
};

class Trainer {
 public:
  /// Copies the data to the device, unless they are streamed, and initialises the parameters from
  /// the seed. `network`, `device` and streamed data must outlive the trainer. A UsageError for a
  /// batch larger than the data set, an Error for images in files where they aren't streamed;
  /// OutOfMemory with the largest tensors and a batch that fits (train/memory.h).
  Trainer(const Network& network, Device& device, const Dataset& data,
          const TrainSettings& settings);

  /// A step's batches and one update. On CUDA this only enqueues work. Throws what went wrong in
  /// reading streamed data.
  void step();
  /// Records of the steps since the last call, oldest first; at least every kRingSteps steps.
  std::vector<StepRecord> drain();

  static constexpr int64_t kRingSteps = 1024;

  int64_t steps() const { return steps_; }
  /// What a step enqueues on CUDA (kernels, copies and clears), from the third on; 0 elsewhere.
  int64_t launches() const;
  int64_t steps_per_epoch() const { return steps_per_epoch_; }
  /// Waits for the device and returns the state of the run.
  StepState state() const;
  /// Continues from a state read earlier; parameters and optimizer states are written through
  /// store().
  void set_state(const StepState& state);

  /// The first tensor that is not finite when the next step is taken: a parameter, or what a node
  /// makes; empty where all are finite. Takes no step, but advances the state and adds to the
  /// gradients: for a trainer that is given up.
  std::string first_not_finite();

  /// Starts from weights in a file (load_parameters), their average included.
  void load_weights(const std::filesystem::path& file);

  Store& store() { return *store_; }
  /// Memory for activations, for evaluators to share.
  const std::shared_ptr<Scratch>& scratch() const { return scratch_; }
  const TrainSettings& settings() const { return settings_; }
  /// What a checkpoint keeps of store(): the optimizer's states and, where there is an average of
  /// the parameters, that as the model.
  const CheckpointBuffers& checkpoint_buffers() const { return buffers_; }

  /// While it lives, the parameters are their average, where the run keeps one: for evaluators.
  /// No step is taken meanwhile.
  class Averaged {
   public:
    explicit Averaged(Trainer& trainer) : trainer_(trainer) { trainer_.exchange_average(); }
    ~Averaged() { trainer_.exchange_average(); }
    Averaged(const Averaged&) = delete;
    Averaged& operator=(const Averaged&) = delete;

   private:
    Trainer& trainer_;
  };

 private:
  void take_memory(Device& device, const ParameterMap& parameters, const Dataset& data);
  void exchange_average();
  void fill_window();
  int64_t batches_of(int64_t step) const;

  const Network& network_;
  TrainSettings settings_;
  int64_t count_ = 0;
  int64_t steps_ = 0, drained_ = 0, steps_per_epoch_ = 1;
  CheckpointBuffers buffers_;
  Program accumulate_, update_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<Scratch> scratch_;
  std::unique_ptr<Executor> accumulate_executor_, update_executor_;
  std::unique_ptr<BatchStream> stream_;  // none for resident data
  int64_t ahead_ = 0;                    // batches of the window that no step has taken
};

}  // namespace cairn
