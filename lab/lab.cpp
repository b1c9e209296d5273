#include "lab/lab.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <ctime>

#include "core/error.h"
#include "core/simd.h"
#include "data/process.h"
#include "io/files.h"
#include "io/json.h"

namespace cairn::lab {
namespace {

namespace fs = std::filesystem;

std::string today() {
  const std::time_t now = std::time(nullptr);
  return fmt::format("{:%Y-%m-%d}", fmt::localtime(now));
}

Json::Array to_json(const std::vector<Finding>& findings) {
  Json::Array all;
  for (const Finding& f : findings)
    all.push_back(Json::Object{{"claim", f.claim},
                               {"published", f.published},
                               {"measured", f.measured},
                               {"holds", f.holds}});
  return all;
}

size_t column_of(const Measurements& table, const std::string& name) {
  const auto at = std::ranges::find(table.columns, name);
  if (at == table.columns.end())
    fail(fmt::format("table {} has no column '{}'", table.name, name),
         fmt::format("its columns are {}", fmt::join(table.columns, ", ")));
  return static_cast<size_t>(at - table.columns.begin());
}

/// A text in gnuplot's language.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("''") : std::string(1, c);
  return out + "'";
}

}  // namespace

std::vector<const Experiment*> all_experiments() {
  std::vector<const Experiment*> all;
  for (const auto* file : experiment_files())
    for (const Experiment& e : *file) all.push_back(&e);
  return all;
}

const Experiment& find_experiment(std::string_view name) {
  std::vector<std::string_view> names;
  for (const Experiment* e : all_experiments()) {
    if (e->name == name) return *e;
    names.push_back(e->name);
  }
  fail_usage(fmt::format("there is no experiment '{}'", name),
             fmt::format("the experiments are {}", fmt::join(names, ", ")));
}

void Measurements::add(std::vector<double> row) {
  if (row.size() != columns.size())
    fail(fmt::format("table {} has {} columns, not {}", name, columns.size(), row.size()));
  rows.push_back(std::move(row));
}

std::string to_csv(const Measurements& table) {
  std::string text = fmt::format("{}\n", fmt::join(table.columns, ","));
  for (const auto& row : table.rows) text += fmt::format("{:.9g}\n", fmt::join(row, ","));
  return text;
}

std::string gnuplot_script(const Plot& plot) {
  // The palette of Okabe and Ito (2008), which the colour-blind can tell apart.
  constexpr std::string_view kColours[] = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                           "#e69f00", "#56b4e9", "#000000"};
  std::string text = "set datafile separator ','\nset grid lc rgb '#dddddd'\nset border 3\n";
  text += "set tics nomirror\nset key outside right top\n";
  text += fmt::format("set title {}\nset xlabel {}\nset ylabel {}\n", in_quotes(plot.title),
                      in_quotes(plot.x), in_quotes(plot.y));
  if (plot.log_y) text += "set logscale y\nset format y '10^{%L}'\n";
  if (!plot.y_range.empty()) text += fmt::format("set yrange [{}]\n", plot.y_range);
  std::vector<std::string> curves;
  for (const Curve& c : plot.curves) {
    const std::string_view colour = kColours[curves.size() % std::size(kColours)];
    curves.push_back(
        fmt::format("'{}.csv' using {}:{} skip 1 with {} lw 2 lc rgb '{}' title {}", c.table->name,
                    column_of(*c.table, c.x) + 1, column_of(*c.table, c.y) + 1,
                    c.points ? "linespoints pt 7 ps 0.7" : "lines", colour, in_quotes(c.title)));
  }
  const std::string drawing = fmt::format("plot {}\n", fmt::join(curves, ", \\\n  "));
  text += "set terminal pngcairo size 1000,560 font 'sans,12'\n";
  text += fmt::format("set output '{}.png'\n{}", plot.name, drawing);
  text += "set terminal svg size 1000,560 font 'sans,14' background 'white'\n";
  text += fmt::format("set output '{}.svg'\nreplot\n", plot.name);
  return text;
}

