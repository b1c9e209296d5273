#include "io/tensor_values.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <filesystem>

#include "core/error.h"
#include "train/checkpoint.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

std::vector<double> there_and_back(const std::vector<double>& values, DType dtype) {
  const std::vector<std::byte> bytes = elements_of(values, dtype);
  return values_of({"x", dtype, {static_cast<int64_t>(values.size())}, bytes});
}

TEST(TensorValues, RoundToTheNearestElement) {
  const std::vector<double> values = {0.1, -3, 1e-40, INFINITY, -0.0};
  EXPECT_EQ(there_and_back(values, DType::f64), values);
  EXPECT_EQ(there_and_back({0.1}, DType::f32), std::vector<double>{0.1f});
  // bfloat16 has 8 bits: 1 + 1/256 lies between 1 and 1 + 1/128 and goes to the even one.
  EXPECT_EQ(there_and_back({1 + 1.0 / 256, 1 + 3.0 / 256, 1 + 1.0 / 256 + 1e-6}, DType::bf16),
            (std::vector<double>{1, 1 + 4.0 / 256, 1 + 2.0 / 256}));
  EXPECT_TRUE(std::isnan(there_and_back({NAN}, DType::bf16)[0]));
  EXPECT_EQ(there_and_back({-INFINITY}, DType::bf16)[0], -INFINITY);
  EXPECT_EQ(there_and_back({255, 0}, DType::u8), (std::vector<double>{255, 0}));
  EXPECT_EQ(there_and_back({-9007199254740991}, DType::i64)[0], -9007199254740991);
}

TEST(TensorValues, WhatLiesOutsideIsRefused) {
  EXPECT_THROW(elements_of(std::array{1e39}, DType::f32), Error);
  EXPECT_THROW(elements_of(std::array{3.4e38}, DType::bf16), Error);
  EXPECT_THROW(elements_of(std::array{256.0}, DType::u8), Error);
  EXPECT_THROW(elements_of(std::array{-1.0}, DType::u8), Error);
  EXPECT_THROW(elements_of(std::array{2147483648.0}, DType::i32), Error);
  EXPECT_THROW(elements_of(std::array{9223372036854775808.0}, DType::i64), Error);
  EXPECT_THROW(elements_of(std::array<double, 1>{NAN}, DType::i32), Error);
}

TEST(LoadParameters, WeightsOfAnotherWidthAreConverted) {
  std::string folder = (fs::temp_directory_path() / "cairn-weights-XXXXXX").string();
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const fs::path path = fs::path(folder) / "m.safetensors";
  std::vector<double> weight(18, 0.1);
  const std::vector<double> bias = {1, -2, 3};
  const std::vector<std::byte> narrow = elements_of(bias, DType::bf16);
  const auto write = [&] {
    write_safetensors(
        path,
        std::array{
            TensorRecord{"conv.weight", DType::f64, {2, 1, 3, 3}, std::as_bytes(std::span(weight))},
            TensorRecord{"fc.bias", DType::bf16, {3}, narrow}});
  };
  Graph graph;
  graph.parameter("conv.weight", {2, 1, 3, 3}, {});
  graph.parameter("fc.bias", {3}, {});
  const auto device = open_device("reference", 1);
  Store store(*device, ParameterMap(graph));
  write();
  load_parameters(path, store);
  EXPECT_EQ(store.read("conv.weight"), std::vector<double>(18, 0.1f));
  EXPECT_EQ(store.read("fc.bias"), bias);
  weight[3] = 1e39;
  write();
  try {
    load_parameters(path, store);
    ADD_FAILURE() << "accepted";
  } catch (const Error& error) {
    EXPECT_EQ(std::string(error.what()),
              path.string() + ": 'conv.weight' holds 1e+39, which float32 doesn't reach");
  }
  EXPECT_EQ(store.read("conv.weight"), std::vector<double>(18, 0.1f)) << "nothing is written";
  fs::remove_all(folder);
}

}  // namespace
}  // namespace cairn
