// Images as PNG files, by libpng.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace cairn {

/// Larger images are refused, however small their files are.
inline constexpr int64_t kMaxPngPixels = int64_t{1} << 26;

struct PngImage {
  int64_t channels = 0, height = 0, width = 0;  // 1 channel: grey; 3: red, green, blue
  std::vector<uint8_t> pixels;                  // (C,H,W), 0 to 255
};

/// Reads any PNG file: grey images as 1 channel, RGB and palettes as 3; 16-bit samples are rounded
/// to 8; what is transparent is blended with white, v a + 255 (1 - a); interlaced ones too. An
/// Error that names the file where it is missing, no PNG, damaged, cut short or too large.
PngImage read_png(const std::filesystem::path& file);
/// The same over bytes; `name` stands for them in errors.
PngImage decode_png(std::span<const uint8_t> bytes, const std::string& name);

/// Writes a PNG file of 8 bits, whole or not at all. An Error for other channels than 1 or 3.
void write_png(const std::filesystem::path& file, const PngImage& image);

}  // namespace cairn
