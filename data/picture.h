// Pictures of any size, made like the images of a data set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset.h"
#include "io/png.h"

namespace cairn {

/// What the images of a data set have in common; only for images of one channel.
struct PictureStyle {
  /// The grey level around what is shown: the median of all border pixels, where at least half of
  /// these lie within 32 of it.
  std::optional<int64_t> background;
  /// Framed by MNIST's rule (LeCun, Bottou, Bengio and Haffner 1998, section III.A): what is shown
  /// fits a box of 20/28 of the image's side, and its centre of mass lies at the image's centre.
  bool framed = false;

  bool operator==(const PictureStyle&) const = default;
};

/// The style of a data set; that of the first 1000 images, to say whether they are framed.
PictureStyle picture_style(const Dataset& data);

/// The pixels of a picture as an image of shape (C,H,W):
///
/// - For 1 channel colours become grey, 0.299 R + 0.587 G + 0.114 B; for 3 grey becomes colour.
/// - Where the style has a background, the picture is inverted if that brings the median of its
///   border nearer to it.
/// - Framed: the difference from the median of the border, where it exceeds four times the median
///   of the border's own differences, is the ink; cropped to its box, scaled so that the longer
///   side fills the frame, placed by its centre of mass (inside the image in any case) and
///   stretched to full contrast.
/// - Else the whole picture is resized.
///
/// A resize averages areas where it shrinks and interpolates linearly where it enlarges. Errors,
/// which begin with `name`: no ink, an image of other than 1 or 3 channels.
std::vector<uint8_t> fit_picture(const PngImage& picture, const Shape& image,
                                 const PictureStyle& style, const std::string& name);

}  // namespace cairn
