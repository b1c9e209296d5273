// How a run changes its training images, as text: the attributes of gather_batch that do it
// (kernels/gather_batch/augment.h).
#pragma once

#include <string>
#include <string_view>

#include "core/attrs.h"

namespace cairn {

class Augmentation {
 public:
  Augmentation();  // none

  /// From "crop=4 flip=random cutout=8 rotate=15 shift=2 elastic=3 elastic_grid=8", each of which
  /// may be left out, or "none". A UsageError names what is unknown, unreadable or out of range.
  static Augmentation parse(std::string_view text);
  /// What parse reads, in the order above, without defaults; "none".
  std::string to_string() const;
  /// Sets what is asked for among the attributes of gather_batch or gather_features.
  void set_on(Attrs& gather) const;

  bool operator==(const Augmentation& other) const { return attrs_ == other.attrs_; }

 private:
  Attrs attrs_;
};

}  // namespace cairn
