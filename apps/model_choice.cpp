#include "apps/model_choice.h"

#include "apps/commands.h"
#include "data/catalog.h"
#include "train/optimizers.h"

namespace cairn {
namespace {

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Optimizer& optimizer : all_optimizers()) names.emplace_back(optimizer.name);
  return names;
}

void add_optimizer_options(Command& command, TrainOptions& o) {
  command.option("--batch", o.batch, "images a step (default: the model's)", "N").at_least(1);
  command
      .option("--accumulate", o.accumulate,
              "batches a step, which takes the mean over all their images (default: 1)", "K")
      .range(1, 1 << 20);
  command
      .option("--optimizer", o.optimizer, "how weights are updated (default: the recipe's)", "NAME")
      .choices(optimizer_names());
  command
      .option("--lr", o.lr,
              "learning rate (default: the model's; adam, adamw and rmsprop have their own)",
              "RATE")
      .positive()
      .high = 1e6;
  command
      .option("--momentum", o.momentum,
              "of sgd and nesterov (default: the model's), and of rmsprop (default: 0)", "M")
      .range(0, 1);
  command
      .option("--weight-decay", o.weight_decay,
              "L2 penalty, decoupled in adamw (default: the model's; 0.01 with adamw, 0 with adam "
              "and rmsprop)",
              "D")
      .range(0, 1e6);
  command
      .option("--label-smoothing", o.label_smoothing,
              "part of the target that all classes share in training (default: the recipe's)", "S")
      .range(0, 1);
  command
      .option("--clip-norm", o.clip_norm, "shrink all gradients together to this norm at most", "C")
      .positive()
      .high = 1e30;
  command
      .option("--ema", o.ema,
              "keep a moving average of the weights that forgets by this decay, such as 0.999; it "
              "is what is judged and saved as the model",
              "DECAY")
      .range(0, 1);
  command
      .option(
          "--precision", o.precision,
          "of the factors of products: fp32 (default), tf32, which lets cuBLAS cut them to 11 "
          "binary digits on CUDA and is fp32 elsewhere, or bf16, for mixed precision with weights "
          "of float32",
          "NAME")
      .choices({"fp32", "tf32", "bf16"});
  command
      .option("--schedule", o.schedule, "how the learning rate goes (default: the model's)", "NAME")
      .choices({"constant", "step", "cosine", "one-cycle"});
  command.option("--milestones", o.milestones,
                 "steps, such as 32000,48000, after each of which the schedule step takes a tenth "
                 "(default: a half and three quarters of the schedule)",
                 "S,S");
  command
      .option("--warmup", o.warmup,
              "steps over which the learning rate rises (default: the model's)", "STEPS")
      .at_least(0);
  command
      .option("--warmup-lr", o.warmup_lr, "learning rate of all those steps, in place of a rise",
              "RATE")
      .range(0, 1e6);
}

void add_data_options(Command& command, TrainOptions& o) {
  command.option("--data", o.data,
                 "data set by name, or a directory of IDX files or of a folder of PNG files for "
                 "each class (default: the model's)",
                 "NAME|DIR");
  add_source_option(command, o.source);
  command
      .option("--mean", o.mean,
              "what is subtracted from images: the mean of each channel or of each pixel (default: "
              "the recipe's)",
              "OF")
      .choices({"channel", "pixel"});
  command.option("--augment", o.augment,
                 "how training images are changed at random: some of crop=4, flip=random (or "
                 "alternating), cutout=8, rotate=15, shift=2, elastic=3 and elastic_grid=8, in one "
                 "word, or none (default: the model's; docs/data.md)",
                 "TEXT");
  command.option("--val-split", o.val_split, "part of the training data to validate on", "F")
      .range(0, 1);
}

/// Statistics of images that aren't at hand.
Normalization unknown_statistics(const RunConfig& config, const Shape& image) {
  Normalization norm;
  if (config.per_pixel_mean) norm.mean_image.resize(static_cast<size_t>(image.elements()));
  return norm;
}

}  // namespace

void add_model_options(Command& command, TrainOptions& o) {
  command.option("--set", o.set, "an option of the model", "NAME=VALUE");
  command.option("--recipe", o.recipe,
                 "the model's settings by name, which other options change: fast (default), or for "
                 "residual and plain nets he2015, the paper's 64,000 steps (docs/data.md)",
                 "NAME");
  add_data_options(command, o);
  command
      .option("--epochs", o.epochs,
              "passes over the data; the schedule spans them (default: the model's)", "E")
      .range(1, 1e6);
  add_optimizer_options(command, o);
  command.option("--seed", o.seed, "of all random numbers (default: 1)", "N");
}

/// Of a data set without its images.
struct ChosenModel::Sizes {
  Dataset like;
  int64_t train = 0, validation = 0, test = 0;
  bool in_files = false;

  explicit Sizes(const RunConfig& config) {
    if (const CatalogEntry* entry = find_catalog_entry(config.data)) {
      like = {entry->name, entry->image, entry->classes, {}, {}};
      train = entry->train_size, test = entry->test_size;
      in_files = config.settings.streamed && !entry->embedded;
    } else {
      const DataSplits all =
          load_data(config.data, 10, config.settings.seed, config.settings.streamed);
      like = {all.train.name, all.train.image, all.train.classes, {}, {}};
      train = all.train.size(), test = all.test.size();
      in_files = all.train.files != nullptr;
    }
    validation = validation_size(train, config.val_split);
    train -= validation;
  }
};

ChosenModel::ChosenModel(const TrainOptions& options)
    : ChosenModel(new_config(options, find_model(options.model.value()))) {}

ChosenModel::ChosenModel(const RunConfig& config) : ChosenModel(config, Sizes(config)) {}

ChosenModel::ChosenModel(const RunConfig& config, const Sizes& sizes)
    : data(sizes.like),
      examples(sizes.train),
      validation(sizes.validation),
      test(sizes.test),
      in_files(sizes.in_files),
      network(find_model(config.model), config.options, data,
              unknown_statistics(config, data.image)),
      settings(config.settings) {
  expect_batch(settings.batch, examples);
  settings.horizon = horizon_of(config, examples);
}

}  // namespace cairn
