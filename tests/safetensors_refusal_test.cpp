// Hostile safetensors files: each is refused with a message that names the tensor to blame, and
// says what is wrong with it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>

#include "core/error.h"
#include "io/safetensors.h"

namespace cairn {
namespace {

std::string with_header(const std::string& header, size_t data_bytes) {
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

std::string header_refusal(const std::string& header) { return refusal(with_header(header, 0)); }

struct Row {
  std::string entry;
  std::string message;
};
// Entry of tensor "w" over 8 bytes of data -> what the message says of it.
const Row kEntries[] = {
    {R"(3)", "its entry has \"3\" where '{' belongs"},
    {R"([])", "its entry has \"[\" where '{' belongs"},
    {R"(null)", "its entry has \"n\" where '{' belongs"},
    {R"({})", "dtype is missing"},
    {R"({"dtype":"U8","shape":[8]})", "data_offsets are missing"},
    {R"({"dtype":"U8","data_offsets":[0,8]})", "shape is missing"},
    {R"({"shape":[8],"data_offsets":[0,8]})", "dtype is missing"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"x":1})",
     "its entry has the unknown key \"x\""},
    {R"({"dtype":"U8","shape":[8],"offsets":[0,8]})", "its entry has the unknown key \"offsets\""},
    {R"({"dtype":"U8","dtype":"U8","shape":[8],"data_offsets":[0,8]})", "dtype stands twice"},
    {R"({"dtype":"U8","shape":[8],"shape":[8],"data_offsets":[0,8]})", "shape stands twice"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],"data_offsets":[0,8]})",
     "data_offsets stands twice"},
    {R"({"dtype":"U8","dt\u0079pe":"U8","shape":[8],"data_offsets":[0,8]})", "dtype stands twice"},
    {R"({"dtype":"F99","shape":[8],"data_offsets":[0,8]})", "unknown dtype \"F99\""},
    {R"({"dtype":"u8","shape":[8],"data_offsets":[0,8]})", "unknown dtype \"u8\""},
    {R"({"dtype":"","shape":[8],"data_offsets":[0,8]})", "unknown dtype \"\""},
    {R"({"dtype":"F16","shape":[4],"data_offsets":[0,8]})", "dtype F16 is none that Cairn has"},
    {R"({"dtype":7,"shape":[8],"data_offsets":[0,8]})", "dtype has \"7\" where '\"' belongs"},
    {R"({"dtype":"U8\n)", "dtype is a string without an end"},
    {"{\"dtype\":\"U8\n\",\"shape\":[8],\"data_offsets\":[0,8]}",
     "dtype is no string of JSON in UTF-8"},
    {"{\"dtype\":\"\xff\",\"shape\":[8],\"data_offsets\":[0,8]}",
     "dtype is no string of JSON in UTF-8"},
    {R"({"dtype":"\ud800","shape":[8],"data_offsets":[0,8]})",
     "dtype is no string of JSON in UTF-8"},
    {R"({"dtype":"\x41","shape":[8],"data_offsets":[0,8]})", "dtype is no string of JSON in UTF-8"},
    {R"({"dtype":"U8","shape":[-8],"data_offsets":[0,8]})",
     "shape has \"-8\" where a whole number"},
    {R"({"dtype":"U8","shape":[8.0],"data_offsets":[0,8]})",
     "shape has \"8.0\" where a whole number"},
    {R"({"dtype":"U8","shape":[8e0],"data_offsets":[0,8]})",
     "shape has \"8e0\" where a whole number"},
    {R"({"dtype":"U8","shape":[08],"data_offsets":[0,8]})",
     "shape has \"08\" where a whole number"},
    {R"({"dtype":"U8","shape":[+8],"data_offsets":[0,8]})",
     "shape has \"+8\" where a whole number"},
    {R"({"dtype":"U8","shape":["8"],"data_offsets":[0,8]})",
     "shape has \"\\\"8\\\"\" where a whole"},
    {R"({"dtype":"U8","shape":[[8]],"data_offsets":[0,8]})",
     "shape has \"[8\" where a whole number"},
    {R"({"dtype":"U8","shape":[8,],"data_offsets":[0,8]})", "shape has \"\" where a whole number"},
    {R"({"dtype":"U8","shape":[8 8],"data_offsets":[0,8]})", "shape has \"8\" where ']' belongs"},
    {R"({"dtype":"U8","shape":[9223372036854775808],"data_offsets":[0,8]})",
     "\"9223372036854775808\" where a"},
    {R"({"dtype":"U8","shape":[18446744073709551617],"data_offsets":[0,8]})",
     "\"18446744073709551617\" where"},
    {R"({"dtype":"U8","shape":8,"data_offsets":[0,8]})", "shape has \"8\" where '[' belongs"},
    {R"({"dtype":"U8","shape":[1,1,1,1,1,1,1,1,8],"data_offsets":[0,8]})",
     "shape has more than 8 dimensions"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0]})", "data_offsets have 1 numbers, not 2"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[]})", "data_offsets have 0 numbers, not 2"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8,8]})",
     "data_offsets have more than 2 numbers"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":{"begin":0}})",
     "data_offsets has \"{\" where '[' belongs"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[8,0]})",
     "data_offsets end at 0 before they begin at 8"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[-8,0]})",
     "data_offsets has \"-8\" where a whole number"},
    {R"({"dtype":"U8","shape":[9],"data_offsets":[0,9]})",
     "data_offsets end at 9, but the file has 8 bytes"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[9223372036854775799,9223372036854775807]})",
     "but the file has 8 bytes"},
    {R"({"dtype":"F32","shape":[8],"data_offsets":[0,8]})",
     "float32 (8) needs 32 bytes, but data_offsets span 8"},
    {R"({"dtype":"U8","shape":[4],"data_offsets":[0,8]})",
     "uint8 (4) needs 4 bytes, but data_offsets span 8"},
    {R"({"dtype":"U8","shape":[],"data_offsets":[0,8]})",
     "uint8 () needs 1 bytes, but data_offsets span 8"},
    {R"({"dtype":"U8","shape":[0],"data_offsets":[0,8]})",
     "uint8 (0) needs 0 bytes, but data_offsets span 8"},
    {R"({"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]})",
     "overflows: 4294967296 x 4294967296"},
    {R"({"dtype":"U8","shape":[4294967296,4294967296,0],"data_offsets":[0,0]})",
     "overflows: 4294967296 x 4294967296"},
    {R"({"dtype":"F64","shape":[2305843009213693953],"data_offsets":[0,8]})",
     "overflows: 2305843009213693953 x 8"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]},)", "a key of the header has \"}\" where"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8],})", "a key of its entry has \"}\" where"},
    {R"({"dtype":"U8","shape":[8] "data_offsets":[0,8]})",
     "its entry has \"\\\"\" where '}' belongs"},
    {R"({"dtype":"U8" /**/,"shape":[8],"data_offsets":[0,8]})",
     "its entry has \"/\" where '}' belongs"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,4]})",
     "uint8 (8) needs 8 bytes, but data_offsets span 4"},
    {R"({"dtype":"U8","shape":[4],"data_offsets":[4,8]})", "4 bytes before it belong to no tensor"},
    {R"({"dtype":"U8","shape":[4],"data_offsets":[0,4]})",
     "4 bytes after tensor \"w\" belong to none"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]},"w":{"dtype":"U8","shape":[0],"data_offsets":[0,0]})",
     "stands twice in the header"},
    {R"({"dtype":"U8","shape":[8],"data_offsets":[0,8]},"\u0077":{"dtype":"U8","shape":[0],"data_offsets":[8,8]})",
     "stands twice in the header"},
};

