// cairn ops
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <memory>

#include "apps/commands.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "core/op_runner.h"
#include "core/op_table.h"

namespace cairn {
namespace {

struct OpsOptions {
  std::string name;
  bool markdown = false;
};

std::string_view name_of(Layout layout) {
  return layout == Layout::batched ? "batched" : layout == Layout::plain ? "plain" : "any layout";
}

std::string_view name_of(Scope scope) {
  switch (scope) {
    case Scope::per_example:
      return "each example by itself";
    case Scope::sums_over_batch:
      return "sums over the batch";
    default:
      return "the whole batch, or none";
  }
}

std::string text_of(const InputDef& input) {
  std::string text = fmt::format("{} ({}", input.name, name_of(input.layout));
  if (input.dtype != DType::f32) text += fmt::format(", {}", name_of(input.dtype));
  if (input.use == Use::optional) text += ", optional";
  if (input.use == Use::mutated) text += ", changed in place";
  if (input.use == Use::constant) text += ", without a gradient";
  return text + ")";
}

std::string text_of(const OutputDef& output) {
  std::string text = fmt::format("{} ({}", output.name, name_of(output.layout));
  if (output.dtype != DType::f32) text += fmt::format(", {}", name_of(output.dtype));
  if (output.sum) text += ", added to";
  return text + ")";
}

/// "stride=1,1 (1 to 16777216)": the default, and what it may be.
std::string text_of(const AttrDef& attr) {
  if (attr.type == AttrType::choice)
    return fmt::format("{}={} ({})", attr.name, attr.choices[static_cast<size_t>(attr.initial)],
                       fmt::join(attr.choices, ", "));
  if (attr.type == AttrType::flag)
    return fmt::format("{}={:.0f} (0 or 1)", attr.name, attr.initial);
  if (attr.list)
    return fmt::format("{}= (up to {} numbers from {} to {})", attr.name, attr.count, attr.min,
                       attr.max);
  std::string initial = fmt::to_string(attr.initial);
  for (int i = 1; i < attr.count; ++i) initial += fmt::format(",{}", attr.initial);
  return fmt::format("{}={} ({} to {})", attr.name, initial, attr.min, attr.max);
}

template <class Items>
std::string list_of(const Items& items, std::string_view separator) {
  std::vector<std::string> texts;
  for (const auto& item : items) texts.push_back(text_of(item));
  return texts.empty() ? "none" : fmt::format("{}", fmt::join(texts, separator));
}

std::string gradient_of(const OpDef& op) { return differentiable(op) ? "yes" : "no"; }

void print_list() {
  Table table({{"op"}, {"folder"}, {"batch"}, {"gradient"}, {"what it takes"}});
  for (const OpFolder& folder : op_folders())
    for (const OpDef& op : *folder.ops) {
      std::vector<std::string_view> names;
      for (const InputDef& input : op.inputs) names.push_back(input.name);
      table.add_row({std::string(op.name), fmt::format("kernels/{}", folder.name),
                     std::string(name_of(op.scope)), gradient_of(op),
                     fmt::format("{}", fmt::join(names, ", "))});
    }
  table.print(stdout);
}

void print_op(const OpDef& op) {
  for (const OpFolder& folder : op_folders())
    for (const OpDef& row : *folder.ops)
      if (row.name == op.name)
        fmt::print("{}: formulas in kernels/{}/{}.h\n", op.name, folder.name, folder.name);
  Table table({{""}, {""}});
  table.add_row({"inputs", list_of(op.inputs, ", ")});
  table.add_row({"outputs", list_of(op.outputs, ", ")});
  table.add_row({"attributes", list_of(op.attrs, ", ")});
  table.add_row({"batch", std::string(name_of(op.scope))});
  table.add_row({"gradient", gradient_of(op)});
  table.add_row({"on the CPU", op.cpu     ? "vectorised"
                               : op.lower ? "by ops that pass slice by slice (core/lower.h)"
                                          : "the reference's plain loops"});
  table.print(stdout);
}

/// docs/ops.md.
void print_markdown() {
  fmt::print(
      "# Ops\n\nMade by `cairn ops --markdown` from the op table; a test holds it to that. "
      "Formulas, "
      "shapes, errors and\nsources stand in each folder's header. *Batched* tensors have a batch "
      "in front of the shape that an op sees;\n*plain* ones have none. An attribute shows its "
      "default and what it may be.\n");
  for (const OpFolder& folder : op_folders()) {
    fmt::print("\n## {0}\n\n[kernels/{0}/{0}.h](../kernels/{0}/{0}.h)\n\n", folder.name);
    fmt::print(
        "| op | inputs | outputs | attributes | batch | gradient |\n|---|---|---|---|---|---|\n");
    for (const OpDef& op : *folder.ops)
      fmt::print("| `{}` | {} | {} | {} | {} | {} |\n", op.name, list_of(op.inputs, "<br>"),
                 list_of(op.outputs, "<br>"), list_of(op.attrs, "<br>"), name_of(op.scope),
                 gradient_of(op));
  }
}

int show_ops(const OpsOptions& options) {
  if (options.markdown && !options.name.empty())
    fail_usage("--markdown shows all ops", "leave out the name or the option");
  if (options.markdown)
    print_markdown();
  else if (options.name.empty())
    print_list();
  else
    print_op(find_op(options.name));
  return 0;
}

}  // namespace

void add_ops_command(CommandLine& args) {
  const auto o = std::make_shared<OpsOptions>();
  Command& command =
      args.command("ops", "List the ops, or show one: inputs, outputs, attributes, gradient",
                   {{"cairn ops", ""}, {"cairn ops conv2d", ""}});
  command.positional("OP", o->name, "op to show");
  command.flag("--markdown", o->markdown, "all of them, as docs/ops.md has them");
  command.run([o] { return show_ops(*o); });
}

}  // namespace cairn
