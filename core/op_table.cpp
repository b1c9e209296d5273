#include "core/op_table.h"

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {

std::vector<const OpDef*> all_ops() {
  std::vector<const OpDef*> ops;
  for (const OpFolder& folder : op_folders())
    for (const OpDef& op : *folder.ops) ops.push_back(&op);
  return ops;
}

const OpDef& find_op(std::string_view name) {
  static const std::vector<const OpDef*> ops = all_ops();
  std::vector<std::string_view> names;
  for (const OpDef* op : ops) {
    if (op->name == name) return *op;
    names.push_back(op->name);
  }
  const std::string near = nearest_name(std::string(name), names);
  fail_usage(fmt::format("there is no op '{}'", name),
             near.empty() ? "`cairn ops` lists them" : fmt::format("did you mean '{}'?", near));
}

}  // namespace cairn
