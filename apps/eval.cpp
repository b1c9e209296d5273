// cairn eval RUN
#include <memory>

#include "apps/commands.h"
#include "apps/runs.h"

namespace cairn {

void add_eval_command(CommandLine& args) {
  const auto o = std::make_shared<EvalOptions>();
  Command& eval =
      args.command("eval", "Judge a trained run on test images: accuracy, loss, confusion matrix",
                   {{"cairn eval runs/quickstart", ""},
                    {"cairn eval runs/quickstart --data digits --json", "on other images"}});
  eval.positional("RUN", o->run, "folder that `cairn train` made, or a checkpoint in it")
      .required();
  eval.option("--data", o->data,
              "data set by name, or a directory of IDX files or of a folder of PNG files for each "
              "class (default: the run's)",
              "NAME|DIR");
  add_device_options(eval, o->where);
  eval.flag("--json", o->json, "print JSON instead of tables");
  eval.run([o] { return evaluate(*o); });
}

}  // namespace cairn
