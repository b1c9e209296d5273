// Random changes of an example as it is laid out in a batch (kernels/gather_batch). Where the plain
// batch shows pixel (h, w) of the image, the changed one shows r(h + T, w' + L), where w' is w or,
// in a mirrored example, W - 1 - w, and pixels outside the image are 0:
//
//   crop = k            T and L are whole numbers in [-k, k]: a random crop of the image with k
//                       pixels around it (He, Zhang, Ren and Sun 2015, section 4.2)
//   flip = random       half of the examples are mirrored (the same)
//   flip = alternating  so in epoch 0; then an example changes sides each epoch (Jordan 2024, "94%
//                       on CIFAR-10 in 3.29 seconds on a single GPU")
//   cutout = s          x = 0, the mean, in the rows Y - s/2 to Y - s/2 + s - 1 and such columns,
//                       where (Y, X) is any pixel of the image (DeVries and Taylor 2017)
//   rotate = a          r turns by an angle in [-a, a] degrees about the centre of the image,
//   shift = d           then shifts by a number in [-d, d] pixels along each axis,
//   elastic = e         then by a field: a node every elastic_grid pixels of the batch's plane is
//                       moved along each axis by a normal number of deviation e; in between,
//                       bicubic (Keys 1981, a = -1/2). Fields: Simard, Steinkraus and Platt 2003;
//                       coarse ones: Ronneberger, Fischer and Brox 2015
//
// r(y, x) lies between pixels, so four are mixed (bilinear). Random numbers are uniform but for
// those of the field, and functions of seed, node, epoch and the example's row in the data: batch
// size, layout and device don't matter.
#pragma once

#include <cmath>
#include <cstdint>

#include "core/cuda/arch/cos_pi.h"
#include "core/random.h"

namespace cairn {

enum class Flip : int { none = 0, random = 1, alternating = 2 };

/// What is asked for, of images of height x width.
struct Augment {
  int64_t crop = 0, cutout = 0;
  Flip flip = Flip::none;
  double rotate = 0, shift = 0, elastic = 0;
  int64_t grid = 1;
  int64_t height = 0, width = 0;

  CAIRN_HD bool moves() const { return crop > 0 || flip != Flip::none; }
  CAIRN_HD bool warps() const { return rotate > 0 || shift > 0 || elastic > 0; }
  CAIRN_HD bool any() const { return moves() || cutout > 0 || warps(); }
};

/// Four random words of an example: block 0 and 1 for the moves, from kFieldBlock on one a node.
/// The top bit keeps them apart from those of the epoch's order.
inline constexpr int64_t kFieldBlock = 2;
CAIRN_HD inline PhiloxBlock augment_words(PhiloxKey key, int64_t epoch, int64_t row,
                                          int64_t block) {
  const uint64_t counter =
      uint64_t{1} << 63 | static_cast<uint64_t>(row) << 16 | static_cast<uint64_t>(block);
  return philox(key, static_cast<uint64_t>(epoch), counter);
}

/// Uniform in 0 ... n-1.
CAIRN_HD inline int64_t random_below(uint32_t word, int64_t n) {
  return static_cast<int64_t>(word * static_cast<uint64_t>(n) >> 32);
}
/// Uniform in (-limit, limit).
CAIRN_HD inline double random_within(uint32_t word, double limit) {
  return (2.0 * to_unit(word) - 1) * limit;
}

/// The whole-numbered moves of an example. Positions count from the image's corner.
struct Moves {
  int64_t top = 0, left = 0;
  bool mirrored = false;
  int64_t cut_top = 0, cut_left = 0;

