// cairn: the command.
#include "apps/commands.h"

namespace cairn {

void add_device_options(Command& command, std::string& device, int64_t& threads) {
  command.option("--device", device, "where to run: reference, cpu, cuda, cuda:INDEX or auto",
                 "NAME");
  command
      .option("--threads", threads, "threads of the CPU, more than cores too; 0 takes all cores",
              "T")
      .range(0, 1024);
}

}  // namespace cairn

int main(int argc, char** argv) {
  cairn::CommandLine args("cairn", CAIRN_VERSION, "trains neural networks");
  cairn::add_train_command(args);
  cairn::add_eval_command(args);
  cairn::add_data_command(args);
  return args.run(argc, argv);
}
