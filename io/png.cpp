// libpng's simplified interface: it catches its own errors, so that no longjmp passes C++ objects.
#include "io/png.h"

#include <fmt/format.h>
#include <png.h>

#include "core/error.h"
#include "io/files.h"

namespace cairn {
namespace {

constexpr uint8_t kWhite = 255;

/// libpng's view of an image, freed however the function ends.
struct PngHandle {
  png_image image{};

  PngHandle() { image.version = PNG_IMAGE_VERSION; }
  ~PngHandle() { png_image_free(&image); }
  PngHandle(const PngHandle&) = delete;
  PngHandle& operator=(const PngHandle&) = delete;

  bool failed() const { return PNG_IMAGE_FAILED(image); }
};

/// The samples of each pixel side by side, as libpng has them, to planes; a last sample beyond the
/// channels is the pixel's opacity.
PngImage to_planes(const std::vector<uint8_t>& samples, int64_t channels, int64_t height,
                   int64_t width) {
  const auto plane = static_cast<size_t>(height * width), count = static_cast<size_t>(channels);
  const size_t stride = samples.size() / plane;
  PngImage image{channels, height, width, std::vector<uint8_t>(count * plane)};
  for (size_t i = 0; i < plane; ++i) {
    const uint8_t* pixel = samples.data() + i * stride;
    const int opacity = stride > count ? pixel[count] : 255;
    for (size_t c = 0; c < count; ++c)
      image.pixels[c * plane + i] =
          static_cast<uint8_t>((pixel[c] * opacity + kWhite * (255 - opacity) + 127) / 255);
  }
  return image;
}

}  // namespace

PngImage decode_png(std::span<const uint8_t> bytes, const std::string& name) {
  const auto damaged = [&](const PngHandle& png) {
    fail(fmt::format("{} can't be read as PNG: {}", name, png.image.message),
         "check that it is a PNG file, and whole");
  };
  PngHandle png;
  if (!png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size())) damaged(png);
  const int64_t height = png.image.height, width = png.image.width;
  if (height * width > kMaxPngPixels)
    fail(fmt::format("{} has {} x {} pixels; at most {} are read", name, width, height,
                     kMaxPngPixels),
         "make it smaller");
  const bool colour = png.image.format & PNG_FORMAT_FLAG_COLOR;
  const bool alpha = png.image.format & PNG_FORMAT_FLAG_ALPHA;
  png.image.format = (colour ? PNG_FORMAT_FLAG_COLOR : 0u) | (alpha ? PNG_FORMAT_FLAG_ALPHA : 0u);
  png.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // as viewers take them, not as linear light
  std::vector<uint8_t> samples(PNG_IMAGE_SIZE(png.image));
  if (!png_image_finish_read(&png.image, nullptr, samples.data(), 0, nullptr)) damaged(png);
  return to_planes(samples, colour ? 3 : 1, height, width);
}

PngImage read_png(const std::filesystem::path& file) {
  const std::string bytes = read_file(file);
  return decode_png({reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size()}, file.string());
}

void write_png(const std::filesystem::path& file, const PngImage& image) {
  if ((image.channels != 1 && image.channels != 3) ||
      static_cast<int64_t>(image.pixels.size()) != image.channels * image.height * image.width)
    fail(fmt::format("{}: {} values are no image of {} x {} pixels in {} channels", file.string(),
                     image.pixels.size(), image.width, image.height, image.channels),
         "PNG files are written of 1 channel or 3");
  const auto channels = static_cast<size_t>(image.channels);
  const size_t plane = image.pixels.size() / channels;
  std::vector<uint8_t> samples(image.pixels.size());
  for (size_t c = 0; c < channels; ++c)
    for (size_t i = 0; i < plane; ++i) samples[i * channels + c] = image.pixels[c * plane + i];
  PngHandle png;
  png.image.width = static_cast<png_uint_32>(image.width);
  png.image.height = static_cast<png_uint_32>(image.height);
  png.image.format = channels == 3 ? PNG_FORMAT_RGB : PNG_FORMAT_GRAY;
  png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(png.image);
  std::string bytes(size, '\0');
  if (!png_image_write_to_memory(&png.image, bytes.data(), &size, 0, samples.data(), 0, nullptr))
    fail(fmt::format("{} can't be made: {}", file.string(), png.image.message));
  write_file_atomic(file, std::string_view(bytes).substr(0, size));
}

}  // namespace cairn
