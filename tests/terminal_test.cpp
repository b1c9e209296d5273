#include "apps/terminal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"

namespace cairn {
namespace {

TEST(Terminal, HumanBytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.0 kB");
  EXPECT_EQ(human_bytes(12'345'678), "12.3 MB");
  EXPECT_EQ(human_bytes(999'949), "999.9 kB");
  EXPECT_EQ(human_bytes(999'950), "1.0 MB");
  EXPECT_EQ(human_bytes(std::numeric_limits<uint64_t>::max()), "18446.7 PB");
}

TEST(Terminal, HumanDuration) {
  EXPECT_EQ(human_duration(0), "0ms");
  EXPECT_EQ(human_duration(0.0424), "42ms");
  EXPECT_EQ(human_duration(0.9996), "1.0s");
  EXPECT_EQ(human_duration(2.24), "2.2s");
  EXPECT_EQ(human_duration(9.96), "10s");
  EXPECT_EQ(human_duration(59.4), "59s");
  EXPECT_EQ(human_duration(59.6), "1m 00s");
  EXPECT_EQ(human_duration(65), "1m 05s");
  EXPECT_EQ(human_duration(2 * 3600 + 3 * 60 + 59), "2h 03m");
  EXPECT_EQ(human_duration(3 * 86400 + 4 * 3600), "3d 04h");
  EXPECT_EQ(human_duration(-1), "?");
  EXPECT_EQ(human_duration(std::nan("")), "?");
  EXPECT_EQ(human_duration(std::numeric_limits<double>::infinity()), "?");
}

TEST(Terminal, HumanCount) {
  EXPECT_EQ(human_count(0), "0");
  EXPECT_EQ(human_count(999), "999");
  EXPECT_EQ(human_count(78123), "78,123");
  EXPECT_EQ(human_count(-999), "-999");
  EXPECT_EQ(human_count(-1234567), "-1,234,567");
  EXPECT_EQ(human_count(std::numeric_limits<int64_t>::min()), "-9,223,372,036,854,775,808");
}

TEST(Terminal, TableAlignsColumns) {
  Table table({{"net"}, {"images/s", Table::Align::right}, {"note"}});
  table.add_row({"lenet5", "78,123", "très vite"});
  table.add_row({"résnet", "524"});
  EXPECT_EQ(table.text(),
            "net     images/s  note\n"
            "lenet5    78,123  très vite\n"
            "résnet       524\n");
  EXPECT_THROW(table.add_row({"1", "2", "3", "4"}), Error);
}

TEST(Terminal, TableWithoutTitlesHasNoHeading) {
  Table table({{}, {}});
  table.add_row({"time", "2.2s"});
  table.add_row({"accuracy", "99.1%"});
  EXPECT_EQ(table.text(), "time      2.2s\naccuracy  99.1%\n");
}

TEST(Terminal, ProgressLineFitsTheWidth) {
  EXPECT_EQ(progress_line("epoch 1/5", 0.5, "loss 0.31", 40, 0, false),
            "epoch 1/5 ######.......  50%  loss 0.31");
  EXPECT_EQ(progress_line("epoch 1/5", 0.5, "loss 0.31", 30, 0, false),
            "epoch 1/5  50%  loss 0.31");
  EXPECT_EQ(progress_line("epoch 1/5", 0.5, "loss 0.31", 20, 0, false), "epoch 1/5  50%  los");
  EXPECT_EQ(progress_line("a", 1.7, "", 20, 0, true), "a ████████████ 100%");
  EXPECT_EQ(progress_line("a", -1.0, "", 20, 0, false), "a ............   0%");
  EXPECT_EQ(progress_line("a", 0.5, "x", 0, 0, false), "");
  for (int width = 1; width < 120; ++width) {
    EXPECT_LT(display_width(progress_line("épo", 0.3, "lóss", width, 0, true)),
              static_cast<size_t>(width));
  }
}

TEST(Terminal, SpinnerTurnsWhereTheTotalIsUnknown) {
  EXPECT_EQ(progress_line("fetch", std::nullopt, "3.1 MB", 80, 0, false), "fetch |  3.1 MB");
  EXPECT_EQ(progress_line("fetch", std::nullopt, "3.1 MB", 80, 5, false), "fetch /  3.1 MB");
}

TEST(Terminal, NothingIsDrawnWhereStderrIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    ProgressBar bar("train", false);
    EXPECT_FALSE(bar.due());
    bar.update(0.5, "loss");
    bar.finish(1.0, "done");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace cairn
