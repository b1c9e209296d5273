// cairn data list|fetch|verify
#include <fmt/format.h>

#include <filesystem>

#include "apps/commands.h"
#include "apps/terminal.h"
#include "core/error.h"
#include "data/cache.h"
#include "data/catalog.h"
#include "data/fetch.h"

namespace cairn {
namespace {

struct DataOptions {
  std::string name;
  bool quiet = false;
};

std::string state_of(const CatalogEntry& entry) {
  if (entry.embedded) return "embedded";
  return is_fetched(entry) ? "fetched" : "not fetched";
}

uint64_t bytes_of(const CatalogEntry& entry) {
  uint64_t bytes = 0;
  for (const CatalogFile& file : entry.files) bytes += static_cast<uint64_t>(file.bytes);
  return bytes;
}

int list() {
  using Align = Table::Align;
  Table table(
      {{"name"}, {"description"}, {"images", Align::right}, {"state"}, {"size", Align::right}});
  for (const CatalogEntry& entry : catalog())
    table.add_row(
        {entry.name, entry.description,
         fmt::format("{} + {}", human_count(entry.train_size), human_count(entry.test_size)),
         state_of(entry), human_bytes(bytes_of(entry))});
  table.print(stdout);
  return 0;
}

/// The entry of that name; without a name all of which `wanted` says so.
template <class Wanted>
std::vector<const CatalogEntry*> chosen(const std::string& name, Wanted wanted) {
  if (!name.empty()) return {&catalog_entry(name)};
  std::vector<const CatalogEntry*> entries;
  for (const CatalogEntry& entry : catalog())
    if (wanted(entry)) entries.push_back(&entry);
  return entries;
}

void show(ProgressBar& bar, const FetchProgress& state) {
  if (!bar.due()) return;
  if (state.step == FetchStep::kWaiting) {
    bar.update({}, "waiting for another fetch");
    return;
  }
  const bool unpacking = state.step == FetchStep::kUnpacking;
  const auto bytes = static_cast<uint64_t>(state.bytes_done);
  std::string text = fmt::format("{}{}", unpacking ? "checking, " : "", human_bytes(bytes));
  std::optional<double> fraction;
  if (state.bytes_expected > 0 && state.bytes_done > 0) {
    fraction = static_cast<double>(state.bytes_done) / static_cast<double>(state.bytes_expected);
    text += " of " + human_bytes(static_cast<uint64_t>(state.bytes_expected));
  }
  bar.update(fraction, fmt::format("{}  {}", text, state.source));
}

void fetch_one(const CatalogEntry& entry, bool quiet) {
  FetchResult result;
  {
    ProgressBar bar(entry.name, quiet);
    if (!bar.due() && !quiet) fmt::print(stderr, "fetching {} ...\n", entry.name);
    result = fetch(entry, [&](const FetchProgress& state) { show(bar, state); });
  }
  if (!result.failures.empty()) fmt::print(stderr, "sources that failed:{}\n", result.failures);
  const std::string directory = result.directory.string();
  if (result.source.empty())
    fmt::print("{} is in {} already; its checksums are right\n", entry.name, directory);
  else
    fmt::print("{} is in {}, from {}; its checksums are right\n", entry.name, directory,
               result.source);
}

int fetch_chosen(const DataOptions& options) {
  for (const CatalogEntry* entry :
       chosen(options.name, [](const CatalogEntry& e) { return !e.embedded; }))
    fetch_one(*entry, options.quiet);
  return 0;
}

int verify_chosen(const DataOptions& options) {
  bool all_ok = true;
  Table table({{""}, {""}, {""}});
  const auto entries = chosen(options.name, [](const CatalogEntry& e) { return is_fetched(e); });
  for (const CatalogEntry* entry : entries)
    for (const FileCheck& check : verify(*entry)) {
      table.add_row({entry->name, check.file, check.ok() ? "ok" : check.problem});
      all_ok = all_ok && check.ok();
    }
  table.print(stdout);
  if (all_ok) return 0;
  const std::string name = options.name.empty() ? "NAME" : options.name;
  fail("not all files are as they should be", fmt::format("cairn data fetch {}", name));
}

}  // namespace

void add_data_command(CommandLine& args) {
  const auto o = std::make_shared<DataOptions>();
  Command& data = args.command("data", "List, fetch and verify data sets");
  Command& list_command = data.command("list", "The data sets that Cairn knows",
                                       {{"cairn data list", "what there is, and what is fetched"}});
  list_command.run(list);
  Command& fetch_command =
      data.command("fetch", "Download a data set and check it", {{"cairn data fetch mnist", ""}});
  fetch_command.positional("NAME", o->name, "data set; all that can be fetched where left out");
  fetch_command.flag("--quiet", o->quiet, "no progress");
  fetch_command.run([o] { return fetch_chosen(*o); });
  Command& verify_command = data.command("verify", "Check the files of a data set by SHA-256",
                                         {{"cairn data verify mnist", ""}});
  verify_command.positional("NAME", o->name, "data set; all that are fetched where left out");
  verify_command.run([o] { return verify_chosen(*o); });
}

}  // namespace cairn
