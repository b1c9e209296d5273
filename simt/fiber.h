// Stacks to run CUDA threads on, and the switches between them.
#pragma once

#include <boost/context/detail/fcontext.hpp>
#include <cstddef>
#include <memory>
#include <vector>

namespace simt {

/// A stack with a guard page below, on which `body` runs again and again.
class Fiber {
 public:
  explicit Fiber(void (*body)());
  ~Fiber();
  Fiber(const Fiber&) = delete;

  /// From the main stack: runs this fiber until it calls leave().
  void enter();
  /// From this fiber: back to where enter() was called.
  void leave();
  /// Drops what is on the stack: the next enter() starts the body anew.
  void restart();
  bool holds(const void* address) const;

 private:
  static void start(boost::context::detail::transfer_t from);

  void (*body_)();
  std::byte* memory_ = nullptr;
  std::byte* stack_ = nullptr;  // above the guard page
  boost::context::detail::fcontext_t self_ = nullptr, main_ = nullptr;
  void* fake_stack_ = nullptr;  // AddressSanitizer's
};

}  // namespace simt
