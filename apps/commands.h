// The subcommands of `cairn`: one file each declares its options, runs.h holds what they do.
#pragma once

#include <string>

#include "apps/args.h"

namespace cairn {

void add_train_command(CommandLine& args);
void add_eval_command(CommandLine& args);
void add_data_command(CommandLine& args);

/// Adds --device and --threads, shared by the commands that run a network.
void add_device_options(Command& command, std::string& device, int64_t& threads);

}  // namespace cairn
