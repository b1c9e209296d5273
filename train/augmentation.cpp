#include "train/augmentation.h"

#include <iterator>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/error.h"
#include "kernels/gather_batch/gather_batch.h"

namespace cairn {
namespace {

constexpr std::string_view kNone = "none";

/// "crop=4".
std::string word_of(const AttrDef& def, double value) {
  if (def.type == AttrType::choice)
    return fmt::format("{}={}", def.name, def.choices[static_cast<size_t>(value)]);
  return fmt::format("{}={}", def.name, value);
}

}  // namespace

Augmentation::Augmentation() : attrs_(kAugmentAttrs) {}

Augmentation Augmentation::parse(std::string_view text) {
  Augmentation augmentation;
  if (text == kNone) return augmentation;
  try {
    augmentation.attrs_ = Attrs::parse(kAugmentAttrs, text, "--augment");
  } catch (const Error& error) {
    fail_usage(error.what(), error.hint().empty()
                                 ? "write --augment \"crop=4 flip=random\", or --augment none"
                                 : error.hint());
  }
  return augmentation;
}

std::string Augmentation::to_string() const {
  std::vector<std::string> words;
  for (size_t i = 0; i < std::size(kAugmentAttrs); ++i)
    if (!attrs_.is_default(kAugmentAttrs[i].name))
      words.push_back(word_of(kAugmentAttrs[i], attrs_.real(static_cast<int>(i))));
  return words.empty() ? std::string(kNone) : fmt::format("{}", fmt::join(words, " "));
}

void Augmentation::set_on(Attrs& gather) const {
  for (size_t i = 0; i < std::size(kAugmentAttrs); ++i)
    gather.set(kAugmentAttrs[i].name, attrs_.real(static_cast<int>(i)));
}

}  // namespace cairn
