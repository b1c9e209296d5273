#include "io/json.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "core/error.h"

namespace cairn {
namespace {

constexpr size_t kMaxDepth = 64;

/// Walks the text and tells how far the parser has read, so that the builder can name the byte.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* at, size_t* read) : at_(at), read_(read) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    ++at_;
    ++*read_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  size_t* read_;
};

/// Receives the parser's events. The member names are nlohmann's SAX interface.
class Builder {
 public:
  Builder(std::string_view what, const size_t* read) : what_(what), read_(read) {}

  bool null() { return add({}); }
  bool boolean(bool value) { return add(value); }
  bool number_integer(int64_t value) { return add(value); }
  bool number_unsigned(uint64_t value) {
    if (value > uint64_t{INT64_MAX}) return add(static_cast<double>(value));
    return add(static_cast<int64_t>(value));
  }
  bool number_float(double value, const std::string&) { return add(value); }
  bool string(std::string& value) { return add(std::move(value)); }
  bool binary(std::vector<uint8_t>&) { return false; }  // has no JSON text

  bool start_object(size_t) { return open(true); }
  bool start_array(size_t) { return open(false); }
  bool end_object() { return close(); }
  bool end_array() { return close(); }
  bool key(std::string& name) {
    Frame& frame = frames_.back();
    if (!frame.keys.insert(name).second) {
      refuse(*read_, fmt::format("the key \"{}\" stands twice in one object", name));
    }
    frame.key = std::move(name);
    return true;
  }

  bool parse_error(size_t byte, const std::string&, const nlohmann::json::exception& error) {
    const std::string_view reason = error.what();
    const size_t prefix = reason.find("] ");  // "[json.exception.parse_error.101] "
    refuse(byte, std::string(reason.substr(prefix == reason.npos ? 0 : prefix + 2)));
  }

  Json take() { return std::move(root_); }

  [[noreturn]] void refuse(size_t byte, const std::string& reason) const {
    fail(fmt::format("{}: not valid JSON at byte {}: {}", what_, byte, reason),
         "correct the file, or write it again with the program that made it");
  }

 private:
  struct Frame {
    bool is_object = false;
    Json::Array items;
    Json::Object members;
    std::unordered_set<std::string> keys;
    std::string key;  // of the member whose value comes next
  };

  bool add(Json value) {
    if (frames_.empty()) {
      root_ = std::move(value);
    } else if (frames_.back().is_object) {
      Frame& frame = frames_.back();
      frame.members.emplace_back(std::move(frame.key), std::move(value));
    } else {
      frames_.back().items.push_back(std::move(value));
    }
    return true;
  }

  bool open(bool is_object) {
    if (frames_.size() == kMaxDepth) {
      refuse(*read_, fmt::format("nested deeper than {} levels", kMaxDepth));
    }
    frames_.emplace_back().is_object = is_object;
    return true;
  }

  bool close() {
    Frame frame = std::move(frames_.back());
    frames_.pop_back();
    return frame.is_object ? add(std::move(frame.members)) : add(std::move(frame.items));
  }

  std::string_view what_;
  const size_t* read_;
  std::vector<Frame> frames_;
  Json root_;
};

bool is_scalar(const Json& value) { return !value.is_array() && !value.is_object(); }

/// Appends the text of a value's alternative; `Visit` opens a nested value, which only Json may do.
template <class Visit>
class Writer {
 public:
  Writer(int indent, Visit visit) : indent_(indent), visit_(visit) {}

  std::string take() { return std::move(out_); }

  void operator()(std::nullptr_t) { out_ += "null"; }
  void operator()(bool value) { out_ += value ? "true" : "false"; }
  void operator()(int64_t value) { out_ += fmt::to_string(value); }
  void operator()(double value) {
    std::string text = std::isfinite(value) ? fmt::to_string(value) : "null";
    if (text.find_first_not_of("-0123456789") == std::string::npos) text += ".0";
    out_ += text;
  }
  void operator()(const std::string& value) {
    using Handler = nlohmann::json::error_handler_t;
    out_ += nlohmann::json(value).dump(-1, ' ', false, Handler::replace);
  }

