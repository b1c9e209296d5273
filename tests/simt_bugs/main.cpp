// cairn_simt_bugs NAME bug|twin: runs a seeded bug, or the same without it.
#include <cstdio>
#include <cstring>

#include "core/error.h"
#include "tests/simt_bugs/table.h"

int main(int count, char** args) {
  if (count != 3) return std::fprintf(stderr, "usage: cairn_simt_bugs NAME bug|twin\n"), 2;
  for (const auto& [name, pair] : cairn::simt_bugs()) {
    if (std::strcmp(name, args[1]) != 0) continue;
    try {
      (std::strcmp(args[2], "twin") == 0 ? pair->twin : pair->bug)();
      return 0;
    } catch (const cairn::Error& error) {
      std::fprintf(stderr, "%s\n  at %s:%d\n", error.what(), error.where().file,
                   error.where().line);
      return 1;
    }
  }
  return std::fprintf(stderr, "no bug is named %s\n", args[1]), 2;
}
