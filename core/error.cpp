#include "core/error.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace cairn {

void fail(std::string what, std::string hint, SourceLocation where) {
  throw Error(std::move(what), std::move(hint), where);
}

void fail_usage(std::string what, std::string hint, SourceLocation where) {
  throw UsageError(std::move(what), std::move(hint), where);
}

int edit_distance(const std::string& a, const std::string& b) {
  std::vector<int> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (size_t i = 0; i < a.size(); ++i) {
    int diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const int substituted = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({substituted, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace cairn