  /// Arrays of scalars stay on one line: a row of a matrix reads as a row.
  void operator()(const Json::Array& items) {
    const bool one_line = std::all_of(items.begin(), items.end(), is_scalar);
    out_ += '[';
    ++level_;
    for (size_t i = 0; i < items.size(); ++i) {
      if (i > 0) out_ += one_line && indent_ >= 0 ? ", " : ",";
      if (!one_line) new_line();
      visit_(*this, items[i]);
    }
    --level_;
    if (!one_line) new_line();
    out_ += ']';
  }

  void operator()(const Json::Object& members) {
    out_ += '{';
    ++level_;
    for (size_t i = 0; i < members.size(); ++i) {
      if (i > 0) out_ += ',';
      new_line();
      (*this)(members[i].first);
      out_ += indent_ < 0 ? ":" : ": ";
      visit_(*this, members[i].second);
    }
    --level_;
    if (!members.empty()) new_line();
    out_ += '}';
  }

 private:
  void new_line() {
    if (indent_ < 0) return;
    out_ += '\n';
    out_.append(static_cast<size_t>(indent_) * static_cast<size_t>(level_), ' ');
  }

  std::string out_;
  int indent_;
  int level_ = 0;
  Visit visit_;
};

[[noreturn]] void wrong_type(const Json& value, std::string_view wanted) {
  std::string found = value.dump(-1);
  constexpr size_t kShown = 60;
  if (found.size() > kShown) found = found.substr(0, kShown) + "...";
  fail(fmt::format("expected {} in JSON, found {}", wanted, found),
       "correct the value in the file that was read");
}

}  // namespace

Json Json::parse(std::string_view text, std::string_view what) {
  size_t read = 0;
  Builder builder(what, &read);
  // The parser takes a zero byte for the end of the text, whatever follows it.
  if (const size_t zero = text.find('\0'); zero != text.npos) builder.refuse(zero, "a zero byte");
  nlohmann::json::sax_parse(CountingIterator(text.data(), &read),
                            CountingIterator(text.data() + text.size(), &read), &builder);
  return builder.take();
}

std::string Json::dump(int indent) const {
  const auto visit = [](auto& writer, const Json& json) { std::visit(writer, json.value_); };
  Writer writer(indent, visit);
  visit(writer, *this);
  return writer.take();
}

bool Json::as_bool() const {
  if (const bool* value = std::get_if<bool>(&value_)) return *value;
  wrong_type(*this, "true or false");
}

int64_t Json::as_int() const {
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return *value;
  const double* value = std::get_if<double>(&value_);
  constexpr double kLimit = 9223372036854775808.0;  // 2^63
  if (value != nullptr && *value >= -kLimit && *value < kLimit && std::trunc(*value) == *value) {
    return static_cast<int64_t>(*value);
  }
  wrong_type(*this, "a whole number that fits 64 bits");
}

double Json::as_double() const {
  if (const double* value = std::get_if<double>(&value_)) return *value;
  if (const int64_t* value = std::get_if<int64_t>(&value_)) return static_cast<double>(*value);
  wrong_type(*this, "a number");
}

const std::string& Json::as_string() const {
  if (const std::string* value = std::get_if<std::string>(&value_)) return *value;
  wrong_type(*this, "a string");
}

const Json::Array& Json::as_array() const {
  if (const Array* value = std::get_if<Array>(&value_)) return *value;
  wrong_type(*this, "an array");
}

const Json::Object& Json::as_object() const {
  if (const Object* value = std::get_if<Object>(&value_)) return *value;
  wrong_type(*this, "an object");
}

const Json* Json::find(std::string_view key) const {
  for (const auto& [name, value] : as_object()) {
    if (name == key) return &value;
  }
  return nullptr;
}

const Json& Json::at(std::string_view key) const {
  if (const Json* value = find(key)) return *value;
  fail(fmt::format("the JSON object has no member \"{}\"", key),
       "add the member, or take a file written by this version");
}

void Json::set(std::string key, Json value) {
  if (is_null()) value_ = Object{};
  if (!is_object()) wrong_type(*this, "an object");
  for (auto& [name, held] : std::get<Object>(value_)) {
    if (name == key) {
      held = std::move(value);
      return;
    }
  }
  std::get<Object>(value_).emplace_back(std::move(key), std::move(value));
}

}  // namespace cairn
