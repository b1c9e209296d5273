// The laboratory: claims about neural networks, measured on the engine.
//
// An experiment is a row of a file in lab/experiments: what is claimed, by whom, and a function
// that measures. CMake makes the table from the file names, so that adding an experiment adds a
// file and changes none. The function puts what it finds into a Lab, which writes a folder:
//
//   result.json   the claim, the findings and the numbers behind them
//   NAME.csv      a table of measurements
//   NAME.png, .svg, .gp   a plot, and what gnuplot drew it from
//   report.md     a page to read
#pragma once

#include <cstdint>
#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/device.h"

namespace cairn::lab {

class Lab;

struct Experiment {
  std::string_view name;
  std::string_view claim;     // one sentence
  std::string_view source;    // author, year
  std::string_view measures;  // what is measured
  std::string_view time;      // "2 s, quick 1 s": on two cores
  void (*measure)(Lab& lab) = nullptr;
};

/// The rows of each file (made by CMake).
std::span<const std::span<const Experiment>* const> experiment_files();

std::vector<const Experiment*> all_experiments();
/// The experiment of that name; a UsageError lists them.
const Experiment& find_experiment(std::string_view name);

/// A table of numbers; columns have their units in their names.
struct Measurements {
  std::string name;
  std::vector<std::string> columns;
  std::vector<std::vector<double>> rows;

  /// An Error where there are more or fewer numbers than columns.
  void add(std::vector<double> row);
};

/// A line of a plot: two columns of a table.
struct Curve {
  std::string title;
  const Measurements* table = nullptr;
  std::string x, y;
  bool points = false;  // marked, where there are few
};

struct Plot {
  std::string name, title;
  std::string x, y;  // what the axes show, with units
  std::vector<Curve> curves;
  bool log_y = false;
  std::string y_range = {};  // "-1:2"; empty: all of it
};

/// One part of the claim, and whether it was seen.
struct Finding {
  std::string claim;
  std::string published;  // the figure that others found, or that follows from a formula
  std::string measured;
  bool holds = false;
};

struct LabSettings {
  std::filesystem::path out;  // the folder that is written
  bool quick = false;         // the short form
  uint64_t seed = 1;
  std::optional<int64_t> steps = {};  // of each training, in place of the experiment's own number
  std::string command;                // that reproduces it
};

/// What one run of an experiment finds.
class Lab {
 public:
  /// Makes the folder, whose result.json says `holds: null` until the experiment is done. A
  /// UsageError for a folder that holds something else.
  Lab(const Experiment& experiment, Device& device, LabSettings settings);

  bool quick() const { return settings_.quick; }
  uint64_t seed() const { return settings_.seed; }
  std::optional<int64_t> steps() const { return settings_.steps; }
  const std::filesystem::path& folder() const { return settings_.out; }
  Device& device() { return device_; }

  /// A new table; the reference stays valid.
  Measurements& table(std::string name, std::vector<std::string> columns);
  void plot(Plot plot) { plots_.push_back(std::move(plot)); }
  void find(Finding finding) { findings_.push_back(std::move(finding)); }

  const std::vector<Finding>& findings() const { return findings_; }
  /// Whether all parts of the claim were seen.
  bool holds() const;
  /// Writes what was found, result.json last, and draws the plots where gnuplot is installed;
  /// returns whether it is. Errors: what can't be written; gnuplot's own.
  bool write() const;

 private:
  std::string report(bool drawn) const;

  const Experiment& experiment_;
  Device& device_;
  LabSettings settings_;
  std::deque<Measurements> tables_;
  std::vector<Plot> plots_;
  std::vector<Finding> findings_;
};

/// The text of a CSV file: a line of names, then a line a row.
std::string to_csv(const Measurements& table);
/// What gnuplot draws NAME.png and NAME.svg from, beside the tables' CSV files.
std::string gnuplot_script(const Plot& plot);

}  // namespace cairn::lab
