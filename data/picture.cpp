#include "data/picture.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "core/error.h"

namespace cairn {
namespace {

constexpr int64_t kNear = 32;           // grey levels
constexpr double kFrame = 20.0 / 28.0;  // of the image's side
constexpr double kLeastContrast = 16.0;
constexpr int64_t kJudged = 1000;  // images that tell whether a set is framed

/// Grey levels or ink of one plane, rows one after the other.
struct Plane {
  int64_t height = 0, width = 0;
  std::vector<double> values;

  Plane(int64_t height, int64_t width)
      : height(height), width(width), values(static_cast<size_t>(height * width)) {}
  double& at(int64_t y, int64_t x) { return values[static_cast<size_t>(y * width + x)]; }
  double at(int64_t y, int64_t x) const { return values[static_cast<size_t>(y * width + x)]; }
};

/// Calls f with each pixel's position along the border.
template <class F>
void along_border(int64_t height, int64_t width, F f) {
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width;
         x += y == 0 || y == height - 1 ? 1 : std::max<int64_t>(1, width - 1))
      f(y, x);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::vector<double> border_of(const Plane& plane) {
  std::vector<double> border;
  along_border(plane.height, plane.width,
               [&](int64_t y, int64_t x) { border.push_back(plane.at(y, x)); });
  return border;
}

/// The lines of the source that make a line of the result, and how much each counts.
struct Taps {
  int64_t first = 0;
  std::vector<double> weights;
};

std::vector<Taps> resize_taps(int64_t from, int64_t to) {
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  std::vector<Taps> all(static_cast<size_t>(to));
  for (int64_t i = 0; i < to; ++i) {
    Taps& taps = all[static_cast<size_t>(i)];
    if (scale >= 1) {  // the share of each source line in [i, i + 1) scale
      const double begin = static_cast<double>(i) * scale, end = begin + scale;
      taps.first = std::min(static_cast<int64_t>(begin), from - 1);
      for (int64_t j = taps.first; j < from && (j == taps.first || static_cast<double>(j) < end);
           ++j)
        taps.weights.push_back(std::min(end, static_cast<double>(j + 1)) -
                               std::max(begin, static_cast<double>(j)));
    } else {
      const double at = std::clamp((static_cast<double>(i) + 0.5) * scale - 0.5, 0.0,
                                   static_cast<double>(from - 1));
      taps.first = static_cast<int64_t>(at);
      const double share = at - static_cast<double>(taps.first);
      taps.weights = {1 - share};
      if (taps.first + 1 < from) taps.weights.push_back(share);
    }
    double sum = 0;
    for (const double w : taps.weights) sum += w;
    for (double& w : taps.weights) w /= sum;
  }
  return all;
}

Plane resized(const Plane& from, int64_t height, int64_t width) {
  const std::vector<Taps> columns = resize_taps(from.width, width);
  const std::vector<Taps> rows = resize_taps(from.height, height);
  Plane narrow(from.height, width), result(height, width);
  for (int64_t y = 0; y < from.height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const Taps& taps = columns[static_cast<size_t>(x)];
      for (size_t k = 0; k < taps.weights.size(); ++k)
        narrow.at(y, x) += taps.weights[k] * from.at(y, taps.first + static_cast<int64_t>(k));
    }
  for (int64_t y = 0; y < height; ++y)
    for (int64_t x = 0; x < width; ++x) {
      const Taps& taps = rows[static_cast<size_t>(y)];
      for (size_t k = 0; k < taps.weights.size(); ++k)
        result.at(y, x) += taps.weights[k] * narrow.at(taps.first + static_cast<int64_t>(k), x);
    }
  return result;
}

/// Where there is ink.
struct Box {
  int64_t top = 0, left = 0, height = 0, width = 0;
};

Box ink_box(const Plane& ink) {
  int64_t top = ink.height, left = ink.width, bottom = -1, right = -1;
  for (int64_t y = 0; y < ink.height; ++y)
    for (int64_t x = 0; x < ink.width; ++x)
      if (ink.at(y, x) > 0) {
        top = std::min(top, y), bottom = std::max(bottom, y);
        left = std::min(left, x), right = std::max(right, x);
      }
  return {top, left, bottom - top + 1, right - left + 1};
}

/// Centre of mass: row and column.
std::pair<double, double> centre_of(const Plane& ink) {
  double mass = 0, y_sum = 0, x_sum = 0;
  for (int64_t y = 0; y < ink.height; ++y)
    for (int64_t x = 0; x < ink.width; ++x) {
      const double v = ink.at(y, x);
      mass += v, y_sum += v * static_cast<double>(y), x_sum += v * static_cast<double>(x);
    }
  return {y_sum / mass, x_sum / mass};
}

int64_t frame_of(const Shape& image) {
  return std::max<int64_t>(
      1, std::llround(kFrame * static_cast<double>(std::min(image[1], image[2]))));
}

bool is_framed(const Dataset& data, int64_t background) {
  const int64_t plane = data.image.elements(), frame = frame_of(data.image);
  const int64_t count = std::min(kJudged, data.size());
  int64_t framed = 0;
  Plane ink(data.image[1], data.image[2]);
  std::vector<uint8_t> pixels(static_cast<size_t>(plane));
  for (int64_t n = 0; n < count; ++n) {
    read_example(data, n, pixels);
    std::ranges::transform(pixels, ink.values.begin(), [&](uint8_t pixel) {
      return std::abs(1.0 * pixel - static_cast<double>(background));
    });
    const Box box = ink_box(ink);
    if (box.height < 1 || std::max(box.height, box.width) != frame) continue;
    const auto [y, x] = centre_of(ink);
    framed += std::abs(y - static_cast<double>(ink.height / 2)) < 1 &&
              std::abs(x - static_cast<double>(ink.width / 2)) < 1;
  }
  return count > 0 && framed * 20 >= count * 19;
}

std::vector<Plane> planes_of(const PngImage& picture, int64_t channels) {
  const auto size = static_cast<size_t>(picture.height * picture.width);
  std::vector<Plane> planes(static_cast<size_t>(channels), {picture.height, picture.width});
  for (size_t i = 0; i < size; ++i) {
    const auto sample = [&](size_t c) { return 1.0 * picture.pixels[c * size + i]; };
    if (picture.channels == 3 && channels == 1)
      planes[0].values[i] = 0.299 * sample(0) + 0.587 * sample(1) + 0.114 * sample(2);
    else
      for (size_t c = 0; c < planes.size(); ++c)
        planes[c].values[i] = sample(picture.channels == 1 ? 0 : c);
  }
  return planes;
}

/// Turns grey levels into ink: 0 for the paper, 1 for the strongest.
void make_ink(Plane& plane, bool dark_paper, const std::string& name) {
  const double paper = median(border_of(plane));
  std::vector<double> noise = border_of(plane);
  for (double& v : noise) v = std::abs(v - paper);
  const double threshold = 4 * median(noise);
  double strongest = 0;
  for (double& v : plane.values) {
    v = dark_paper ? v - paper : paper - v;
    if (v <= threshold) v = 0;
    strongest = std::max(strongest, v);
  }
  if (strongest < kLeastContrast)
    fail(fmt::format("{} shows nothing: all of it is as its border", name),
         "give a picture with something on a plain background");
  for (double& v : plane.values) v /= strongest;
}

/// The ink scaled to the frame and placed by its centre of mass.
Plane placed(const Plane& ink, const Shape& image) {
  const Box box = ink_box(ink);
  Plane cropped(box.height, box.width);
  for (int64_t y = 0; y < box.height; ++y)
    for (int64_t x = 0; x < box.width; ++x) cropped.at(y, x) = ink.at(box.top + y, box.left + x);
  const int64_t frame = frame_of(image), longest = std::max(box.height, box.width);
  const auto scaled = [&](int64_t side) {
    return std::max<int64_t>(1, (2 * side * frame + longest) / (2 * longest));
  };
  const Plane small = resized(cropped, scaled(box.height), scaled(box.width));
  const auto [y_centre, x_centre] = centre_of(small);
  const auto offset = [](int64_t room, int64_t side, double centre) {
    return std::clamp<int64_t>(std::llround(static_cast<double>(room / 2) - centre), 0,
                               room - side);
  };
  const int64_t top = offset(image[1], small.height, y_centre);
  const int64_t left = offset(image[2], small.width, x_centre);
  Plane field(image[1], image[2]);
  for (int64_t y = 0; y < small.height; ++y)
    for (int64_t x = 0; x < small.width; ++x) field.at(top + y, left + x) = small.at(y, x);
  return field;
}

uint8_t to_pixel(double value) {
  return static_cast<uint8_t>(std::lround(std::clamp(value, 0.0, 255.0)));
}

}  // namespace

PictureStyle picture_style(const Dataset& data) {
  PictureStyle style;
  if (data.dtype != DType::u8 || data.image[0] != 1) return style;
  std::vector<int64_t> counts(256);
  int64_t all = 0;
  std::vector<uint8_t> pixels(static_cast<size_t>(data.image.elements()));
  for (int64_t n = 0; n < data.size(); ++n) {
    read_example(data, n, pixels);
    along_border(data.image[1], data.image[2], [&](int64_t y, int64_t x) {
      ++counts[pixels[static_cast<size_t>(y * data.image[2] + x)]], ++all;
    });
  }
  int64_t level = 0, below = 0, near = 0;
  while (level < 255 && 2 * (below + counts[static_cast<size_t>(level)]) < all)
    below += counts[static_cast<size_t>(level++)];
  for (int64_t v = std::max<int64_t>(0, level - kNear); v <= std::min<int64_t>(255, level + kNear);
       ++v)
    near += counts[static_cast<size_t>(v)];
  if (2 * near < all) return style;
  style.background = level;
  style.framed = is_framed(data, level);
  return style;
}

std::vector<uint8_t> fit_picture(const PngImage& picture, const Shape& image,
                                 const PictureStyle& style, const std::string& name) {
  if (image[0] != 1 && image[0] != 3)
    fail(fmt::format("{}: no picture has the {} channels that the images have", name, image[0]),
         "pictures are for images of 1 or 3 channels");
  std::vector<Plane> planes = planes_of(picture, image[0]);
  const bool dark_paper = style.background.value_or(0) < 128;
  if (style.background) {
    const double wanted = static_cast<double>(*style.background);
    const double border = median(border_of(planes[0]));
    if (std::abs(255 - border - wanted) < std::abs(border - wanted))
      for (double& v : planes[0].values) v = 255 - v;
  }
  std::vector<uint8_t> pixels;
  for (Plane& plane : planes) {
    if (style.framed) make_ink(plane, dark_paper, name);
    const Plane fitted = style.framed ? placed(plane, image) : resized(plane, image[1], image[2]);
    const double paper = static_cast<double>(style.background.value_or(0));
    for (const double v : fitted.values)
      pixels.push_back(to_pixel(style.framed ? paper + v * ((dark_paper ? 255 : 0) - paper) : v));
  }
  return pixels;
}

}  // namespace cairn
