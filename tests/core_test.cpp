#include <algorithm>
#include <atomic>
#include <cctype>
#include <limits>
#include <numeric>
#include <stdexcept>

#include <gtest/gtest.h>

#include "core/attrs.h"
#include "core/device.h"
#include "core/error.h"
#include "core/random.h"
#include "core/shape.h"
#include "core/simd.h"
#include "core/tensor.h"
#include "core/thread_pool.h"
#include "tests/expect_error.h"

namespace cairn {
namespace {

TEST(Error, TellsWhatWhereAndAHint) {
  try {
    fail("the lamp is out", "light it");
    FAIL();
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "the lamp is out");
    EXPECT_EQ(e.hint(), "light it");
    EXPECT_NE(std::string(e.where().file).find("core_test.cpp"), std::string::npos);
    EXPECT_GT(e.where().line, 0);
  }
  EXPECT_THROW(fail_usage("wrong word"), UsageError);
}

TEST(Error, NearestName) {
  const std::vector<std::string> names{"relu", "tanh", "sigmoid"};
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3);
  EXPECT_EQ(nearest_name("rellu", names), "relu");
  EXPECT_EQ(nearest_name("convolution", names), "");
  EXPECT_EQ(nearest_name("foo", names), "");
  EXPECT_EQ(nearest_name("thn", names), "tanh");
}

TEST(ConvChoice, IsAskedForElseTheRunsOnCudaElseIm2col) {
  const ConvChoice run{"auto", {{"conv2d n=64", "cudnn"}}, "cudnn"};
  EXPECT_EQ(chosen_conv({}, {}, run, true), run);
  EXPECT_EQ(chosen_conv({}, {}, run, false), ConvChoice());
  EXPECT_EQ(chosen_conv("cudnn", {}, run, true), (ConvChoice{"cudnn", run.found, "cudnn"}));
  EXPECT_EQ(chosen_conv({}, "own", run, true), (ConvChoice{"auto", run.found, "own"}));
  const auto cpu = open_device("cpu", 1);
  EXPECT_EQ(cpu->set_conv({"im2col"}), "");
  for (const char* other : {"cudnn", "auto", "implicit", "winograd"})
    EXPECT_THROW(cpu->set_conv({other}), UsageError) << other;
  for (const char* other : {"cudnn", "auto"})
    EXPECT_THROW(cpu->set_conv({.batch_norm = other}), UsageError) << other;
}

TEST(Shape, ElementsAndOverflow) {
  EXPECT_EQ(Shape{}.elements(), 1);
  EXPECT_EQ((Shape{2, 3, 4}).elements(), 24);
  EXPECT_EQ((Shape{2, 0, 4}).elements(), 0);
  EXPECT_EQ((Shape{2, 3, 4})[-1], 4);
  EXPECT_EQ(to_string(Shape{2, 3}), "(2, 3)");
  constexpr int64_t kHuge = int64_t{1} << 32;
  expect_error([] { (void)Shape{kHuge, kHuge}.elements(); }, "overflows");
  expect_error([] { (void)Shape{2, -1}.elements(); }, "negative size");
  expect_error([] { (void)Shape{1, 1, 1, 1, 1, 1, 1, 1, 1}; }, "rank 9");
  expect_error([] { checked_mul(std::numeric_limits<int64_t>::max(), 2, "the size"); },
               "the size overflows");
}

constexpr std::string_view kModes[] = {"mean", "sum"};
constexpr AttrDef kSchema[] = {
    {.name = "stride", .initial = 1, .min = 1, .max = 9, .count = 2},
    {.name = "slope", .type = AttrType::real, .initial = 0.5, .max = 1},
    {.name = "mode", .type = AttrType::choice, .max = 1, .choices = kModes},
    {.name = "shuffle", .type = AttrType::flag, .max = 1},
    {.name = "dim", .min = -8, .max = 7, .count = 8, .list = true}};

Attrs parse(std::string_view text) { return Attrs::parse(kSchema, text, "test_op"); }

