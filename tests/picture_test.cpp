// PNG files in folders by class, and pictures made like training images.
#include <gtest/gtest.h>

#include <cmath>

#include "data/picture.h"
#include "data/png_folder.h"
#include "tests/data_files.h"

namespace cairn {
namespace {

namespace fs = std::filesystem;
using testing::error_of;
using testing::ScratchDirectory;
using Pixels = std::vector<uint8_t>;

class PngFolder : public ::testing::Test {
 protected:
  void put(const std::string& file, const PngImage& image) {
    fs::create_directories((root() / file).parent_path());
    write_png(root() / file, image);
  }
  void put(const std::string& file, uint8_t grey) { put(file, {1, 1, 2, {grey, 0}}); }
  void touch(const std::string& file) {
    fs::create_directories((root() / file).parent_path());
    testing::write_bytes(root() / file, "x");
  }
  fs::path root() const { return scratch_.path(); }
  std::string error() const {
    return error_of([&] { load_data(root().string()); });
  }

  ScratchDirectory scratch_;
};

TEST_F(PngFolder, InTwoParts) {
  put("train/cat/b.png", 1), put("train/cat/a.PNG", 2), put("train/Ant/z.png", 3);
  put("test/cat/q.png", 4);
  touch("train/cat/.hidden"), touch("train/notes.txt");
  const DataSplits splits = load_data(root().string());
  EXPECT_EQ(splits.train.class_names, std::vector<std::string>({"Ant", "cat"}));
  EXPECT_EQ(splits.train.images, Pixels({3, 0, 2, 0, 1, 0}));
  EXPECT_EQ(splits.train.labels, Pixels({0, 1, 1}));
  EXPECT_EQ(splits.train.image, (Shape{1, 1, 2}));
  EXPECT_EQ(splits.test.images, Pixels({4, 0}));
  EXPECT_EQ(splits.test.labels, Pixels({1}));
  EXPECT_EQ(splits.test.class_names, splits.train.class_names);
  EXPECT_EQ(splits.note, "");
}

TEST_F(PngFolder, TestPartIsSplitOffBySeed) {
  for (int i = 0; i < 10; ++i)
    put((i % 2 ? "odd/" : "even/") + std::to_string(i) + ".png", static_cast<uint8_t>(i));
  const DataSplits splits = load_data(root().string(), 10, 5);
  EXPECT_CONTAINS(splits.note, "2 of its 10 images");
  EXPECT_EQ(splits.train.size(), 8);
  std::vector<bool> seen(10);
  for (const Dataset* part : {&splits.train, &splits.test})
    for (size_t i = 0; i < part->labels.size(); ++i) {
      EXPECT_EQ(part->images[2 * i] % 2, part->labels[i]);
      EXPECT_FALSE(seen[part->images[2 * i]]);
      seen[part->images[2 * i]] = true;
    }
  EXPECT_EQ(load_data(root().string(), 10, 5).test.images, splits.test.images);
  int differing = 0;
  for (uint64_t seed = 6; seed < 16; ++seed)
    differing += load_data(root().string(), 10, seed).test.images != splits.test.images;
  EXPECT_GT(differing, 0);
}

TEST_F(PngFolder, Errors) {
  put("a/1.png", 1);
  EXPECT_CONTAINS(error(), "holds 1 folders of classes; there must be 2 to 256");
  put("b/1.png", 1);
  EXPECT_CONTAINS(error(), "too few");
  put("b/2.png", {3, 4, 5, Pixels(60)});
  EXPECT_CONTAINS(error(), (root() / "b/2.png").string() + " is 5 x 4 pixels, colour, but " +
                               (root() / "a/1.png").string() + " is 2 x 1 pixels, grey");
  touch("b/2.png");
  EXPECT_CONTAINS(error(), (root() / "b/2.png").string() + " can't be read as PNG");
  fs::rename(root() / "b/2.png", root() / "b/2.jpg");
  EXPECT_CONTAINS(error(), (root() / "b/2.jpg").string() + " is no PNG file");
  fs::remove(root() / "b/2.jpg");
  fs::remove(root() / "b/1.png");
  EXPECT_CONTAINS(error(), "b holds no images");
  put("train/a/1.png", 1), put("train/b/1.png", 1), put("test/c/1.png", 1);
  EXPECT_CONTAINS(error(), "test/c is a class that the training part doesn't have");
  fs::remove_all(root() / "test/c");
  EXPECT_CONTAINS(error(), "test holds no folders of classes");
}

/// Digit `n` of the test part as a picture.
PngImage digit(const Dataset& digits, int64_t n) {
  const auto begin = digits.images.begin() + n * 784;
  return {1, 28, 28, Pixels(begin, begin + 784)};
}

/// The digit three times as large, dark on grey paper and away from the middle.
PngImage scanned(const PngImage& digit) {
  PngImage page{1, 110, 130, Pixels(110 * 130, 230)};
  for (int64_t i = 0; i < 84 * 84; ++i) {
    const int64_t y = i / 84, x = i % 84;
    const int ink = digit.pixels[static_cast<size_t>(y / 3 * 28 + x / 3)];
    page.pixels[static_cast<size_t>((y + 20) * 130 + x + 40)] =
        static_cast<uint8_t>(230 - ink * 200 / 255);
  }
  return page;
}

TEST(Picture, DigitsComeOutAsTheyAre) {
  const Dataset digits = load_data("digits").test;
  const PictureStyle style = picture_style(digits);
  EXPECT_EQ(style, (PictureStyle{0, true}));
  int exact = 0;
  double difference = 0;
  for (int64_t n = 0; n < 100; ++n) {
    PngImage image = digit(digits, n);
    const Pixels fitted = fit_picture(image, digits.image, style, "digit");
    exact += fitted == image.pixels;
    const Pixels page = fit_picture(scanned(image), digits.image, style, "page");
    for (size_t i = 0; i < 784; ++i) difference += std::abs(page[i] - image.pixels[i]);
    for (uint8_t& v : image.pixels) v = static_cast<uint8_t>(255 - v);
    EXPECT_EQ(fit_picture(image, digits.image, style, "inverted"), fitted) << n;
  }
  EXPECT_GE(exact, 90);  // where the strongest ink isn't 255 it is stretched
  EXPECT_LE(difference / (100 * 784), 1.0);
}

TEST(Picture, StyleOfADataSet) {
  Dataset data{"set", Shape{1, 3, 3}, 2, {}, {0, 1}};
  data.images = {200, 200, 200, 200, 0, 200, 200, 200, 200, 210, 210, 210, 210, 9, 0, 0, 0, 0};
  EXPECT_EQ(picture_style(data), (PictureStyle{200, false}));
  data.images = {0, 40, 80, 120, 0, 160, 200, 240, 255, 0, 40, 80, 120, 0, 160, 200, 240, 255};
  EXPECT_EQ(picture_style(data), PictureStyle{});
  data.image = {3, 1, 3};
  EXPECT_EQ(picture_style(data), PictureStyle{});
}

TEST(Picture, WholePicturesAreResized) {
  const PngImage colour{
      3, 2, 4, {10, 20, 30, 40, 10, 20, 30, 40, 0, 0, 0, 0, 0, 0, 8, 8, 1, 2, 3, 4, 5, 6, 7, 8}};
  EXPECT_EQ(fit_picture(colour, {3, 1, 2}, {}, ""), Pixels({15, 35, 0, 4, 4, 6}));
  const PngImage grey{1, 1, 2, {100, 200}};
  EXPECT_EQ(fit_picture(grey, {3, 1, 2}, {}, ""), Pixels({100, 200, 100, 200, 100, 200}));
  EXPECT_EQ(fit_picture(grey, {1, 1, 4}, {}, ""), Pixels({100, 125, 175, 200}));
  EXPECT_EQ(fit_picture({3, 1, 1, {255, 0, 0}}, {1, 1, 1}, {}, ""), Pixels({76}));
  // Turned round where the border says so, and only there.
  EXPECT_EQ(fit_picture(grey, {1, 1, 2}, {.background = 0}, ""), Pixels({155, 55}));
  EXPECT_EQ(fit_picture(grey, {1, 1, 2}, {.background = 255}, ""), Pixels({100, 200}));
}

TEST(Picture, Errors) {
  const PngImage blank{1, 9, 9, Pixels(81, 250)};
  EXPECT_CONTAINS(error_of([&] {
                    fit_picture(blank, {1, 28, 28}, {0, true}, "page.png");
                  }),
                  "page.png shows nothing");
  EXPECT_CONTAINS(error_of([&] { fit_picture(blank, {2, 28, 28}, {}, "page.png"); }), "2 channels");
}

}  // namespace
}  // namespace cairn
