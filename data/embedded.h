// Files that are part of the program, by their path below data/: data/embedded.S takes them in.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace cairn {

/// The bytes of "catalog.json" or of "digits/NAME.gz"; they live as long as the program. An Error
/// where there is no file of that name.
std::span<const std::byte> embedded_file(std::string_view path);

}  // namespace cairn
