// cairn doctor
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "apps/commands.h"
#include "apps/terminal.h"
#include "core/device.h"
#include "core/error.h"
#include "core/simd.h"
#include "data/cache.h"
#include "io/files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

/// What was found; with advice where something is missing, and whether Cairn can't do without.
struct Diagnosis {
  std::string what, found, advice = {};
  bool broken = false;
};

#ifdef __clang__
constexpr const char* kCompiler = "clang";
#else
constexpr const char* kCompiler = "g++";
#endif
#ifdef NDEBUG
constexpr const char* kBuild = "optimised";
constexpr const char* kBuildAdvice = "";
#else
constexpr const char* kBuild = "with assertions";
constexpr const char* kBuildAdvice = "for speed build the preset `release`";
#endif

Diagnosis memory() {
  const auto page = static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
  const uint64_t free = page * static_cast<uint64_t>(sysconf(_SC_AVPHYS_PAGES));
  const uint64_t all = page * static_cast<uint64_t>(sysconf(_SC_PHYS_PAGES));
  return {"memory", fmt::format("{}, {} free", human_bytes(all), human_bytes(free))};
}

Diagnosis simd() {
  const std::string best = simd_targets().front();
  const bool narrow = best != "AVX2" && !best.starts_with("AVX3") && best != "NEON";
  return {"vector instructions", best,
          narrow ? "this CPU has neither AVX2 nor AVX-512: training is several times slower" : ""};
}

/// The nearest folder on the way to `path` that exists.
fs::path existing(fs::path path) {
  while (!path.empty() && !fs::exists(path) && path.has_parent_path() && path != path.parent_path())
    path = path.parent_path();
  return path;
}

Diagnosis data_folder() {
  try {
    const fs::path folder = cache_dir();
    const bool writable = access(existing(fs::absolute(folder)).c_str(), W_OK) == 0;
    return {"data folder", folder.string(),
            writable ? "" : "it can't be written: set CAIRN_DATA to a folder of yours", !writable};
  } catch (const Error& e) {
    return {"data folder", e.what(), e.hint(), true};
  }
}

Diagnosis data_set(const CatalogEntry& entry) {
  const std::string what = fmt::format("data set {}", entry.name);
  if (entry.embedded) return {what, "part of the program"};
  bool fetched = false;
  try {
    fetched = is_fetched(entry);
  } catch (const Error&) {  // no data folder, which has a line of its own
  }
  if (!fetched) return {what, "not fetched", "fetch it: " + how_to_get(entry)};
  for (const FileCheck& check : verify(entry))
    if (!check.ok())
      return {what, fmt::format("{}: {}", check.file, check.problem),
              "fetch it again: cairn data fetch " + entry.name, true};
  return {what, "fetched, checksums right"};
}

std::vector<Diagnosis> examine() {
  std::vector<Diagnosis> findings = {
      {"cairn", CAIRN_VERSION},
      {"compiler", fmt::format("{} {}, {}", kCompiler, __VERSION__, kBuild), kBuildAdvice},
      {"processors", fmt::to_string(std::max(1u, std::thread::hardware_concurrency()))},
      simd(),
      memory()};
  for (const CudaFact& fact : cuda_facts())
    findings.push_back({fact.what, fact.found, fact.advice});
  findings.push_back(data_folder());
  for (const CatalogEntry& entry : catalog()) findings.push_back(data_set(entry));
  return findings;
}

int report() {
  const std::vector<Diagnosis> findings = examine();
  size_t width = 0;
  for (const Diagnosis& f : findings) width = std::max(width, f.what.size());
  for (const Diagnosis& f : findings) {
    const std::string mark = f.broken           ? styled("!!", Style::red, stdout)
                             : f.advice.empty() ? styled("ok", Style::green, stdout)
                                                : styled("--", Style::yellow, stdout);
    fmt::print("{}  {:<{}}  {}\n", mark, f.what, width, f.found);
    if (!f.advice.empty()) fmt::print("    {:<{}}  -> {}\n", "", width, f.advice);
  }
  const auto broken = std::ranges::count_if(findings, &Diagnosis::broken);
  fmt::print("\n{}\n", broken == 0 ? "Cairn can train here: cairn train lenet5 --data digits"
                                   : "what is marked !! must be put right first");
  return broken == 0 ? 0 : 1;
}

}  // namespace

void add_doctor_command(CommandLine& args) {
  Command& command = args.command(
      "doctor", "Look at this build and this machine, and say what to do about what is wrong",
      {{"cairn doctor", ""}});
  command.run([] { return report(); });
}

}  // namespace cairn
