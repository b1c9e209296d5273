// cairn eval [RUN] [--weights FILE]
#include <memory>

#include "apps/commands.h"
#include "apps/runs.h"

namespace cairn {

void add_eval_command(CommandLine& args) {
  const auto o = std::make_shared<EvalOptions>();
  Command& eval =
      args.command("eval", "Judge a trained run on test images: accuracy, loss, confusion matrix",
                   {{"cairn eval runs/quickstart", ""},
                    {"cairn eval runs/quickstart --data digits --json", "on other images"},
                    {"cairn eval --weights lenet5.safetensors --model lenet5 --data digits",
                     "weights from elsewhere, such as PyTorch's"}});
  eval.positional("RUN", o->run, "folder that `cairn train` made, or a checkpoint in it");
  eval.option(
      "--weights", o->weights,
      "safetensors file to judge in place of the run's weights, or, without RUN, by --model",
      "FILE");
  eval.option("--model", o->model, "model of --weights where there is no RUN: " + model_names(),
              "NAME");
  eval.option("--set", o->set, "an option of --model", "NAME=VALUE");
  eval.option("--data", o->data,
              "data set by name, or a directory of IDX files or of a folder of PNG files for each "
              "class (default: the run's)",
              "NAME|DIR");
  eval.option("--logits", o->logits,
              "safetensors file to write: `logits` and `labels` of the test images", "FILE");
  eval.flag("--flip", o->flip,
            "judge the mean of the logits for each image and for its mirror image");
  eval.option("--shift", o->shift,
              "judge the mean of the logits for each image, which counts half, and for it moved by "
              "so many pixels, once to the left and up and once to the right and down",
              "N")
      .range(0, 64);
  add_device_options(eval, o->where);
  eval.flag("--json", o->json, "print JSON instead of tables");
  eval.run([o] { return evaluate(*o); });
}

}  // namespace cairn
