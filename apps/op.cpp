// cairn op NAME --in IN --out OUT
#include <fmt/format.h>

#include <fstream>
#include <iostream>
#include <memory>

#include "apps/commands.h"
#include "apps/op_request.h"
#include "core/error.h"

namespace cairn {
namespace {

struct OpOptions {
  OpRequest request;
  DeviceChoice where;
  std::optional<std::string> name, in, out, batch;
  bool list = false, json = false;
};

std::string error_text(const Error& error) {
  return error.hint().empty() ? std::string(error.what())
                              : fmt::format("{} ({})", error.what(), error.hint());
}

/// The answer to a line, as JSON.
Json answer_line(OpServer& server, const std::string& line, const OpRequest& defaults) {
  std::string problem;
  try {
    server.answer(request_from_json(Json::parse(line, "the request"), defaults));
    return Json::Object{{"ok", true}};
  } catch (const Error& error) {
    problem = error_text(error);
  } catch (const std::exception& error) {
    problem = error.what();
  }
  return Json::Object{{"ok", false}, {"error", problem}};
}

int answer_all(const OpOptions& options) {
  std::ifstream file;
  const bool from_stdin = *options.batch == "-";
  if (!from_stdin) {
    file.open(*options.batch);
    if (!file) fail(fmt::format("cannot read {}", *options.batch), "check the path");
  }
  std::istream& lines = from_stdin ? std::cin : file;
  OpServer server(options.where);
  int64_t count = 0, failed = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const Json answer = answer_line(server, line, options.request);
    failed += !answer.at("ok").as_bool();
    fmt::print("{}\n", answer.dump(-1));
    std::fflush(stdout);
  }
  if (lines.bad()) fail(fmt::format("cannot read {}", *options.batch), "name a file");
  fmt::print(stderr, "{} requests, {} failed\n", count, failed);
  return failed > 0 ? 1 : 0;
}

int answer_one(OpOptions& options) {
  if (!options.name || !options.in || !options.out)
    fail_usage(fmt::format("{} is missing", !options.name ? "OP"
                                            : !options.in ? "--in"
                                                          : "--out"),
               "write `cairn op NAME --in FILE --out FILE`, or give --batch-file or --list");
  options.request.op = *options.name, options.request.in = *options.in;
  options.request.out = *options.out;
  OpServer(options.where).answer(options.request);
  return 0;
}

int run_op(OpOptions& options) {
  options.request.device = options.where.device;
  if (options.list && options.json)
    fmt::print("{}\n", op_table_to_json().dump());
  else if (options.list)
    print_op_table();
  else if (options.json)
    fail_usage("--json belongs to --list", "answers are files; those of --batch-file JSON already");
  else if (options.batch && (options.name || options.in || options.out))
    fail_usage("--batch-file names the ops and files of each request",
               "leave out OP, --in and --out");
  else
    return options.batch ? answer_all(options) : answer_one(options);
  return 0;
}

}  // namespace

void add_op_command(CommandLine& args) {
  const auto o = std::make_shared<OpOptions>();
  o->where.device = "cpu";
  Command& command = args.command(
      "op", "Run one op on tensors from a file, to hold it against another framework",
      {{"cairn op conv2d --in in.safetensors --out out.safetensors --attr stride=2,1", ""},
       {"cairn op softmax --in in.safetensors --out out.safetensors --grad --device reference "
        "--dtype float64",
        "with dx, from dy in the input"},
       {"cairn op --list", "names of ops, tensors and attributes"},
       {"cairn op --batch-file requests.jsonl", "one request a line (docs/weights.md)"}});
  command.positional("OP", o->name, "op to run");
  command.option("--in", o->in, "safetensors file of the inputs, by the names of --list", "FILE");
  command.option("--out", o->out, "safetensors file to write", "FILE");
  command.option("--attr", o->request.attrs, "an attribute, named as in PyTorch", "NAME=VALUE");
  command.option("--state", o->request.state,
                 "what an optimizer reads of the run: step, epoch, first or lr", "NAME=VALUE");
  command.flag("--grad", o->request.grad,
               "also take dL/d(output), such as dy, and give dL/d(inputs), such as dx");
  command
      .option("--dtype", o->request.dtype, "type to compute in; float64 on reference alone", "TYPE")
      .choices({"float32", "float64"});
  command.option("--batch-file", o->batch,
                 "file of requests, one JSON object a line, or - for stdin; one answer a line",
                 "FILE");
  command.flag("--list", o->list, "list the ops with inputs, outputs, attributes and devices");
  command.flag("--json", o->json, "--list as JSON");
  add_device_options(command, o->where);
  command.run([o] { return run_op(*o); });
}

}  // namespace cairn
