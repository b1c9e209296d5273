// Turns SIGINT and SIGTERM into a question that long work asks, while it has something to clean up.
#pragma once

#include <signal.h>

#include <array>

namespace cairn {

/// While one lives, SIGINT and SIGTERM only set a mark; ignored signals stay ignored. The
/// destructor puts the former handlers back. One at a time in a process.
class InterruptScope {
 public:
  InterruptScope();
  ~InterruptScope();
  InterruptScope(const InterruptScope&) = delete;
  InterruptScope& operator=(const InterruptScope&) = delete;

  /// The signal that came since construction, or 0.
  int signal() const;

 private:
  std::array<struct sigaction, 2> former_;
};

}  // namespace cairn
