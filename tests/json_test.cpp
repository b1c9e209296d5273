#include "io/json.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "core/error.h"

namespace cairn {
namespace {

std::string refusal(const std::string& text) {
  try {
    Json::parse(text, "test.json");
  } catch (const Error& error) {
    EXPECT_FALSE(error.hint().empty());
    return error.what();
  }
  return "accepted";
}

TEST(Json, KeepsMembersInOrder) {
  const std::string text = R"({"zebra":1,"apple":[1,2.5,"x",true,null,{}],"mango":{"a":[]}})";
  EXPECT_EQ(Json::parse(text, "test").dump(-1), text);
}

TEST(Json, IndentsObjectsAndKeepsRowsOnOneLine) {
  const Json json = Json::parse(R"({"a":1,"rows":[[1,2],[3,4]],"none":{},"empty":[]})", "test");
  EXPECT_EQ(json.dump(2), R"({
  "a": 1,
  "rows": [
    [1, 2],
    [3, 4]
  ],
  "none": {},
  "empty": []
})");
}

TEST(Json, ReadsTypedValues) {
  const Json json = Json::parse(R"({"i":-3,"whole":2e3,"d":0.5,"s":"text","b":true})", "test");
  EXPECT_EQ(json.at("i").as_int(), -3);
  EXPECT_EQ(json.at("whole").as_int(), 2000);
  EXPECT_EQ(json.at("i").as_double(), -3.0);
  EXPECT_EQ(json.at("s").as_string(), "text");
  EXPECT_TRUE(json.at("b").as_bool());
  EXPECT_EQ(json.find("none"), nullptr);
  EXPECT_THROW(json.at("none"), Error);
  EXPECT_THROW(json.at("d").as_int(), Error);
  EXPECT_THROW(json.at("s").as_double(), Error);
  EXPECT_THROW(json.at("s").find("x"), Error);
  EXPECT_THROW(json.as_array(), Error);
}

TEST(Json, SaysWhatWasFoundWhereTheTypeIsAnother) {
  try {
    Json::parse(R"(["text"])", "test").as_array()[0].as_int();
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "expected a whole number that fits 64 bits in JSON, found \"text\"");
  }
}

TEST(Json, DoublesReadBackAsTheSameValue) {
  for (const double value : {0.1, 1.0 / 3.0, 1e300, 5e-324, 1.0, -0.0, 123456789.0, 1e22}) {
    const Json json = Json::parse(Json(value).dump(), "test");
    EXPECT_FALSE(json.is_integer());
    EXPECT_EQ(json.as_double(), value);
    EXPECT_EQ(std::signbit(json.as_double()), std::signbit(value));
  }
  EXPECT_EQ(Json(0.1).dump(), "0.1");
  EXPECT_EQ(Json(std::numeric_limits<double>::infinity()).dump(), "null");
  EXPECT_EQ(Json(std::nan("")).dump(), "null");
}

TEST(Json, IntegersKeepAll64Bits) {
  const int64_t largest = std::numeric_limits<int64_t>::max();
  const int64_t smallest = std::numeric_limits<int64_t>::min();
  EXPECT_EQ(Json::parse(Json(largest).dump(), "test").as_int(), largest);
  EXPECT_EQ(Json::parse(Json(smallest).dump(), "test").as_int(), smallest);
  EXPECT_THROW(Json::parse("9223372036854775808", "test").as_int(), Error);
  EXPECT_EQ(Json::parse("9223372036854775808", "test").as_double(), 9223372036854775808.0);
}

TEST(Json, EscapesStrings) {
  EXPECT_EQ(Json("a\"b\\c\n\x01").dump(), R"("a\"b\\c\n\u0001")");
  EXPECT_EQ(Json::parse(R"("\u00e9\ud83d\ude00")", "test").as_string(), "\xc3\xa9\xf0\x9f\x98\x80");
  EXPECT_EQ(Json("\xff").dump(), "\"\xef\xbf\xbd\"");
}

TEST(Json, SetAppendsAndReplaces) {
  Json json;
  json.set("a", 1);
  json.set("b", "two");
  json.set("a", 3.5);
  EXPECT_EQ(json.dump(-1), R"({"a":3.5,"b":"two"})");
  EXPECT_THROW(Json(1).set("a", 1), Error);
}

TEST(Json, RefusesDuplicateKeysAndNamesTheByte) {
  EXPECT_EQ(refusal(R"({"a":1,"b":2,"a":3})"),
            "test.json: not valid JSON at byte 16: the key \"a\" stands twice in one object");
  EXPECT_NE(refusal(R"({"x":{"a":1,"a":2}})").find("\"a\" stands twice"), std::string::npos);
  EXPECT_EQ(refusal(R"({"x":{"a":1},"a":{"a":2}})"), "accepted");
}

TEST(Json, RefusesBrokenText) {
  EXPECT_EQ(refusal(R"({"a":1)").substr(0, 36), "test.json: not valid JSON at byte 7:");
  for (const char* text : {"", "{", "[1,]", "{\"a\"}", "{} x", "nul", "\"open", "01", "1e999",
                           "\"\xff\"", "{'a':1}", "[1 2]", "NaN"}) {
    EXPECT_NE(refusal(text).find("test.json: not valid JSON"), std::string::npos) << text;
  }
}

TEST(Json, RefusesZeroBytes) {
  EXPECT_EQ(refusal(std::string("{}\0{", 4)), "test.json: not valid JSON at byte 2: a zero byte");
}

TEST(Json, RefusesDeepNesting) {
  EXPECT_EQ(refusal(std::string(64, '[') + std::string(64, ']')), "accepted");
  EXPECT_NE(refusal(std::string(65, '[')).find("nested deeper than 64"), std::string::npos);
  EXPECT_NE(refusal(std::string(1000000, '[')).find("nested deeper"), std::string::npos);
}

}  // namespace
}  // namespace cairn
