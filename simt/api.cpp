#include "simt/api.h"

#include <cstdlib>
#include <cstring>
#include <string>

#include "simt/fault.h"
#include "simt/kernel.h"
#include "simt/memory.h"

namespace simt {
namespace {

struct Calls {
  int64_t made = 0;
  int64_t fails_at = 0;  // in `made`; 0: none
  cudaError_t fails_with = cudaErrorUnknown;
  std::string failed;
  cudaError_t last = cudaSuccess;  // what cudaGetLastError returns
  std::string last_name;           // of the call that returned it; empty once it was asked for
};
Calls& state() {
  static auto* calls = new Calls;
  return *calls;
}

Settings from_environment() {
  Settings s;
  const auto number = [](const char* name, auto& value) {
    if (const char* text = std::getenv(name))
      value = static_cast<std::remove_reference_t<decltype(value)>>(std::atoll(text));
  };
  number("SIMT_DEVICES", s.devices);
  number("SIMT_DRIVER", s.driver);
  number("SIMT_ARCH", s.arch);
  number("SIMT_IMAGE", s.image);
  number("SIMT_MEMORY", s.memory);
  if (const char* order = std::getenv("SIMT_ORDER")) {
    if (std::strcmp(order, "reverse") == 0) s.order = Order::reverse;
    if (std::strncmp(order, "random", 6) == 0) s.order = Order::random;
    if (const char* seed = std::strchr(order, ':'))
      s.seed = static_cast<uint64_t>(std::atoll(seed + 1));
  }
  return s;
}

/// Why no call can work; cudaSuccess where there is a device.
cudaError_t no_device() {
  if (settings().driver < CUDART_VERSION) return cudaErrorInsufficientDriver;
  return settings().devices > 0 ? cudaSuccess : cudaErrorNoDevice;
}

void unchecked(const char* next) {
  Calls& c = state();
  if (c.last_name.empty()) return;
  report("unchecked error: " + c.last_name + " returned " + cudaGetErrorName(c.last) +
         " and cudaGetLastError wasn't called before " + next);
  c.last_name.clear();
}

}  // namespace

Settings& settings() {
  static auto* all = new Settings(from_environment());
  return *all;
}

std::recursive_mutex& lock() {
  static auto* mutex = new std::recursive_mutex;
  return *mutex;
}

cudaError_t begin_call(const char* name, Call kind) {
  Calls& c = state();
  unchecked(name);
  ++c.made;
  if (c.made == c.fails_at) {
    c.failed = name;
    return c.fails_with;
  }
  if (kind == Call::queries) return cudaSuccess;
  if (const cudaError_t none = no_device(); none != cudaSuccess) return none;
  return sticky_error();
}

cudaError_t end_call(const char* name, cudaError_t result) {
  Calls& c = state();
  if (result == cudaSuccess && sticky_error() != cudaSuccess) result = sticky_error();
  if (result != cudaSuccess && result != cudaErrorNotReady) {
    c.last = result;
    c.last_name = name;
  }
  return result;
}

cudaError_t waits(bool captured) {
  if (!captured && !streams().any_capture()) return cudaSuccess;
  streams().break_captures();
  report("a call that waits while a stream is captured");
  return cudaErrorStreamCaptureUnsupported;
}

void fail_call(int64_t n, cudaError_t error) {
  Calls& c = state();
  c.fails_at = n > 0 ? c.made + n : 0;
  c.fails_with = error;
  c.failed.clear();
}

int64_t calls() { return state().made; }
std::string failed_call() { return state().failed; }

void clear_errors() {
  sticky_error() = cudaSuccess;
  state().last = cudaSuccess;
  state().last_name.clear();
}

cudaError_t last_error(bool forget) {
  const std::scoped_lock held(lock());
  Calls& c = state();
  const cudaError_t last = c.last;
  c.last_name.clear();
  if (forget) c.last = sticky_error();
  return last;
}

void check_at_exit() { unchecked("the program's end"); }

std::string alive() {
  std::string text;
  const auto count = [&](int64_t n, const std::string& what) {
    if (n > 0)
      text += (text.empty() ? "" : ", ") + std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  count(memory().live(), "device allocation");
  if (const Allocation* some = memory().any_live())
    text += " (one of " + std::to_string(some->bytes) + " bytes, made at " +
            describe_code(some->by) + ")";
  count(pinned().live(), "pinned allocation");
  count(streams().live(), "stream");
  count(static_cast<int64_t>(streams().events.size()), "event");
  count(static_cast<int64_t>(streams().graphs.size()), "graph");
  count(static_cast<int64_t>(streams().executables.size()), "executable graph");
  return text;
}

}  // namespace simt

cudaError_t cudaGetLastError() { return simt::last_error(true); }
cudaError_t cudaPeekAtLastError() { return simt::last_error(false); }