TEST(Attrs, ParsesAndPrints) {
  const Attrs attrs = parse("stride=2,3  mode=sum slope=0.25");
  EXPECT_EQ(attrs.integer(0, 0), 2);
  EXPECT_EQ(attrs.integer(0, 1), 3);
  EXPECT_EQ(attrs.real(1), 0.25);
  EXPECT_EQ(attrs.integer(2), 1);
  EXPECT_FALSE(attrs.flag(3));
  EXPECT_EQ(attrs.to_string(), "stride=2,3 slope=0.25 mode=sum shuffle=0 dim=");
  EXPECT_EQ(parse(attrs.to_string()), attrs);
  EXPECT_EQ(parse("stride=4").integer(0, 1), 4) << "one value holds for both";
  EXPECT_TRUE(parse("").is_default("stride"));
  EXPECT_FALSE(attrs.is_default("stride"));
  EXPECT_FALSE(attrs.is_default("height"));
}

TEST(Attrs, Lists) {
  const Attrs two = parse("dim=-1,2");
  ASSERT_EQ(two.size(4), 2);
  EXPECT_EQ(two.integer(4, 0), -1);
  EXPECT_EQ(two.integer(4, 1), 2);
  EXPECT_EQ(parse("").size(4), 0);
  EXPECT_EQ(parse("dim=0").size(4), 1);
  EXPECT_EQ(parse(two.to_string()), two);
  EXPECT_FALSE(parse("dim=0") == parse("")) << "a list of one default value is no empty list";
  EXPECT_FALSE(parse("dim=0").is_default("dim"));
  EXPECT_TRUE(parse("dim=").is_default("dim"));
  expect_error([] { parse("dim=0,1,2,3,4,5,6,7,0"); }, "takes 0 to 8 values, got 9");
}

TEST(Attrs, Messages) {
  expect_error([] { parse("strid=2"); }, "test_op has no attribute 'strid'");
  expect_error([] { parse("stride=0"); }, "test_op: stride=0 is out of range");
  expect_error([] { parse("stride=1.5"); }, "must be a whole number");
  expect_error([] { parse("stride=two"); }, "stride=two is no number");
  expect_error([] { parse("stride=1,2,3"); }, "takes 1 to 2 values, got 3");
  expect_error([] { parse("stride="); }, "takes 1 to 2 values, got 0");
  expect_error([] { parse("slope=nan"); }, "out of range");
  expect_error([] { parse("mode=median"); }, "mode=median is none of mean, sum");
  expect_error([] { parse("stride"); }, "'stride' is no attribute");
}

TEST(Simd, PinsATarget) {
  const std::string best = simd_targets().front();
  EXPECT_EQ(simd_target(), best);
  for (const std::string& target : simd_targets()) {
    pin_simd_target(target);
    EXPECT_EQ(simd_target(), target);
  }
  pin_simd_target("auto");
  EXPECT_EQ(simd_target(), best);
  std::string small = best;
  for (char& c : small) c = static_cast<char>(std::tolower(c));
  pin_simd_target(small);
  EXPECT_EQ(simd_target(), best);
  expect_error([] { pin_simd_target("mmx"); }, "SIMD target 'mmx'");
}

