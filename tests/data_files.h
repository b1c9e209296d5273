// Small IDX files, and a directory to put them in, for the tests of data/.
#pragma once

#include <gtest/gtest.h>
#include <stdlib.h>
#include <zlib.h>

#include <filesystem>
#include <fstream>
#include <initializer_list>
#include <sstream>
#include <string>

#include "core/error.h"

namespace cairn::testing {

/// A new directory, removed with the object.
class ScratchDirectory {
 public:
  ScratchDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "cairn-test-XXXXXX").string();
    if (!mkdtemp(name.data())) ADD_FAILURE() << "no scratch directory";
    path_ = name;
  }
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Sets an environment variable (unsets it where `value` is null) and puts the former state back.
class ScopedEnv {
 public:
  ScopedEnv(std::string name, const char* value) : name_(std::move(name)) {
    if (const char* former = getenv(name_.c_str())) former_ = former, was_set_ = true;
    set(value);
  }
  ~ScopedEnv() { set(was_set_ ? former_.c_str() : nullptr); }
  ScopedEnv(const ScopedEnv&) = delete;
  ScopedEnv& operator=(const ScopedEnv&) = delete;

 private:
  void set(const char* value) const {
    value ? setenv(name_.c_str(), value, 1) : unsetenv(name_.c_str());
  }

  std::string name_, former_;
  bool was_set_ = false;
};

inline void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

/// An IDX file: the magic number and dimensions as given, then `data` as it is.
inline std::string idx_bytes(uint32_t magic, std::initializer_list<uint32_t> dims,
                             const std::string& data) {
  std::string bytes;
  const auto add = [&](uint32_t word) {
    for (const int shift : {24, 16, 8, 0}) bytes += static_cast<char>(word >> shift);
  };
  add(magic);
  for (const uint32_t dim : dims) add(dim);
  return bytes + data;
}

/// Writes a gzip file.
inline void write_gzip(const std::filesystem::path& path, const std::string& bytes) {
  const gzFile file = gzopen(path.c_str(), "wb9");
  gzwrite(file, bytes.data(), static_cast<unsigned>(bytes.size()));
  gzclose(file);
}

inline std::string read_bytes(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path, std::ios::binary).rdbuf();
  return out.str();
}

/// The four IDX files of a tiny set: 2 training and 1 test image of 2x2.
inline void write_tiny_set(const std::filesystem::path& directory) {
  write_bytes(directory / "train-images-idx3-ubyte", idx_bytes(0x803, {2, 2, 2}, "abcdefgh"));
  write_bytes(directory / "train-labels-idx1-ubyte", idx_bytes(0x801, {2}, std::string("\3\0", 2)));
  write_bytes(directory / "t10k-images-idx3-ubyte", idx_bytes(0x803, {1, 2, 2}, "ijkl"));
  write_bytes(directory / "t10k-labels-idx1-ubyte", idx_bytes(0x801, {1}, "\1"));
}

/// The message and hint of the Error that `act` throws, or a failed test.
template <class Action>
std::string error_of(Action act) {
  try {
    act();
  } catch (const Error& error) {
    return std::string(error.what()) + " | " + error.hint();
  }
  ADD_FAILURE() << "no Error was thrown";
  return {};
}

}  // namespace cairn::testing

#define EXPECT_CONTAINS(text, part) \
  EXPECT_NE((text).find(part), std::string::npos) << "in: " << (text)
