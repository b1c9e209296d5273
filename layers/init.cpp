#include "layers/init.h"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "core/error.h"

namespace cairn {
namespace {

double fan(int64_t n) { return static_cast<double>(std::max<int64_t>(1, n)); }

}  // namespace

Init lecun(int64_t fan_in) { return {Init::Kind::normal, std::sqrt(1 / fan(fan_in))}; }

Init glorot(int64_t fan_in, int64_t fan_out) {
  return {Init::Kind::uniform, std::sqrt(6 / fan(fan_in + fan_out))};
}

Init he(int64_t fan_in) { return {Init::Kind::normal, std::sqrt(2 / fan(fan_in))}; }

Init dirac(int64_t fan_in) { return {Init::Kind::dirac, std::sqrt(1 / fan(fan_in))}; }

Init make_init(InitScheme scheme, int64_t fan_in, int64_t fan_out) {
  switch (scheme) {
    case InitScheme::lecun:
      return lecun(fan_in);
    case InitScheme::glorot:
      return glorot(fan_in, fan_out);
    case InitScheme::he:
      return he(fan_in);
    case InitScheme::dirac:
      return dirac(fan_in);
    case InitScheme::zeros:
      return {};
  }
  return {};
}

InitScheme init_scheme(std::string_view name) {
  if (name == "lecun") return InitScheme::lecun;
  if (name == "glorot") return InitScheme::glorot;
  if (name == "he") return InitScheme::he;
  fail_usage(fmt::format("'{}' is no initialisation", name), "use lecun, glorot or he");
}

}  // namespace cairn
