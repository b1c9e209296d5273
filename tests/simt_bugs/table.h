// All seeded bugs, by name; CMake makes the table from the file names.
#pragma once

#include <span>

namespace cairn {

struct SimtBug {
  void (*bug)();
  void (*twin)();  // the same without the bug
};
struct NamedSimtBug {
  const char* name;
  const SimtBug* pair;
};
std::span<const NamedSimtBug> simt_bugs();

}  // namespace cairn