TEST(SafetensorsRefusal, BadEntriesAreRefusedByName) {
  EXPECT_GE(std::size(kEntries), 40u);
  for (const Row& row : kEntries) {
    const std::string message = refusal(with_header("{\"w\":" + row.entry + "}", 8));
    EXPECT_TRUE(message.starts_with("m.safetensors: ")) << message;
    EXPECT_NE(message.find(row.message), std::string::npos) << row.entry << "\n" << message;
    const char* to_blame =
        row.message.starts_with("a key of the header") ? "header" : "tensor \"w\"";
    EXPECT_NE(message.find(to_blame), std::string::npos) << message;
  }
}

TEST(SafetensorsRefusal, LengthMustBeSound) {
  EXPECT_EQ(refusal("short"), "m.safetensors: 5 bytes are too few for a safetensors file");
  EXPECT_EQ(refusal(std::string("\x01\xe1\xf5\x05\0\0\0\0{}", 10)),
            "m.safetensors: the header claims 100000001 bytes, more than the 100000000 allowed");
  EXPECT_EQ(refusal(std::string("\xff\xff\xff\xff\xff\xff\xff\xff{}", 10)),
            "m.safetensors: the header claims 18446744073709551615 bytes, more than the 100000000 "
            "allowed");
  EXPECT_EQ(refusal(std::string("\x03\0\0\0\0\0\0\0{}", 10)),
            "m.safetensors: the header claims 3 bytes, but only 2 follow");
  EXPECT_EQ(header_refusal(""), "m.safetensors: the header does not start with '{'");
  EXPECT_EQ(header_refusal(" {}"), "m.safetensors: the header does not start with '{'");
  EXPECT_EQ(header_refusal("{}   "), "accepted");
}

