// Counts every heap allocation of the test program: operator new, wherever it is called, and malloc
// and its kin, called from linked code.
#pragma once

#include <cstdint>

namespace cairn {

/// Allocations of all threads since the program began.
int64_t heap_allocations();

}  // namespace cairn
