// cairn: the command.
#include "apps/commands.h"

namespace cairn {

void add_device_options(Command& command, DeviceChoice& choice) {
  command.option("--device", choice.device,
                 "where to run: reference, cpu, cuda, cuda:INDEX or auto", "NAME");
  command
      .option("--threads", choice.threads,
              "threads of the CPU, more than cores too; 0 takes all cores", "T")
      .range(0, 1024);
  command.option("--simd", choice.simd,
                 "vector instructions of the CPU: AVX3 (AVX-512), AVX2, ... or auto", "NAME");
  command.option(
      "--conv", choice.conv,
      "convolutions on CUDA: im2col, implicit, cudnn, or auto, which measures them (default: "
      "the run's, else im2col)",
      "NAME");
  command.option("--batch-norm", choice.batch_norm,
                 "batch norm on CUDA: own, our kernels, or cudnn (default: the run's, else own)",
                 "NAME");
}

void add_source_option(Command& command, std::optional<std::string>& source) {
  command
      .option("--source", source,
              "keep the training images on the device, or stream them, batch by batch, from where "
              "they are; the results are the same (default: resident)",
              "KIND")
      .choices({"resident", "streamed"});
}

}  // namespace cairn

int main(int argc, char** argv) {
  cairn::CommandLine args(
      "cairn", CAIRN_VERSION, "trains neural networks",
      {{"cairn train lenet5 --data digits --out runs/first",
        "trains LeNet-5 in seconds, on digits that are part of the program"},
       {"cairn eval runs/first", "what it gets right and what it confuses"},
       {"cairn data fetch mnist", "all of MNIST: with it `cairn train lenet5` reaches 99%"}});
  cairn::add_train_command(args);
  cairn::add_eval_command(args);
  cairn::add_predict_command(args);
  cairn::add_weights_command(args);
  cairn::add_data_command(args);
  cairn::add_experiment_command(args);
  cairn::add_plan_command(args);
  cairn::add_graph_command(args);
  cairn::add_ops_command(args);
  cairn::add_op_command(args);
  cairn::add_check_command(args);
  cairn::add_bench_command(args);
  cairn::add_doctor_command(args);
  return args.run(argc, argv);
}
