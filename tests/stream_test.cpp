// Streamed and resident training data give the same batches.
#include <gtest/gtest.h>

#include "data/picture.h"
#include "io/png.h"
#include "tests/data_files.h"
#include "tests/expect_error.h"
#include "train/trainer.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using testing::ScratchDirectory;

constexpr int64_t kCount = 41, kPixels = 30;  // images of 5 x 6

uint8_t noise_at(int64_t i) {
  return static_cast<uint8_t>(random_word({}, 0, static_cast<uint64_t>(i)) >> 24);
}

Dataset noise_set() {
  Dataset data{"noise", Shape{1, 5, 6}, 10, {}, {}};
  for (int64_t i = 0; i < kCount * kPixels; ++i) data.images.push_back(noise_at(i));
  for (int64_t i = 0; i < kCount; ++i) data.labels.push_back(static_cast<uint8_t>(i % 10));
  return data;
}

/// The same as four IDX files.
void write_noise_set(const fs::path& directory) {
  const Dataset data = noise_set();
  const std::string pixels(data.images.begin(), data.images.end());
  const std::string labels(data.labels.begin(), data.labels.end());
  for (const char* part : {"train", "t10k"}) {
    testing::write_bytes(directory / (std::string(part) + "-images-idx3-ubyte"),
                         testing::idx_bytes(0x803, {kCount, 5, 6}, pixels));
    testing::write_bytes(directory / (std::string(part) + "-labels-idx1-ubyte"),
                         testing::idx_bytes(0x801, {kCount}, labels));
  }
}

/// Images of 2 x 1 pixels, 9 of each of two classes.
void write_pngs(const fs::path& directory) {
  for (int i = 0; i < 18; ++i) {
    const fs::path folder = directory / (i % 2 ? "odd" : "even");
    fs::create_directories(folder);
    write_png(folder / (std::to_string(i) + ".png"), {1, 1, 2, {noise_at(i), noise_at(i + 18)}});
  }
}

std::vector<uint8_t> all_examples(const Dataset& data) {
  const size_t one = static_cast<size_t>(data.image.elements()) * size_of(data.dtype);
  std::vector<uint8_t> all(static_cast<size_t>(data.size()) * one);
  for (int64_t n = 0; n < data.size(); ++n)
    read_example(data, n, std::span(all).subspan(static_cast<size_t>(n) * one, one));
  return all;
}

void expect_same(const Dataset& streamed, const Dataset& resident) {
  EXPECT_TRUE(streamed.images.empty());
  EXPECT_FALSE(resident.images.empty());
  EXPECT_EQ(streamed.labels, resident.labels);
  EXPECT_EQ(all_examples(streamed), resident.images);
  EXPECT_EQ(pixel_statistics(streamed).mean, pixel_statistics(resident).mean);
  EXPECT_EQ(pixel_statistics(streamed).deviation, pixel_statistics(resident).deviation);
  EXPECT_EQ(picture_style(streamed), picture_style(resident));
}

/// What three epochs of 16, 16 and 9 examples make of a network.
struct Outcome {
  std::vector<double> parameters, momentum, losses;

  bool operator==(const Outcome&) const = default;
};

constexpr int kSteps = 9;

/// In one run; or in two, of which the first ends after `middle` steps and runs on in vain.
Outcome outcome(const Dataset& data, bool streamed, int threads, int middle = 0) {
  const Network network(find_model("mlp"), {{"widths", "8"}}, data, pixel_statistics(data));
  const auto device = open_device("cpu", threads);
  const TrainSettings settings{.batch = 16, .lr = 0.05, .seed = 3, .streamed = streamed};
  Trainer trainer(network, *device, data, settings);
  for (int i = 0; i < middle; ++i) trainer.step();
  if (middle > 0) {
    const StepState state = trainer.state();
    const auto parameters = trainer.store().read("parameters");
    const auto momentum = trainer.store().read("momentum");
    trainer.step(), trainer.step();
    trainer.set_state(state);
    trainer.store().write("parameters", parameters);
    trainer.store().write("momentum", momentum);
  }
  while (trainer.steps() < kSteps) trainer.step();
  Outcome result{trainer.store().read("parameters"), trainer.store().read("momentum"), {}};
  for (const StepRecord& record : trainer.drain()) result.losses.push_back(record.loss);
  return result;
}

