#include "tests/op_suite.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <set>
#include <sstream>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/op_table.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr std::ptrdiff_t kBadRows = 3;  // at least, of an op

class OpSuite : public testing::Test {
 public:
  explicit OpSuite(std::function<void()> body) : body_(std::move(body)) {}
  void TestBody() override { body_(); }

 private:
  std::function<void()> body_;
};

void add_test(const std::string& name, std::function<void()> body) {
  testing::RegisterTest("OpSuite", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [body]() -> OpSuite* { return new OpSuite(body); });
}

void add_case(std::string_view property, const OpCase& c, void (*check)(const OpCase&)) {
  add_test(fmt::format("{}/{}", property, c.label()), [=] { check(c); });
}

bool has_batch(const OpCase& c) {
  const auto batched = [&](const auto& port) {
    return port.layout == Layout::batched || (port.layout == Layout::any && !c.plain);
  };
  return std::ranges::any_of(c.op->inputs, batched) || std::ranges::any_of(c.op->outputs, batched);
}

bool has_results(const OpDef& op) {
  return op.outputs.size() > 0 ||
         std::ranges::any_of(op.inputs, [](const InputDef& d) { return d.use == Use::mutated; });
}

/// Whether no given value is NaN or infinite; other rows show nothing of gradients and finite
/// lanes.
bool has_finite_inputs(const OpCase& c) {
  return std::ranges::all_of(c.row->inputs, [](const CaseInput& input) {
    return std::ranges::all_of(input.values, [](double v) { return std::isfinite(v); });
  });
}

/// Registers the properties that a row can show.
void register_case(const OpCase& c) {
  if (c.refused()) return add_case("Refused", c, check_refused);
  const auto given = [](std::span<const double> v) { return !v.empty(); };
  if (std::ranges::any_of(c.row->expect, given)) add_case("Golden", c, check_golden);
  if (c.op->advances_step) add_case("Step", c, check_step);
  if (has_results(*c.op)) add_case("Cpu", c, check_cpu);
  if (!has_finite_inputs(c)) return;
  const auto made = [](const OutputDef& d) { return !d.sum && is_floating(d.dtype); };
  if (std::ranges::any_of(c.op->outputs, made)) add_case("Written", c, check_written);
  if (has_batch(c) && c.row->n > 1 && c.row->step.n_valid == 0)
    add_case("NValid", c, check_n_valid);
  const auto floating = [](const InputDef& d) { return is_floating(d.dtype); };
  if (differentiable(*c.op) && std::ranges::any_of(c.op->inputs, floating))
    add_case("Gradient", c, check_gradient);
}

/// Once an op: the first good row shows that a gradient is refused.
void register_no_derivative(const OpDef& op) {
  const auto floating = [](const auto& port) { return is_floating(port.dtype); };
  if (differentiable(op) || !std::ranges::any_of(op.inputs, floating) ||
      !std::ranges::any_of(op.outputs, floating))
    return;
  for (const Case& row : op.cases)
    if (row.error.empty()) return add_case("NoDerivative", {&op, &row}, check_no_derivative);
}

std::string text_of(const fs::path& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Whether nothing but an unknown attribute can be wrong: the op takes one tensor of any shape and
/// layout, as the activation functions do, and has no attributes.
bool takes_everything(const OpDef& op) {
  return op.attrs.size() == 0 && op.inputs.size() == 1 && op.inputs[0].layout == Layout::any;
}

/// An op is found by its name: its folder has the files, and its header tells of it.
void check_folder(const OpFolder& folder) {
  fs::path found;
  std::stringstream roots(CAIRN_OP_ROOTS);
  for (std::string root; std::getline(roots, root, ':');)
    if (fs::exists(fs::path(root) / folder.name)) found = fs::path(root) / folder.name;
  ASSERT_FALSE(found.empty()) << "no folder kernels/" << folder.name;
  const std::string name(folder.name);
  for (const char* ending : {".h", "_op.cpp", "_ref.cpp", ".cu"})
    EXPECT_TRUE(fs::exists(found / (name + ending))) << name << ending << " is missing";
  EXPECT_FALSE(folder.ops->empty());
  const std::string header = text_of(found / (name + ".h"));
  for (const OpDef& op : *folder.ops) {
    EXPECT_NE(header.find(op.name), std::string::npos) << name << ".h doesn't tell of " << op.name;
    const auto good =
        std::ranges::count_if(op.cases, [](const Case& c) { return c.error.empty(); });
    EXPECT_GT(good, 0) << op.name << " has no row that runs";
    EXPECT_TRUE(takes_everything(op) || std::ssize(op.cases.items) - good >= kBadRows)
        << op.name << " has less than " << kBadRows << " rows of bad input";
    EXPECT_TRUE(std::ranges::any_of(op.cases, &Case::bench)) << op.name << " has no benchmark row";
  }
}

void check_names() {
  std::set<std::string_view> ops;
  for (const OpDef* op : all_ops()) {
    EXPECT_TRUE(ops.insert(op->name).second) << "two ops are called " << op->name;
    std::set<std::string_view> rows;
    for (const Case& row : op->cases)
      EXPECT_TRUE(rows.insert(row.name).second) << op->name << " has two rows " << row.name;
  }
}

}  // namespace

void register_op_suite() {
  add_test("Names", check_names);
  for (const OpFolder& folder : op_folders())
    add_test(fmt::format("Folder/{}", folder.name), [&folder] { check_folder(folder); });
  for (const OpDef* op : all_ops()) register_no_derivative(*op);
  for (const OpCase& c : all_cases()) register_case(c);
  for (const OpDef* op : all_ops()) {
    if (const auto check = shape_check(*op)) add_test(fmt::format("Shapes/{}", op->name), check);
    if (const auto check = width_check(*op)) add_test(fmt::format("Widths/{}", op->name), check);
  }
}

}  // namespace cairn