  CAIRN_HD int64_t row(int64_t h) const { return h + top; }
  CAIRN_HD int64_t column(const Augment& a, int64_t w) const {
    return (mirrored ? a.width - 1 - w : w) + left;
  }
  CAIRN_HD bool cuts(const Augment& a, int64_t h, int64_t w) const {
    return h >= cut_top && h < cut_top + a.cutout && w >= cut_left && w < cut_left + a.cutout;
  }
};

CAIRN_HD inline Moves draw_moves(const Augment& a, PhiloxKey key, int64_t epoch, int64_t row) {
  Moves m;
  const PhiloxBlock words = augment_words(key, epoch, row, 0);
  m.top = random_below(words.v[0], 2 * a.crop + 1) - a.crop;
  m.left = random_below(words.v[1], 2 * a.crop + 1) - a.crop;
  if (a.flip == Flip::random) m.mirrored = words.v[2] & 1;
  if (a.flip == Flip::alternating)
    m.mirrored = (augment_words(key, 0, row, 0).v[2] ^ static_cast<uint32_t>(epoch)) & 1;
  if (a.cutout > 0) {
    const PhiloxBlock centre = augment_words(key, epoch, row, 1);
    m.cut_top = random_below(centre.v[0], a.height) - a.cutout / 2;
    m.cut_left = random_below(centre.v[1], a.width) - a.cutout / 2;
  }
  return m;
}

template <class Real>
struct Point {
  Real y, x;
};

/// Rotation and shift of an example.
template <class Real>
struct Turn {
  Real cos = 1, sin = 0, down = 0, right = 0;

  CAIRN_HD Point<Real> operator()(const Augment& a, int64_t y, int64_t x) const {
    const Real mid_y = static_cast<Real>(a.height - 1) / 2;
    const Real mid_x = static_cast<Real>(a.width - 1) / 2;
    const Real v = static_cast<Real>(y) - mid_y, u = static_cast<Real>(x) - mid_x;
    return {mid_y + cos * v + sin * u + down, mid_x - sin * v + cos * u + right};
  }
};

template <class Real>
CAIRN_HD Turn<Real> draw_turn(const Augment& a, PhiloxKey key, int64_t epoch, int64_t row) {
  Turn<Real> turn;
  if (a.rotate > 0) {
    const double half_turns = random_within(augment_words(key, epoch, row, 0).v[3], a.rotate) / 180;
    turn.cos = static_cast<Real>(cos_pi(half_turns));
    turn.sin = static_cast<Real>(cos_pi(half_turns - 0.5));
  }
  if (a.shift > 0) {
    const PhiloxBlock words = augment_words(key, epoch, row, 1);
    turn.down = static_cast<Real>(random_within(words.v[2], a.shift));
    turn.right = static_cast<Real>(random_within(words.v[3], a.shift));
  }
  return turn;
}

inline constexpr int64_t kMaxFieldAxis = 32;  // nodes along an axis
inline constexpr int64_t kMaxField = kMaxFieldAxis * kMaxFieldAxis;

/// Nodes along an axis of `size` positions: one before it and two behind.
CAIRN_HD constexpr int64_t field_axis(int64_t size, int64_t grid) { return (size - 1) / grid + 4; }

/// How far node `node` of an example's field is moved: by Box and Muller (1958).
CAIRN_HD inline Point<double> draw_node(const Augment& a, PhiloxKey key, int64_t epoch, int64_t row,
                                        int64_t node) {
  const PhiloxBlock words = augment_words(key, epoch, row, kFieldBlock + node);
  const double u = (words.v[0] + 0.5) * 0x1p-32, v = (words.v[1] + 0.5) * 0x1p-32;
  const double radius = a.elastic * std::sqrt(-2 * std::log(u));
  return {radius * cos_pi(2 * v), radius * cos_pi(2 * v - 0.5)};
}

/// A position between nodes: the first of four along an axis, and how far past the second.
template <class Real>
struct Cell {
  int64_t first;
  Real past;

