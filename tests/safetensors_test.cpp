#include "io/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstring>

#include "core/error.h"
#include "io/files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;

std::string with_header(std::string header, size_t data_bytes) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + std::string(data_bytes, '\1');
}

class Safetensors : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cairn-safetensors-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  fs::path root_;
};

TEST_F(Safetensors, RoundTripKeepsNamesShapesBytesAndOrder) {
  const std::vector<float> weight = {1, 2, 3, 4, 5, 6};
  const std::vector<int64_t> step = {42};
  const std::vector<uint8_t> labels = {7, 8, 9};
  const std::vector<TensorRecord> tensors = {
      {"fc.weight", DType::f32, {2, 3}, std::as_bytes(std::span(weight))},
      {"step", DType::i64, {}, std::as_bytes(std::span(step))},
      {"a.labels", DType::u8, {3}, std::as_bytes(std::span(labels))},
      {"none", DType::f64, {0, 5}, {}}};
  const fs::path path = root_ / "model.safetensors";
  write_safetensors(path, tensors, {{"format", "pt"}, {"model", "lenet5"}});

  const SafetensorsFile opened = SafetensorsFile::open(path);
  const SafetensorsFile file = opened;
  EXPECT_EQ(file.names(), (std::vector<std::string>{"fc.weight", "step", "a.labels", "none"}));
  EXPECT_EQ(file.metadata(), (Metadata{{"format", "pt"}, {"model", "lenet5"}}));
  for (const TensorRecord& written : tensors) {
    const TensorRecord& read = file.at(written.name);
    EXPECT_EQ(read.dtype, written.dtype);
    EXPECT_EQ(read.shape, written.shape);
    EXPECT_TRUE(
        std::equal(read.data.begin(), read.data.end(), written.data.begin(), written.data.end()));
  }
  EXPECT_EQ(file.find("bias"), nullptr);
}

TEST_F(Safetensors, BytesAreThoseOfTheFormat) {
  const std::vector<uint8_t> data = {1, 2};
  const std::vector<TensorRecord> tensors = {{"x", DType::u8, {2}, std::as_bytes(std::span(data))}};
  write_safetensors(root_ / "a", tensors, {{"k", "v"}});
  write_safetensors(root_ / "b", tensors, {{"k", "v"}});
  const std::string header =
      R"({"__metadata__":{"k":"v"},"x":{"dtype":"U8","shape":[2],"data_offsets":[0,2]}})";
  ASSERT_EQ(header.size(), 78u);
  const std::string expected = std::string("\x50\0\0\0\0\0\0\0", 8) + header + "  \1\2";
  EXPECT_EQ(read_file(root_ / "a"), expected);
  EXPECT_EQ(read_file(root_ / "b"), expected);
}

TEST_F(Safetensors, WriterRefusesWhatNoReaderWouldTake) {
  const std::vector<float> two = {1, 2};
  const auto bytes = std::as_bytes(std::span(two));
  const fs::path path = root_ / "x";
  const auto write = [&](std::vector<TensorRecord> tensors, const Metadata& metadata = {}) {
    write_safetensors(path, tensors, metadata);
  };
  EXPECT_THROW(write({{"a", DType::f32, {2}, bytes}, {"a", DType::f32, {2}, bytes}}), Error);
  EXPECT_THROW(write({{"__metadata__", DType::f32, {2}, bytes}}), Error);
  EXPECT_THROW(write({{"a", DType::f32, {3}, bytes}}), Error);
  EXPECT_THROW(write({}, {{"k", "1"}, {"k", "2"}}), Error);
  EXPECT_FALSE(fs::exists(path));
}

TEST_F(Safetensors, ErrorsNameFileAndNearestTensor) {
  const SafetensorsFile file = SafetensorsFile::parse(
      with_header(R"({"fc.weight":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1), "m");
  try {
    file.at("fc.wieght");
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "m: no tensor is called \"fc.wieght\"");
    EXPECT_EQ(error.hint(), "did you mean \"fc.weight\"?");
  }
  EXPECT_THROW(SafetensorsFile::open(root_ / "missing"), Error);
}

TEST_F(Safetensors, NamesMayBeAnyUnicode) {
  const std::vector<uint8_t> data = {7};
  const std::string name = "\xc3\xa9\xf0\x9f\xaa\xa8\"\\\n\x01/";
  write_safetensors(root_ / "m",
                    std::array{TensorRecord{name, DType::u8, {1}, std::as_bytes(std::span(data))}},
                    {{name, name}});
  const SafetensorsFile file = SafetensorsFile::open(root_ / "m");
  EXPECT_EQ(file.names(), std::vector{name});
  EXPECT_EQ(file.metadata(), (Metadata{{name, name}}));
  const SafetensorsFile escaped = SafetensorsFile::parse(
      with_header(
          R"({"\u00e9\ud83e\udea8\"\\\n\u0001\/":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
          1),
      "m");
  EXPECT_EQ(escaped.names(), std::vector{name});
  const TensorRecord wrong{"a\xff", DType::u8, {1}, std::as_bytes(std::span(data))};
  EXPECT_THROW(write_safetensors(root_ / "n", std::array{wrong}), Error);
}

}  // namespace
}  // namespace cairn