TEST(SafetensorsRefusal, BrokenJsonIsRefused) {
  EXPECT_EQ(header_refusal("{"),
            "m.safetensors: a key of the header ends where '\"' belongs (byte 1 of the header)");
  EXPECT_EQ(header_refusal("{}x"),
            "m.safetensors: text follows the header's closing brace (byte 2 of the header)");
  const std::string broken[] = {std::string("{}\0", 3),
                                "{\"a\xff\":1}",
                                "{\"a\":" + std::string(100000, '['),
                                "{'a':{}}",
                                "{a:{}}",
                                "{\"a\" {}}",
                                "{,}",
                                "{\"\\\"",
                                "{}{}",
                                "{\"a\\u12\":{}}"};
  for (const std::string& header : broken)
    EXPECT_TRUE(header_refusal(header).starts_with("m.safetensors: ")) << header.substr(0, 40);
}

TEST(SafetensorsRefusal, MetadataMustMapStringsToStringsOnce) {
  const auto says = [](const std::string& metadata) {
    const std::string message = header_refusal("{\"__metadata__\":" + metadata + "}");
    return message.substr(0, message.find(" (byte"));
  };
  EXPECT_EQ(says(R"({"k":1})"), "m.safetensors: the metadata's value has \"1\" where '\"' belongs");
  EXPECT_EQ(says("[]"), "m.safetensors: the metadata has \"[\" where '{' belongs");
  EXPECT_EQ(says(R"({"k":"1","j":"","\u006b":"2"})"),
            "m.safetensors: the metadata has the key \"k\" twice");
  EXPECT_EQ(says(R"({},"__metadata__":{})"), "m.safetensors: the metadata stands twice");
  EXPECT_EQ(says(R"({"k":"1"})"), "accepted");
}

TEST(SafetensorsRefusal, TensorsMustCoverTheBytesExactly) {
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
  EXPECT_EQ(two("[0,4]", "[4,8]", 9), "m.safetensors: 1 bytes after tensor \"b\" belong to none");
  EXPECT_EQ(refusal(with_header("{}", 3)),
            "m.safetensors: 3 bytes after the header belong to none");
}

TEST(SafetensorsRefusal, NamesAndNumbersAreLimited) {
  const std::string entry = R"(:{"dtype":"U8","shape":[0],"data_offsets":[0,0]})";
  EXPECT_EQ(header_refusal("{\"" + std::string(1000, 'n') + "\"" + entry + "}"), "accepted");
  const std::string message = header_refusal("{\"" + std::string(1001, 'n') + "\"" + entry + "}");
  EXPECT_NE(message.find("nnn...\": its name has more than 1000 bytes"), std::string::npos)
      << message;
  std::string many = "{\"0\"" + entry;
  for (int i = 1; i <= 100000; ++i) many += fmt::format(",\"{}\"{}", i, entry);
  EXPECT_NE(
      header_refusal(many + "}").find("tensor \"100000\": the header has more than 100000 entries"),
      std::string::npos);
}

TEST(SafetensorsRefusal, MessagesHoldNoControlCharacters) {
  const std::string message = header_refusal("{\"\\u001b[2J\\n\xc3\xa9\":3}");
  EXPECT_NE(message.find("tensor \"\\u001b[2J\\u000a\xc3\xa9\""), std::string::npos) << message;
}

}  // namespace
}  // namespace cairn
