// PNG files: every kind that there is, and damaged ones.
#include <gtest/gtest.h>
#include <png.h>

#include "io/png.h"
#include "tests/data_files.h"

namespace cairn {
namespace {

using testing::error_of;
using testing::ScratchDirectory;

/// A file as libpng's full interface writes it: rows of packed samples, and what goes before them.
struct Kind {
  int colour, depth = 8, interlace = PNG_INTERLACE_NONE;
  std::vector<png_color> palette = {};
  std::vector<png_byte> opacity = {};  // of the palette's colours
};

std::vector<uint8_t> encode(const Kind& kind, png_uint_32 width,
                            std::vector<std::vector<uint8_t>> rows) {
  std::vector<uint8_t> bytes;
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, nullptr, nullptr, nullptr);
  png_infop info = png_create_info_struct(png);
  png_set_write_fn(
      png, &bytes,
      [](png_structp p, png_bytep data, size_t size) {
        auto* to = static_cast<std::vector<uint8_t>*>(png_get_io_ptr(p));
        to->insert(to->end(), data, data + size);
      },
      nullptr);
  png_set_IHDR(png, info, width, static_cast<png_uint_32>(rows.size()), kind.depth, kind.colour,
               kind.interlace, PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
  if (!kind.palette.empty())
    png_set_PLTE(png, info, kind.palette.data(), static_cast<int>(kind.palette.size()));
  if (!kind.opacity.empty())
    png_set_tRNS(png, info, kind.opacity.data(), static_cast<int>(kind.opacity.size()), nullptr);
  std::vector<png_bytep> pointers;
  for (auto& row : rows) pointers.push_back(row.data());
  png_set_rows(png, info, pointers.data());
  png_write_png(png, info, PNG_TRANSFORM_IDENTITY, nullptr);
  png_destroy_write_struct(&png, &info);
  return bytes;
}

using Pixels = std::vector<uint8_t>;

TEST(Png, Grey) {
  const PngImage image = decode_png(encode({PNG_COLOR_TYPE_GRAY}, 3, {{0, 7, 255}, {9, 8, 1}}), "");
  EXPECT_EQ(image.channels, 1);
  EXPECT_EQ(image.height, 2);
  EXPECT_EQ(image.width, 3);
  EXPECT_EQ(image.pixels, Pixels({0, 7, 255, 9, 8, 1}));
  EXPECT_EQ(decode_png(encode({PNG_COLOR_TYPE_GRAY, 1}, 3, {{0b10100000}}), "").pixels,
            Pixels({255, 0, 255}));
  const auto deep = encode({PNG_COLOR_TYPE_GRAY, 16}, 3, {{0, 0, 128, 128, 255, 255}});
  EXPECT_EQ(decode_png(deep, "").pixels, Pixels({0, 128, 255}));
}

TEST(Png, ColoursAreSplitIntoPlanes) {
  const PngImage image =
      decode_png(encode({PNG_COLOR_TYPE_RGB}, 2, {{1, 2, 3, 250, 251, 252}}), "");
  EXPECT_EQ(image.channels, 3);
  EXPECT_EQ(image.pixels, Pixels({1, 250, 2, 251, 3, 252}));
}

TEST(Png, Palettes) {
  Kind kind{PNG_COLOR_TYPE_PALETTE, 8, PNG_INTERLACE_NONE, {{10, 20, 30}, {200, 100, 0}}};
  EXPECT_EQ(decode_png(encode(kind, 3, {{1, 0, 1}}), "").pixels,
            Pixels({200, 10, 200, 100, 20, 100, 0, 30, 0}));
  kind.opacity = {0};  // the first colour is transparent
  EXPECT_EQ(decode_png(encode(kind, 2, {{1, 0}}), "").pixels, Pixels({200, 255, 100, 255, 0, 255}));
}

TEST(Png, TransparencyIsBlendedWithWhite) {
  const PngImage grey =
      decode_png(encode({PNG_COLOR_TYPE_GRAY_ALPHA}, 3, {{0, 0, 100, 255, 55, 51}}), "");
  EXPECT_EQ(grey.channels, 1);
  EXPECT_EQ(grey.pixels, Pixels({255, 100, 215}));  // 55 * 0.2 + 255 * 0.8
  const PngImage colour = decode_png(encode({PNG_COLOR_TYPE_RGB_ALPHA}, 1, {{0, 255, 55, 51}}), "");
  EXPECT_EQ(colour.pixels, Pixels({204, 255, 215}));
}

TEST(Png, Interlaced) {
  std::vector<std::vector<uint8_t>> rows(9, std::vector<uint8_t>(11));
  Pixels expected;
  for (size_t i = 0; i < 99; ++i) {
    rows[i / 11][i % 11] = static_cast<uint8_t>(i * 5);
    expected.push_back(rows[i / 11][i % 11]);
  }
  EXPECT_EQ(decode_png(encode({PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_ADAM7}, 11, rows), "").pixels,
            expected);
}

TEST(Png, WritesWhatItReads) {
  const ScratchDirectory scratch;
  const auto file = scratch.path() / "image.png";
  for (const int64_t channels : {1, 3}) {
    PngImage image{channels, 5, 7, {}};
    for (int64_t i = 0; i < channels * 35; ++i)
      image.pixels.push_back(static_cast<uint8_t>(i * i * 37));
    write_png(file, image);
    const PngImage again = read_png(file);
    EXPECT_EQ(again.channels, channels);
    EXPECT_EQ(again.height, 5);
    EXPECT_EQ(again.pixels, image.pixels);
  }
  EXPECT_CONTAINS(error_of([&] { write_png(file, {2, 1, 1, {0, 0}}); }), "1 channel or 3");
}

TEST(Png, DamageIsNamed) {
  const auto error = [](const std::vector<uint8_t>& bytes) {
    const std::string text = error_of([&] { decode_png(bytes, "name"); });
    EXPECT_CONTAINS(text, "name ");
    return text;
  };
  const auto good = encode({PNG_COLOR_TYPE_GRAY}, 40, std::vector(30, Pixels(40, 200)));
  EXPECT_CONTAINS(error({}), "can't be read as PNG");
  EXPECT_CONTAINS(error({'n', 'o', ' ', 'p', 'n', 'g', '.', '.', '.'}), "can't be read as PNG");
  // Without the 12 bytes of IEND and the check sums before it all pixels are there yet.
  for (size_t size = 1; size + 20 < good.size(); ++size)
    error({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size)});
  for (const size_t at : {1u, 13u, 17u, 21u, 25u, 30u, 45u, 50u}) {
    auto bad = good;
    bad[at] ^= 0x40;
    error(bad);
  }
}

TEST(Png, HugeImagesAreRefusedBeforeMemoryIsTaken) {
  auto bytes = encode({PNG_COLOR_TYPE_GRAY}, 1, {{7}});
  for (const size_t at : {16u, 20u}) bytes[at + 1] = 0x0f;  // width and height: about a million
  uLong sum = crc32(0, bytes.data() + 12, 17);
  for (size_t i = 0; i < 4; ++i) bytes[29 + i] = static_cast<uint8_t>(sum >> (24 - 8 * i));
  EXPECT_CONTAINS(error_of([&] { decode_png(bytes, "bomb"); }), "at most 67108864 are read");
}

}  // namespace
}  // namespace cairn
