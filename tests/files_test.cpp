#include "io/files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

#include "core/error.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

class Files : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cairn-files-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path make(const std::string& name, const std::string& text) {
    const fs::path path = root_ / name;
    fs::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path;
  }
  int entries() const { return static_cast<int>(std::distance(fs::directory_iterator(root_), {})); }

  template <class Call>
  static std::string refusal(Call call) {
    try {
      call();
    } catch (const Error& error) {
      EXPECT_FALSE(error.hint().empty());
      return error.what();
    }
    return "no error";
  }

  fs::path root_;
};

TEST_F(Files, ReadsWhatWasWritten) {
  std::string bytes("zero\0inside\n", 12);
  bytes.append(300000, 'x');
  write_file_atomic(root_ / "a.bin", bytes);
  EXPECT_EQ(read_file(root_ / "a.bin"), bytes);
  write_file_atomic(root_ / "a.bin", "");
  EXPECT_EQ(read_file(root_ / "a.bin"), "");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, WritesPartsInOrder) {
  const std::string_view parts[] = {"one ", "", "two"};
  write_file_atomic(root_ / "a", parts);
  EXPECT_EQ(read_file(root_ / "a"), "one two");
}

TEST_F(Files, ReadsFilesThatTellNoSize) { EXPECT_NE(read_file("/proc/self/status"), ""); }

TEST_F(Files, ReadErrorsNameThePathAndTheReason) {
  const fs::path missing = root_ / "none.json";
  EXPECT_EQ(refusal([&] { read_file(missing); }),
            "cannot read " + missing.string() + ": No such file or directory");
  EXPECT_EQ(refusal([&] { read_file(root_); }),
            "cannot read " + root_.string() + ": it is a folder");
  if (geteuid() == 0) return;
  fs::permissions(make("closed", "x"), fs::perms::none);
  EXPECT_EQ(refusal([&] { read_file(root_ / "closed"); }),
            "cannot read " + (root_ / "closed").string() + ": Permission denied");
}

TEST_F(Files, WriteErrorsNameThePathAndTheReasonAndLeaveNothing) {
  const fs::path missing = root_ / "none" / "a";
  EXPECT_EQ(refusal([&] { write_file_atomic(missing, "x"); }),
            "cannot write " + missing.string() + ": No such file or directory");
  const fs::path below = make("file", "kept") / "a";
  EXPECT_EQ(refusal([&] { write_file_atomic(below, "x"); }),
            "cannot write " + below.string() + ": Not a directory");
  EXPECT_EQ(refusal([&] { write_file_atomic(root_, "x"); }),
            "cannot write " + root_.string() + ": it is a folder");
  EXPECT_EQ(read_file(root_ / "file"), "kept");
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, ExchangeMakesAndReplacesATarget) {
  const fs::path target = root_ / "checkpoint";
  make("fresh/a", "1");
  make("fresh/deep/b", "2");
  exchange_directory(root_ / "fresh", target);
  EXPECT_EQ(read_file(target / "a"), "1");
  EXPECT_EQ(read_file(target / "deep" / "b"), "2");
  EXPECT_FALSE(fs::exists(root_ / "fresh"));

  make("fresh/c", "3");
  exchange_directory(root_ / "fresh/", target / "");
  EXPECT_EQ(read_file(target / "c"), "3");
  EXPECT_FALSE(fs::exists(target / "a"));
  EXPECT_EQ(entries(), 1);
}

TEST_F(Files, ExchangeRefusesWhatIsNoFolder) {
  EXPECT_NE(refusal([&] { exchange_directory(root_ / "none", root_ / "target"); }).find("none"),
            std::string::npos);
  make("fresh/a", "1");
  const fs::path file = make("file", "kept");
  EXPECT_EQ(refusal([&] { exchange_directory(root_ / "fresh", file); }),
            "cannot replace " + file.string() + ": it is no folder");
  EXPECT_EQ(read_file(file), "kept");
  EXPECT_EQ(read_file(root_ / "fresh" / "a"), "1");
}

TEST_F(Files, MoveAsideKeepsOneBackup) {
  EXPECT_EQ(move_aside(root_ / "run"), fs::path());
  make("run/a", "1");
  EXPECT_EQ(move_aside(root_ / "run"), root_ / "run.bak");
  make("run/a", "2");
  EXPECT_EQ(move_aside(root_ / "run" / ""), root_ / "run.bak");
  EXPECT_EQ(read_file(root_ / "run.bak" / "a"), "2");
  EXPECT_EQ(entries(), 1);
  EXPECT_NE(refusal([] { move_aside("."); }), "no error");
}

}  // namespace
}  // namespace cairn
