// cairn train MODEL
#include <memory>

#include "apps/commands.h"
#include "apps/model_choice.h"
#include "apps/runs.h"

namespace cairn {
namespace {

void add_length_options(Command& train, TrainOptions& o) {
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

void add_checkpoint_options(Command& train, TrainOptions& o) {
  train.option("--resume", o.resume,
               "go on with the run in that folder, or from a checkpoint in it; --steps, --source, "
               "--threads, --device, --simd, --conv, --batch-norm and the checkpoints may change",
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
  add_model_options(train, *o);
  train
      .option("--init", o->init,
              "safetensors file of weights to start from: PyTorch's names and shapes "
              "(docs/weights.md)",
              "FILE")
      .excludes("--resume");
  add_length_options(train, *o);
  add_device_options(train, o->where);
  train.option("--out", o->out,
               "folder of the run (default: runs/MODEL-DATE); a run in it moves to DIR.bak", "DIR");
  add_checkpoint_options(train, *o);
  train.flag("--json", o->json, "print summary.json instead of a table");
  train.flag("--quiet", o->quiet, "no progress");
  train.run([o] { return cairn::train(*o); });
}

}  // namespace cairn
