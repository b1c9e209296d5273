// What goes wrong on the emulated device, and how it is told.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>
#include <string>

namespace simt {

/// A place in CUDA source. `id` tells two uses on one line apart; copies that the compiler makes of
/// a use keep it.
struct Site {
  const char* file = nullptr;
  int line = 0;
  int id = 0;
};
#define SIMT_SITE \
  ::simt::Site { __FILE__, __LINE__, __COUNTER__ }

/// "kernels/bias/bias.cu:23"
std::string to_string(const Site& site);

/// "FILE:LINE" of a call whose return address is given, by addr2line; the module and the offset
/// where that finds nothing.
std::string describe_code(const void* address);
/// The name of a function, without its arguments.
std::string function_name(const void* function);

/// Writes "simt: TEXT" to stderr and counts it. A program that reported anything ends with status
/// kFaultStatus, whatever it returns.
void report(const std::string& text);
int64_t reports();
constexpr int kFaultStatus = 86;

/// The same for a fault in the running kernel: adds its name, the place and the thread.
void report_fault(const std::string& what, const std::string& where);
/// A fault of the running CUDA thread: reports it with kernel, place and thread, makes `error` the
/// device's sticky error, and never returns: the kernel is abandoned.
[[noreturn]] void kernel_fault(cudaError_t error, const std::string& what,
                               const std::string& where);

}  // namespace simt
