// The subcommands of `cairn`: one file each declares its options, runs.h holds what they do.
#pragma once

#include "apps/args.h"
#include "apps/support.h"

namespace cairn {

void add_train_command(CommandLine& args);
void add_eval_command(CommandLine& args);
void add_predict_command(CommandLine& args);
void add_data_command(CommandLine& args);
void add_weights_command(CommandLine& args);
void add_plan_command(CommandLine& args);
void add_graph_command(CommandLine& args);
void add_op_command(CommandLine& args);
void add_ops_command(CommandLine& args);
void add_doctor_command(CommandLine& args);
void add_bench_command(CommandLine& args);
void add_check_command(CommandLine& args);
void add_experiment_command(CommandLine& args);

/// Adds --device, --threads, --simd and --conv, shared by the commands that run ops.
void add_device_options(Command& command, DeviceChoice& choice);
/// Adds --source: where training images are kept.
void add_source_option(Command& command, std::optional<std::string>& source);

}  // namespace cairn