  CAIRN_HD Cell(int64_t at, int64_t grid) {
    const auto place = static_cast<uint32_t>(at), spacing = static_cast<uint32_t>(grid);
    first = place / spacing;
    past = static_cast<Real>(place % spacing) / static_cast<Real>(spacing);
  }
  /// What the four nodes, `node(0)` to `node(3)`, make of it.
  template <class Node>
  CAIRN_HD Point<Real> between(Node node) const {
    const Real t = past;
    const Real weights[] = {
        ((Real{-0.5} * t + 1) * t - Real{0.5}) * t, (Real{1.5} * t - Real{2.5}) * t * t + 1,
        ((Real{-1.5} * t + 2) * t + Real{0.5}) * t, (Real{0.5} * t - Real{0.5}) * t * t};
    const Point<Real> a = node(0), b = node(1), c = node(2), d = node(3);
    return {weights[0] * a.y + weights[1] * b.y + weights[2] * c.y + weights[3] * d.y,
            weights[0] * a.x + weights[1] * b.x + weights[2] * c.x + weights[3] * d.x};
  }
};

/// The field of an example: y and x of node k lie at 2 k and 2 k + 1 times `stride`.
template <class Real>
struct Field {
  const Real* nodes;
  int64_t stride, across;  // `across`: nodes along the x axis

  /// Column j of the nodes, at a position between its rows.
  CAIRN_HD Point<Real> column(const Cell<Real>& rows, int64_t j) const {
    return rows.between([&](int64_t i) {
      const Real* node = nodes + 2 * ((rows.first + i) * across + j) * stride;
      return Point<Real>{node[0], node[stride]};
    });
  }
  CAIRN_HD Point<Real> operator()(int64_t grid, int64_t y, int64_t x) const {
    const Cell<Real> rows(y, grid), columns(x, grid);
    return columns.between([&](int64_t j) { return column(rows, columns.first + j); });
  }
};

/// A stored number as it is normalised: pixels become 0..1.
template <class Real>
CAIRN_HD inline Real unscaled(uint8_t pixel) {
  return static_cast<Real>(pixel) / 255;
}
template <class Real>
CAIRN_HD inline Real unscaled(Real value) {
  return value;
}

/// Pixel (y, x) of a plane, 0 outside.
template <class Real, class Stored>
CAIRN_HD Real pixel_at(const Stored* plane, int64_t height, int64_t width, int64_t y, int64_t x) {
  const bool inside = y >= 0 && y < height && x >= 0 && x < width;
  return inside ? unscaled<Real>(plane[y * width + x]) : Real{0};
}

/// The mix of the four pixels about a point.
template <class Real, class Stored>
CAIRN_HD Real pixel_about(const Stored* plane, int64_t height, int64_t width, Point<Real> at) {
  const Real top = std::floor(at.y), left = std::floor(at.x);
  const Real down = at.y - top, right = at.x - left;
  const auto y = static_cast<int64_t>(top), x = static_cast<int64_t>(left);
  const auto pixel = [&](int64_t i, int64_t j) {
    return pixel_at<Real>(plane, height, width, y + i, x + j);
  };
  return (1 - down) * ((1 - right) * pixel(0, 0) + right * pixel(0, 1)) +
         down * ((1 - right) * pixel(1, 0) + right * pixel(1, 1));
}

/// What an example undergoes, and where position (h, w) of it comes from.
template <class Real>
struct Change {
  Moves moves;
  Turn<Real> turn;
  Field<Real> field;

  CAIRN_HD Point<Real> source(const Augment& a, int64_t padding, int64_t h, int64_t w) const {
    Point<Real> at = turn(a, moves.row(h), moves.column(a, w));
    if (a.elastic > 0) {
      const Point<Real> moved = field(a.grid, h + padding, w + padding);
      at.y += moved.y, at.x += moved.x;
    }
    return at;
  }
  /// The pixel that position (h, w) shows, before it is normalised.
  template <class Stored>
  CAIRN_HD Real pixel(const Augment& a, int64_t padding, const Stored* plane, int64_t h,
                      int64_t w) const {
    return a.warps() ? pixel_about(plane, a.height, a.width, source(a, padding, h, w))
                     : pixel_at<Real>(plane, a.height, a.width, moves.row(h), moves.column(a, w));
  }
};

}  // namespace cairn
