// The table of all ops, made by CMake from the folders of kernels/ (cmake/Tables.cmake).
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "core/op.h"

namespace cairn {

/// A folder's name and the rows that it exports as `NAME_ops`.
struct OpFolder {
  std::string_view name;
  const std::span<const OpDef>* ops;
  std::string_view directory;  // of its sources when they were compiled; none for the library's
                               // folders in a program's own table
};

std::span<const OpFolder> op_folders();

/// Every row, in the order of the folder names.
std::vector<const OpDef*> all_ops();
/// The row of that name; a UsageError with the nearest name where there is none.
const OpDef& find_op(std::string_view name);

}  // namespace cairn