/// Known answers of Random123 (Salmon et al. 2011), philox4x32 with 10 rounds.
TEST(Philox, KnownAnswers) {
  const auto expect_words = [](PhiloxBlock b, std::array<uint32_t, 4> want) {
    EXPECT_TRUE(std::equal(want.begin(), want.end(), b.v));
  };
  expect_words(philox({0, 0}, 0, 0), {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  expect_words(philox({~0u, ~0u}, ~uint64_t{0}, ~uint64_t{0}),
               {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  // Counter 243f6a88 85a308d3 13198a2e 03707344, key a4093822 299f31d0: the digits of pi.
  expect_words(philox({0xa4093822, 0x299f31d0}, 0x0370734413198a2e, 0x85a308d3243f6a88),
               {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST(Philox, UnitStaysInside) {
  EXPECT_GT(to_unit(0), 0.0f);
  EXPECT_LT(to_unit(~0u), 1.0f);
  double sum = 0;
  for (uint64_t i = 0; i < 100000; ++i) sum += random_unit(philox_key(7, "mean"), 0, i);
  EXPECT_NEAR(sum / 100000, 0.5, 0.004);
}

void expect_bijection(int64_t n, uint64_t epoch) {
  std::vector<bool> hit(static_cast<size_t>(n));
  for (int64_t i = 0; i < n; ++i) {
    const int64_t p = permuted_index(philox_key(1, "order"), epoch, i, n);
    ASSERT_TRUE(p >= 0 && p < n) << n;
    ASSERT_FALSE(hit[static_cast<size_t>(p)]) << n;
    hit[static_cast<size_t>(p)] = true;
  }
}

TEST(Permutation, IsABijection) {
  for (int64_t n = 1; n <= 200; ++n) expect_bijection(n, static_cast<uint64_t>(n));
  for (const int64_t n : {4095, 4096, 4097, 60000}) expect_bijection(n, 3);
}

TEST(Permutation, DiffersByEpochAndSeed) {
  const auto order = [](uint64_t seed, uint64_t epoch) {
    std::vector<int64_t> found;
    for (int64_t i = 0; i < 50; ++i)
      found.push_back(permuted_index(philox_key(seed, "order"), epoch, i, 50));
    return found;
  };
  EXPECT_NE(order(1, 0), order(1, 1));
  EXPECT_NE(order(1, 0), order(2, 0));
  EXPECT_NE(order(1, 0), order(uint64_t{1} << 40 | 1, 0));
  EXPECT_EQ(order(1, 0), order(1, 0));
}

/// The layout is a bijection from (example, feature) to elements, and slices are dense blocks.
TEST(Layout, MapsEveryElementOnce) {
  for (const int64_t width : {1, 3, 8, 32}) {
    const int64_t features = 6, slices = slices_for(17, width);
    const BatchLayout layout{width, slices, features * width};
    std::vector<int> hits(static_cast<size_t>(features * layout.capacity()));
    for (int64_t n = 0; n < layout.capacity(); ++n)
      for (int64_t f = 0; f < features; ++f) ++hits.at(static_cast<size_t>(layout.at(n, f)));
    EXPECT_TRUE(std::ranges::all_of(hits, [](int h) { return h == 1; }));
    EXPECT_EQ(layout.at(0, 1) - layout.at(0, 0), width) << "features are rows of examples";
  }
  EXPECT_EQ(slices_for(0, 8), 0);
  EXPECT_EQ(slices_for(8, 8), 1);
  EXPECT_EQ(slices_for(9, 8), 2);
}

TEST(Layout, PlainValuesThereAndBack) {
  std::vector<double> values(5 * 6);
  std::iota(values.begin(), values.end(), 0);
  std::vector<float> memory(6 * 8);
  const Tensor tensor(memory.data(), DType::f32, {2, 3}, 4, 2);
  copy_from_plain(values, tensor);
  EXPECT_EQ(to_plain_values(tensor, 5), values);
  EXPECT_EQ(tensor.at<float>(4, 2), 26) << "example 4, feature 2";
  EXPECT_EQ(tensor.slice_view(1).at<float>(0, 2), 26);
  expect_error([&] { copy_from_plain(std::vector<double>(7), tensor); }, "don't fill");
  expect_error([&] { copy_from_plain(std::vector<double>(9 * 6), tensor); }, "don't fit");
}

TEST(ThreadPool, RunsEveryTaskOnce) {
  for (const int threads : {1, 2, 16}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.threads(), threads);
    for (const int64_t tasks : {0, 1, 3, 1000}) {
      std::vector<std::atomic<int>> hits(static_cast<size_t>(tasks));
      auto task = [&](int64_t i) { ++hits[static_cast<size_t>(i)]; };
      pool.run(tasks, task);
      EXPECT_TRUE(std::ranges::all_of(hits, [](const auto& h) { return h == 1; }));
    }
  }
}

TEST(ThreadPool, SurvivesManySmallRuns) {
  ThreadPool pool(4);
  std::atomic<int64_t> sum{0};
  auto task = [&](int64_t i) { sum += i; };
  for (int run = 0; run < 2000; ++run) pool.run(5, task);
  EXPECT_EQ(sum, 2000 * 10);
}

TEST(ThreadPool, RethrowsATasksException) {
  ThreadPool pool(3);
  std::atomic<int> done{0};
  auto task = [&](int64_t i) {
    if (i == 7) throw std::runtime_error("task 7");
    ++done;
  };
  EXPECT_THROW(pool.run(20, task), std::runtime_error);
  EXPECT_EQ(done, 19);
  auto calm = [&](int64_t) { ++done; };
  pool.run(20, calm);
  EXPECT_EQ(done, 39);
}

}  // namespace
}  // namespace cairn