TEST(Stream, TrainsToTheSameBits) {
  Dataset features = noise_set();
  features.dtype = DType::f32;
  features.values.assign(features.images.begin(), features.images.end());
  features.images.clear();
  for (const Dataset& data : {noise_set(), features}) {
    const Outcome resident = outcome(data, false, 2);
    ASSERT_EQ(resident.losses.size(), size_t{kSteps});
    EXPECT_EQ(outcome(data, true, 1), resident);
    EXPECT_EQ(outcome(data, true, 3), resident);
    for (const int middle : {2, 3}) {
      const Outcome resumed = outcome(data, true, 2, middle);
      EXPECT_EQ(resumed.parameters, resident.parameters);
      EXPECT_EQ(resumed.momentum, resident.momentum);
      EXPECT_EQ(resumed.losses,
                std::vector(resident.losses.begin() + middle, resident.losses.end()));
    }
  }
}

TEST(Stream, IdxFilesAreReadInPlace) {
  const ScratchDirectory scratch;
  write_noise_set(scratch.path());
  const std::string name = scratch.path().string();
  DataSplits resident = load_data(name), streamed = load_data(name, 10, 1, true);
  expect_same(streamed.train, resident.train);
  EXPECT_EQ(streamed.test.images, resident.test.images);
  const Dataset part = split_validation(streamed.train, 0.3, 7);
  EXPECT_EQ(part.images, split_validation(resident.train, 0.3, 7).images);
  expect_same(streamed.train, resident.train);
  EXPECT_EQ(outcome(streamed.train, true, 2), outcome(resident.train, false, 2));
  expect_error([&] { outcome(streamed.train, false, 1); }, "lie in files", "streamed");
}

TEST(Stream, PngFilesAreReadInPlace) {
  const ScratchDirectory scratch;
  write_pngs(scratch.path());
  const std::string name = scratch.path().string();
  const DataSplits resident = load_data(name, 10, 5), streamed = load_data(name, 10, 5, true);
  expect_same(streamed.train, resident.train);
  EXPECT_EQ(streamed.test.images, resident.test.images);
  EXPECT_EQ(streamed.train.class_names, resident.train.class_names);
}

TEST(Stream, FilesThatChangeAreNamed) {
  const ScratchDirectory scratch;
  write_pngs(scratch.path());
  const Dataset data = load_data(scratch.path().string(), 10, 5, true).train;
  const Network network(find_model("mlp"), {{"widths", "8"}}, data, pixel_statistics(data));
  const auto device = open_device("cpu", 2);
  Trainer trainer(network, *device, data, {.batch = 2, .streamed = true});
  trainer.step();
  const auto three_epochs = [&] {
    for (int i = 0; i < 3 * trainer.steps_per_epoch(); ++i) trainer.step();
  };
  fs::remove_all(scratch.path() / "odd");
  expect_error(three_epochs, ".png");
  expect_error([&] { trainer.step(); }, "/odd/");  // and stays so
  write_pngs(scratch.path());
  trainer.set_state(trainer.state());
  three_epochs();
  for (const auto& file : fs::directory_iterator(scratch.path() / "even"))
    write_png(file.path(), {1, 2, 1, {0, 0}});
  expect_error(three_epochs, "is 1 x 2 pixels, grey, but");
}

TEST(Stream, IdxFilesMustBeWholeAndPlain) {
  const ScratchDirectory scratch;
  write_noise_set(scratch.path());
  const fs::path images = scratch.path() / "train-images-idx3-ubyte";
  const auto load = [&] { return load_data(scratch.path().string(), 10, 1, true).train; };
  const Dataset data = load();
  fs::resize_file(images, 16 + (kCount - 1) * kPixels + 3);
  std::vector<uint8_t> example(kPixels);
  read_example(data, kCount - 2, example);
  expect_error([&] { read_example(data, kCount - 1, example); }, images.string() + ": image 40");
  expect_error([&] { outcome(data, true, 1); }, images.string());
  expect_error(load, "truncated");
  testing::write_gzip(images.string() + ".gz", testing::read_bytes(images));
  fs::remove(images);
  expect_error(load, images.string() + ".gz is packed", "gunzip -k " + images.string());
}

TEST(Stream, EndsAtAnyMoment) {
  const Dataset data = noise_set();
  const PhiloxKey key = philox_key(1, "train.gather");
  for (int taken = 0; taken < 5; ++taken) {
    BatchStream stream(data, key, 16);
    for (int i = 0; i < taken; ++i) stream.next();
    stream.seek({.epoch = 1, .first = 16, .n_valid = 16});
    const BatchStream::Batch batch = stream.next();
    EXPECT_EQ(batch.state.first, 32);
    EXPECT_EQ(batch.examples.size(), size_t{9 * kPixels});
    stream.seek({});
  }
}

}  // namespace
}  // namespace cairn
