// The search for NVIDIA's libraries, with folders of our own and the C library's mathematics.
#include "core/dynamic_library.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cairn {
namespace {

namespace fs = std::filesystem;

constexpr const char* kNames[] = {"libcairn_none.so.2", "libcairn_test.so.1"};

/// Environment variables that come back.
class Environment {
 public:
  ~Environment() {
    for (auto at = former_.rbegin(); at != former_.rend(); ++at)
      at->second.empty() ? unsetenv(at->first.c_str())
                         : setenv(at->first.c_str(), at->second.c_str(), 1);
  }
  void set(const std::string& name, const std::string& value) {
    const char* had = std::getenv(name.c_str());
    former_.emplace_back(name, had ? had : "");
    setenv(name.c_str(), value.c_str(), 1);
  }

 private:
  std::vector<std::pair<std::string, std::string>> former_;
};

class DynamicLibraries : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cairn-libs-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    environment_.set("CAIRN_CUDA_LIBS", "");
    environment_.set("CUDA_HOME", (root_ / "toolkit").string());
    environment_.set("HOME", (root_ / "home").string());
    environment_.set("PATH", (root_ / "venv/bin").string() + ":/nowhere/bin");
  }
  void TearDown() override { fs::remove_all(root_); }

  /// A folder below the test's own, which ends in '/'.
  std::string folder(const std::string& name) {
    fs::create_directories(root_ / name);
    return (root_ / name).string() + "/";
  }
  /// Makes the mathematical library appear there under the second of the names.
  void install(const std::string& where) {
    Dl_info info = {};
    double (*const function)(double) = std::cos;
    ASSERT_NE(dladdr(reinterpret_cast<void*>(function), &info), 0);
    fs::create_symlink(fs::canonical(info.dli_fname), where + kNames[1]);
  }

  fs::path root_;
  Environment environment_;
};

TEST_F(DynamicLibraries, FoldersInOrder) {
  const std::string toolkit = folder("toolkit/lib64");
  const std::string wheel = folder("venv/lib/python3.11/site-packages/nvidia/cublas/lib");
  const std::string own = folder("home/.local/lib/python3.12/site-packages/nvidia/cu13/lib");
  environment_.set("CAIRN_CUDA_LIBS", "/a:/b/");
  const std::vector<std::string> folders = cuda_library_folders();
  ASSERT_GE(folders.size(), 6u);
  EXPECT_EQ(std::vector(folders.begin(), folders.begin() + 4),
            (std::vector<std::string>{"/a/", "/b/", "", toolkit}));
  EXPECT_EQ(std::vector(folders.end() - 2, folders.end()), (std::vector{wheel, own}));
}

TEST_F(DynamicLibraries, FirstFolderThatHasItWins) {
  const std::string wheel = folder("venv/lib/python3.11/site-packages/nvidia/cudnn/lib");
  install(wheel);
  DynamicLibrary from_wheel(kNames);
  EXPECT_EQ(from_wheel.path(), wheel + kNames[1]) << from_wheel.problem();
  double (*cosine)(double) = nullptr;
  from_wheel.find(cosine, "cos");
  ASSERT_NE(cosine, nullptr);
  EXPECT_EQ(cosine(0.5), std::cos(0.5));

  const std::string chosen = folder("chosen");
  install(chosen);
  environment_.set("CAIRN_CUDA_LIBS", folder("empty") + ":" + chosen);
  EXPECT_EQ(DynamicLibrary(kNames).path(), chosen + kNames[1]);
}

TEST_F(DynamicLibraries, SaysWhereItLooked) {
  const std::string toolkit = folder("toolkit/lib");
  environment_.set("CAIRN_CUDA_LIBS", "/nowhere/at/all");
  const DynamicLibrary library(kNames);
  EXPECT_EQ(library.path(), "");
  for (const std::string& text : {std::string(kNames[0]), std::string("/nowhere/at/all/"),
                                  std::string("the loader's search path"), toolkit})
    EXPECT_NE(library.problem().find(text), std::string::npos) << library.problem();
}

TEST_F(DynamicLibraries, SaysWhatDoesNotLoad) {
  const std::string chosen = folder("chosen");
  std::ofstream(chosen + kNames[0]) << "no library";
  environment_.set("CAIRN_CUDA_LIBS", chosen);
  const std::string problem = DynamicLibrary(kNames).problem();
  EXPECT_NE(problem.find(chosen + kNames[0]), std::string::npos) << problem;
}

TEST_F(DynamicLibraries, NamesTheMissingFunction) {
  install(folder("toolkit/lib64"));
  DynamicLibrary library(kNames);
  EXPECT_EQ(library.problem(), "");
  void (*function)() = nullptr;
  library.find(function, "cairn_no_such_function");
  EXPECT_EQ(function, nullptr);
  EXPECT_NE(library.problem().find("cairn_no_such_function"), std::string::npos);
}

}  // namespace
}  // namespace cairn
