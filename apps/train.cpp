// cairn train MODEL
#include <memory>

#include "apps/commands.h"
#include "apps/runs.h"
#include "train/optimizers.h"

namespace cairn {
namespace {

void add_length_options(Command& train, TrainOptions& o) {
  train
      .option("--epochs", o.epochs,
              "passes over the data; the schedule spans them (default: the model's)", "E")
      .range(1, 1e6);
  train.option("--steps", o.steps, "stop at this step, whatever the schedule spans", "S")
      .at_least(1);
  train
      .option("--until-accuracy", o.until_accuracy,
              "stop after the epoch that reaches this fraction on the validation split, else on "
              "the test set",
              "A")
      .positive()
      .high = 1;
}

std::vector<std::string> optimizer_names() {
  std::vector<std::string> names;
  for (const Optimizer& optimizer : all_optimizers()) names.emplace_back(optimizer.name);
  return names;
}

void add_optimizer_options(Command& train, TrainOptions& o) {
  train.option("--batch", o.batch, "images a step (default: the model's)", "N").at_least(1);
  train
      .option("--accumulate", o.accumulate,
              "batches a step, which takes the mean over all their images (default: 1)", "K")
      .range(1, 1 << 20);
  train.option("--optimizer", o.optimizer, "how weights are updated (default: sgd)", "NAME")
      .choices(optimizer_names());
  train
      .option("--lr", o.lr,
              "learning rate (default: the model's; adam, adamw and rmsprop have their own)",
              "RATE")
      .positive()
      .high = 1e6;
  train
      .option("--momentum", o.momentum,
              "of sgd and nesterov (default: the model's), and of rmsprop (default: 0)", "M")
      .range(0, 1);
  train
      .option("--weight-decay", o.weight_decay,
              "L2 penalty, decoupled in adamw (default: the model's; 0.01 with adamw, 0 with adam "
              "and rmsprop)",
              "D")
      .range(0, 1e6);
  train
      .option("--clip-norm", o.clip_norm, "shrink all gradients together to this norm at most", "C")
      .positive()
      .high = 1e30;
  train
      .option("--ema", o.ema,
              "keep a moving average of the weights that forgets by this decay, such as 0.999; it "
              "is what is judged and saved as the model",
              "DECAY")
      .range(0, 1);
  train
      .option("--schedule", o.schedule, "how the learning rate goes (default: the model's)", "NAME")
      .choices({"constant", "step", "cosine", "one-cycle"});
  train.option("--milestones", o.milestones,
               "steps, such as 32000,48000, after each of which the schedule step takes a tenth "
               "(default: a half and three quarters of the schedule)",
               "S,S");
  train
      .option("--warmup", o.warmup,
              "steps over which the learning rate rises (default: the model's)", "STEPS")
      .at_least(0);
  train
      .option("--warmup-lr", o.warmup_lr, "learning rate of all those steps, in place of a rise",
              "RATE")
      .range(0, 1e6);
}

void add_checkpoint_options(Command& train, TrainOptions& o) {
  train.option("--resume", o.resume,
               "go on with the run in that folder, or from a checkpoint in it; --steps, --source, "
               "--threads, --device, --simd, --conv and the checkpoints may change",
               "RUN");
  train
      .option("--checkpoint-every", o.checkpoint_every,
              "steps from one checkpoint to the next (default: at the end of an epoch, every 10 "
              "seconds at most)",
              "STEPS")
      .at_least(1);
  train.option("--keep", o.keep, "checkpoints to keep, the latest included (default: 1)", "N")
      .at_least(1);
}

}  // namespace

void add_train_command(CommandLine& args) {
  const auto o = std::make_shared<TrainOptions>();
  Command& train = args.command(
      "train", "Train a model",
      {{"cairn train lenet5", "LeNet-5 on MNIST with the model's own settings"},
       {"cairn train lenet5 --data digits --epochs 10",
        "on the digits that are part of the program"},
       {"cairn train mlp --set widths=300,100 --optimizer adam --out runs/mlp", ""},
       {"cairn train lenet5 --until-accuracy 0.985 --val-split 0.1 --json", ""},
       {"cairn train lenet5 --data my/letters", "on PNG files in a folder a class"},
       {"cairn train lenet5 --init weights.safetensors", "from weights, such as PyTorch's"},
       {"cairn train --resume runs/mlp", "go on where that run was left"}});
  train.positional("MODEL", o->model, "model to train: " + model_names());
  train.option("--set", o->set, "an option of the model", "NAME=VALUE");
  train.option("--recipe", o->recipe,
               "the model's settings by name, which other options change: fast (default), or for "
               "residual and plain nets he2015, the paper's 64,000 steps (docs/data.md)",
               "NAME");
  train.option("--data", o->data,
               "data set by name, or a directory of IDX files or of a folder of PNG files for each "
               "class (default: the model's)",
               "NAME|DIR");
  add_source_option(train, o->source);
  train
      .option("--init", o->init,
              "safetensors file of weights to start from: PyTorch's names and shapes "
              "(docs/weights.md)",
              "FILE")
      .excludes("--resume");
  train
      .option("--mean", o->mean,
              "what is subtracted from images: the mean of each channel or of each pixel (default: "
              "the recipe's)",
              "OF")
      .choices({"channel", "pixel"});
  train.option("--augment", o->augment,
               "how training images are changed at random: some of crop=4, flip=random (or "
               "alternating), cutout=8, rotate=15, shift=2, elastic=3 and elastic_grid=8, in one "
               "word, or none (default: the model's; docs/data.md)",
               "TEXT");
  train.option("--val-split", o->val_split, "part of the training data to validate on", "F")
      .range(0, 1);
  add_length_options(train, *o);
  add_optimizer_options(train, *o);
  train.option("--seed", o->seed, "of all random numbers (default: 1)", "N");
  add_device_options(train, o->where);
  train.option("--out", o->out,
               "folder of the run (default: runs/MODEL-DATE); a run in it moves to DIR.bak", "DIR");
  add_checkpoint_options(train, *o);
  train.flag("--json", o->json, "print summary.json instead of a table");
  train.flag("--quiet", o->quiet, "no progress");
  train.run([o] { return cairn::train(*o); });
}

}  // namespace cairn