Lab::Lab(const Experiment& experiment, Device& device, LabSettings settings)
    : experiment_(experiment), device_(device), settings_(std::move(settings)) {
  const fs::path result = settings_.out / "result.json";
  std::error_code error;
  if (fs::exists(result, error)) {
    const Json had = Json::parse(read_file(result), result.string());
    if (had.at("experiment").as_string() != experiment.name)
      fail_usage(fmt::format("{} holds the experiment {}", settings_.out.string(),
                             had.at("experiment").as_string()),
                 "name another folder with --out");
    return;
  }
  if (fs::exists(settings_.out, error) && !fs::is_empty(settings_.out, error))
    fail_usage(fmt::format("{} holds something else than an experiment", settings_.out.string()),
               "name a new folder with --out");
  fs::create_directories(settings_.out, error);
  if (error) fail(fmt::format("{} can't be made: {}", settings_.out.string(), error.message()));
  write_file_atomic(
      result, Json(Json::Object{{"experiment", experiment.name}, {"holds", Json()}}).dump() + "\n");
}

Measurements& Lab::table(std::string name, std::vector<std::string> columns) {
  return tables_.emplace_back(Measurements{std::move(name), std::move(columns), {}});
}

bool Lab::holds() const {
  return !findings_.empty() && std::ranges::all_of(findings_, &Finding::holds);
}

bool Lab::write() const {
  const fs::path& out = settings_.out;
  std::error_code error;
  for (const Measurements& table : tables_)
    write_file_atomic(out / (table.name + ".csv"), to_csv(table));
  const bool drawn = on_path("gnuplot");
  for (const Plot& plot : plots_) {
    const std::string script = plot.name + ".gp";
    write_file_atomic(out / script, gnuplot_script(plot));
    if (!drawn) continue;
    const fs::path log = out / "gnuplot.log";
    const ProcessEnd end = run_process({"gnuplot", script}, {.directory = out, .log = log}, [] {});
    if (!end.ok())
      fail(fmt::format("gnuplot on {}: {}", (out / script).string(), to_string(end)),
           fmt::format("{} has what it said", log.string()));
    fs::remove(log, error);
  }
  write_file_atomic(out / "report.md", report(drawn));
  const Json result = Json::Object{{"experiment", experiment_.name},
                                   {"claim", experiment_.claim},
                                   {"source", experiment_.source},
                                   {"measures", experiment_.measures},
                                   {"quick", quick()},
                                   {"holds", holds()},
                                   {"findings", to_json(findings_)},
                                   {"date", today()},
                                   {"device", device_.description()},
                                   {"simd", simd_target()},
                                   {"seed", fmt::to_string(seed())},
                                   {"command", settings_.command}};
  write_file_atomic(out / "result.json", result.dump() + "\n");
  return drawn;
}

std::string Lab::report(bool drawn) const {
  std::string text = fmt::format("# {}\n\n{} ({})\n\nMeasured: {}.\n\n", experiment_.name,
                                 experiment_.claim, experiment_.source, experiment_.measures);
  text += "| claim | expected | measured | seen |\n|---|---|---|---|\n";
  for (const Finding& f : findings_)
    text += fmt::format("| {} | {} | {} | {} |\n", f.claim, f.published, f.measured,
                        f.holds ? "yes" : "no");
  for (const Plot& plot : plots_)
    text += drawn ? fmt::format("\n![{}]({}.png)\n", plot.title, plot.name)
                  : fmt::format("\n`gnuplot {}.gp` draws: {}\n", plot.name, plot.title);
  std::vector<std::string> files;
  for (const Measurements& table : tables_)
    files.push_back(fmt::format("[{0}.csv]({0}.csv)", table.name));
  text += fmt::format("\nNumbers: {}. {}, {}, by `{}`.\n", fmt::join(files, ", "), today(),
                      device_.description(), settings_.command);
  return text;
}

}  // namespace cairn::lab
