#include "io/safetensors.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

std::string refusal(const std::string& bytes) {
  try {
    SafetensorsFile::parse(bytes, "m.safetensors");
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  return "accepted";
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

TEST(SafetensorsHeader, LengthMustBeSound) {
  EXPECT_EQ(refusal("short"), "m.safetensors: 5 bytes are too few for a safetensors file");
  EXPECT_EQ(refusal(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)),
            "m.safetensors: the header claims 100000001 bytes, more than the 100000000 allowed");
  EXPECT_EQ(refusal(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)),
            "m.safetensors: the header claims 18446744073709551615 bytes, more than the 100000000 "
            "allowed");
  EXPECT_EQ(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
            "m.safetensors: the header claims 3 bytes, but only 2 follow");
  EXPECT_EQ(refusal(with_header("", 0)), "m.safetensors: the header does not start with '{'");
  EXPECT_EQ(refusal(with_header(" {}", 0)), "m.safetensors: the header does not start with '{'");
  EXPECT_EQ(refusal(with_header("{}   ", 0)), "accepted");
}

TEST(SafetensorsHeader, BrokenJsonIsRefused) {
  const auto starts = [](const std::string& header) {
    return refusal(with_header(header, 0)).starts_with("m.safetensors: header: not valid JSON at");
  };
  EXPECT_TRUE(starts("{"));
  EXPECT_TRUE(starts("{}x"));
  EXPECT_TRUE(starts(std::string("{}\0", 3)));
  EXPECT_TRUE(starts("{\"a\xff\":1}"));
  EXPECT_TRUE(starts(R"({"a":)" + std::string(100000, '[')));
  EXPECT_NE(refusal(with_header(R"({"a":1,"a":2})", 0)).find("\"a\" stands twice"),
            std::string::npos);
  EXPECT_NE(
      refusal(with_header(R"({"a":{"dtype":"U8","dtype":"U8"}})", 0)).find("\"dtype\" stands"),
      std::string::npos);
}

TEST(SafetensorsHeader, MetadataMustMapStringsToStrings) {
  EXPECT_EQ(refusal(with_header(R"({"__metadata__":{"k":1}})", 0)),
            "m.safetensors: metadata: expected a string in JSON, found 1");
  EXPECT_EQ(refusal(with_header(R"({"__metadata__":[]})", 0)),
            "m.safetensors: metadata: expected an object in JSON, found []");
}

struct BadEntry {
  const char* entry;
  const char* message;
};

TEST(SafetensorsHeader, BadEntriesAreRefusedByName) {
  const std::vector<BadEntry> rows = {
      {R"(3)", "expected an object in JSON, found 3"},
      {R"({"dtype":"U8","shape":[8]})",
       "its entry must have dtype, shape and data_offsets, and nothing else"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1})",
       "its entry must have dtype, shape and data_offsets, and nothing else"},
      {R"({"dtype":"U8","shape":[8],"offsets":[0,8]})",
       "the JSON object has no member \"data_offsets\""},
      {R"({"dtype":"F8","shape":[8],"data_offsets":[0,8]})", "unknown dtype \"F8\""},
      {R"({"dtype":7,"shape":[8],"data_offsets":[0,8]})", "expected a string in JSON, found 7"},
      {R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})",
       "shape holds -8 where a whole number >= 0 belongs"},
      {R"({"dtype":"U8","shape":[8.0],"data_offsets":[0,8]})",
       "shape holds 8.0 where a whole number >= 0 belongs"},
      {R"({"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,8]})",
       "shape holds 1.8446744073709552e+19 where a whole number >= 0 belongs"},
      {R"({"dtype":"U8","shape":8,"data_offsets":[0,8]})", "expected an array in JSON, found 8"},
      {R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]})",
       "a shape of rank 9 was asked for"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8,8]})", "data_offsets has 3 numbers, not 2"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})",
       "data_offsets end at 0 before they begin at 8"},
      {R"({"dtype":"U8","shape":[8],"data_offsets":[-8,0]})",
       "data_offsets holds -8 where a whole number >= 0 belongs"},
      {R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})",
       "data_offsets end at 9, but the file has 8 bytes of data"},
      {R"({"dtype":"F32","shape":[8],"data_offsets":[0,8]})",
       "float32 (8) needs 32 bytes, but data_offsets span 8"},
      {R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})",
       "the number of elements of a tensor overflows: 4294967296 x 4294967296"},
      {R"({"dtype":"F64","shape":[2305843009213693952],"data_offsets":[0,0]})",
       "the number of bytes of a tensor overflows: 2305843009213693952 x 8"},
  };
  for (const BadEntry& row : rows) {
    EXPECT_EQ(refusal(with_header(fmt::format("{{\"w\":{}}}", row.entry), 8)),
              fmt::format("m.safetensors: tensor \"w\": {}", row.message));
  }
}

TEST(SafetensorsHeader, TensorsMustCoverTheBytesExactly) {
  const auto two = [](const char* first, const char* second, size_t bytes) {
    const char* entry = R"("{}":{{"dtype":"U8","shape":[4],"data_offsets":{}}})";
    return refusal(with_header("{" + fmt::format(fmt::runtime(entry), "a", first) + "," +
                                   fmt::format(fmt::runtime(entry), "b", second) + "}",
                               bytes));
  };
  EXPECT_EQ(two("[0,4]", "[4,8]", 8), "accepted");
  EXPECT_EQ(two("[4,8]", "[0,4]", 8), "accepted");
  EXPECT_EQ(two("[0,4]", "[0,4]", 4),
            "m.safetensors: tensor \"b\": overlaps another tensor by 4 bytes");
  EXPECT_EQ(two("[0,4]", "[2,6]", 6),
            "m.safetensors: tensor \"b\": overlaps another tensor by 2 bytes");
  EXPECT_EQ(two("[0,4]", "[6,10]", 10),
            "m.safetensors: tensor \"b\": 2 bytes before it belong to no tensor");
  EXPECT_EQ(two("[0,4]", "[4,8]", 9),
            "m.safetensors: 1 bytes after the last tensor belong to none");
  EXPECT_EQ(refusal(with_header("{}", 3)),
            "m.safetensors: 3 bytes after the last tensor belong to none");
}

}  // namespace
}  // namespace cairn
