// Watches every load and store of kernels: out of bounds, freed, misaligned, host and uninitialised
// memory, and races. The compiler's instrumentation for ThreadSanitizer calls us (hooks.cpp) in the
// builds that ask for it; in others nothing does.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace simt {

#ifdef SIMT_CHECKER
constexpr bool kCheckerBuilt = true;
#else
constexpr bool kCheckerBuilt = false;
#endif

class Checker {
 public:
  /// A kernel's load or store at an instruction; `atomic` ones don't race with one another.
  void access(const void* address, size_t bytes, bool writes, bool atomic, const void* code);

  /// Device or shared memory: new, and with contents from a copy or a fill.
  void allocated(const void* data, size_t bytes);
  void released(const void* data, size_t bytes);
  void defined(const void* data, size_t bytes);
  /// Device memory that a copy within the device fills: as defined as what it read.
  void copied(const void* to, const void* from, size_t bytes);
  /// The lanes of a warp, from `first`, have met in __syncwarp.
  void warp_met(uint32_t first, uint32_t mask);
  /// A thread has passed __threadfence.
  void fenced();

  /// A kernel begins.
  void begin() { busy_ = false; }

 private:
  void look_at(const void* address, size_t bytes, bool writes, bool atomic, const void* code);

  struct Shadow;
  Shadow& shadow();
  std::unique_ptr<Shadow> shadow_;
  // The same load again and again: a loop that waits for another thread.
  const void *last_read_ = nullptr, *last_code_ = nullptr;
  int repeated_ = 0;
  bool busy_ = false;  // the library functions that the checker calls may be instrumented ones
};
Checker& checker();

}  // namespace simt
