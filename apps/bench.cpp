// cairn bench [OP...]
#include "bench/op_bench.h"

#include <memory>

#include "apps/commands.h"
#include "bench/access_report.h"

namespace cairn {

void add_bench_command(CommandLine& args) {
  struct BenchOptions {
    bench::OpBenchOptions bench;
    DeviceChoice device;
  };
  const auto o = std::make_shared<BenchOptions>();
  Command& command = args.command(
      "bench", "Time ops and their gradients beside what the machine can do (docs/checking.md)",
      {{"cairn bench", "all ops"},
       {"cairn bench conv2d --threads 1", "one op and its gradient, on one thread"},
       {"cairn bench batch_norm --batch 128", "of as many examples as in training"},
       {"cairn bench --json > times.jsonl", "one object a line"},
       {"cairn bench --access-report --device cuda", "how kernels use memory, without a GPU"}});
  command.positional("OP", o->bench.ops, "ops to time; all where none is named");
  add_device_options(command, o->device);
  command.option("--batch", o->bench.batch, "examples of each row (default: the row's own)", "N")
      .at_least(1);
  command.option("--seconds", o->bench.seconds, "how long each line is measured", "S").positive();
  command.flag("--json", o->bench.json, "print one JSON object a line");
  command.flag("--access-report", o->bench.access_report,
               "count the memory sectors and bank conflicts of CUDA kernels in place of time "
               "(preset simt-check, docs/simt.md)");
  command.run([o] {
    if (o->bench.access_report) bench::expect_access_recorder(o->device.device);
    bench::run_op_bench(*open_and_tell(o->device), o->bench);
    return 0;
  });
}

}  // namespace cairn
