#include "data/embedded.h"

#include <fmt/format.h>

#include "core/error.h"

#define CAIRN_EMBEDDED(symbol)                                                     \
  extern "C" __attribute__((visibility("hidden"))) const std::byte symbol##_begin; \
  extern "C" __attribute__((visibility("hidden"))) const std::byte symbol##_end;

CAIRN_EMBEDDED(cairn_catalog)
CAIRN_EMBEDDED(cairn_digits_train_images)
CAIRN_EMBEDDED(cairn_digits_train_labels)
CAIRN_EMBEDDED(cairn_digits_test_images)
CAIRN_EMBEDDED(cairn_digits_test_labels)
#undef CAIRN_EMBEDDED

namespace cairn {
namespace {

struct EmbeddedFile {
  std::string_view path;
  const std::byte* begin;
  const std::byte* end;
};

constexpr EmbeddedFile kFiles[] = {
    {"catalog.json", &cairn_catalog_begin, &cairn_catalog_end},
    {"digits/train-images-idx3-ubyte.gz", &cairn_digits_train_images_begin,
     &cairn_digits_train_images_end},
    {"digits/train-labels-idx1-ubyte.gz", &cairn_digits_train_labels_begin,
     &cairn_digits_train_labels_end},
    {"digits/t10k-images-idx3-ubyte.gz", &cairn_digits_test_images_begin,
     &cairn_digits_test_images_end},
    {"digits/t10k-labels-idx1-ubyte.gz", &cairn_digits_test_labels_begin,
     &cairn_digits_test_labels_end},
};

}  // namespace

std::span<const std::byte> embedded_file(std::string_view path) {
  for (const EmbeddedFile& file : kFiles) {
    if (file.path == path) return {file.begin, file.end};
  }
  fail(fmt::format("no file '{}' is part of the program", path),
       "data/embedded.cpp lists those that are");
}

}  // namespace cairn
