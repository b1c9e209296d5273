#include "tests/op_suite.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/op_table.h"
#include "kernels/conv2d/conv2d.h"

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

const char* tested_device() { return std::getenv("CAIRN_TEST_DEVICE"); }

void add_test(const std::string& name, std::function<void()> body) {
  testing::RegisterTest("OpSuite", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                        [body]() -> OpSuite* { return new OpSuite(body); });
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
  const fs::path found(folder.directory);
  ASSERT_TRUE(fs::exists(found)) << found << " is gone";
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

/// The cases of ops, small ones first: what fails fails early.
std::vector<OpCase> sorted_cases(std::span<const OpDef* const> ops) {
  std::vector<OpCase> cases;
  for (const OpDef* op : ops) std::ranges::copy(cases_of(*op), std::back_inserter(cases));
  std::ranges::stable_sort(cases, {}, [](const OpCase& c) {
    int64_t values = 0;  // of an example
    for (const CaseInput& input : c.row->inputs) values += input.shape.elements();
    return values * c.row->n;
  });
  return cases;
}

std::vector<OpCase> convolution_cases() {
  const OpDef* const ops[] = {&find_op("conv2d"), &find_op("conv2d_dx"), &find_op("conv2d_dw")};
  return sorted_cases(ops);
}

/// On CUDA once more what cuDNN computes too, by cuDNN.
void register_cudnn() {
  std::vector<const OpDef*> ops;
  for (const char* name : {"conv2d", "conv2d_dx", "conv2d_dw", "batch_norm", "batch_norm_inference",
                           "batch_norm_grad", "batch_norm_relu_grad"})
    ops.push_back(&find_op(name));
  for (const OpCase& c : sorted_cases(ops))
    for (const Check& check : checks_of(c))
      add_test(fmt::format("Cudnn{}/{}", check.name, c.label()), [=] {
        Device& device = test_device("cuda", 2);
        try {
          device.set_conv({.algorithm = "cudnn", .batch_norm = "cudnn"});
        } catch (const Error& e) {
          GTEST_SKIP() << e.what();
        }
        report(run_check(check, c, {.devices = {&device}}));
      });
}

/// On CUDA the convolutions once more without a column matrix.
void register_implicit() {
  for (const OpCase& c : convolution_cases())
    for (const Check& check : checks_of(c))
      add_test(fmt::format("Implicit{}/{}", check.name, c.label()), [=] {
        Device& device = test_device("cuda", 3);
        device.set_conv({.algorithm = "implicit"});
        report(run_check(check, c, {.devices = {&device}}));
      });
}

/// On CUDA the convolutions once more in chunks of one output row.
void register_chunks() {
  for (const OpCase& c : convolution_cases())
    for (const Check& check : checks_of(c))
      add_test(fmt::format("Chunks{}/{}", check.name, c.label()), [=] {
        const int64_t bytes = std::exchange(conv2d_column_bytes, 1);
        report(run_check(check, c, tested_target()));
        conv2d_column_bytes = bytes;
      });
}

}  // namespace

void report(const Findings& findings) {
  for (const Finding& finding : findings)
    if (!finding.passed) ADD_FAILURE() << to_string(finding);
}

Device& test_device(const std::string& spec, int threads) {
  static std::map<std::pair<std::string, int>, std::unique_ptr<Device>> devices;
  auto& device = devices[{spec, threads}];
  if (!device) device = open_device(spec, threads);
  return *device;
}

Target tested_target() {
  const char* spec = tested_device();
  return spec ? Target{.devices = {&test_device(spec, 1)}} : cpu_target();
}

Target cpu_target() {
  if (std::getenv("CAIRN_FEW")) return {.devices = {&test_device("cpu", 2)}, .every_simd = true};
  return {.devices = {&test_device("cpu", 2), &test_device("cpu", 1), &test_device("cpu", 4)},
          .every_simd = true};
}

void register_op_suite() {
  add_test("Names", check_names);
  for (const OpFolder& folder : op_folders())
    if (!folder.directory.empty())
      add_test(fmt::format("Folder/{}", folder.name), [&folder] { check_folder(folder); });
  for (const OpCase& c : sorted_cases(all_ops()))
    for (const Check& check : checks_of(c))
      add_test(fmt::format("{}/{}", check.name, c.label()),
               [=] { report(run_check(check, c, tested_target())); });
  if (const char* spec = tested_device(); spec && std::string_view(spec).starts_with("cuda")) {
    register_cudnn();
    register_implicit();
    register_chunks();
  }
  for (const OpDef* op : all_ops()) {
    if (const auto check = shape_check(*op)) add_test(fmt::format("Shapes/{}", op->name), check);
    if (const auto check = width_check(*op)) add_test(fmt::format("Widths/{}", op->name), check);
  }
}

}  // namespace cairn
