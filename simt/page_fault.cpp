// Page faults: the host touches device memory, or pinned memory that a copy still needs.
#include <dlfcn.h>
#include <execinfo.h>
#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <string>

#include "simt/engine.h"
#include "simt/fault.h"
#include "simt/memory.h"

namespace simt {
namespace {

struct sigaction before;

bool in_program(const void* code) {
  Dl_info info;
  if (!dladdr(code, &info) || !info.dli_fname) return false;
  const char* slash = std::strrchr(info.dli_fname, '/');
  const char* file = slash ? slash + 1 : info.dli_fname;
  return std::strncmp(file, "lib", 3) != 0 && std::strncmp(file, "ld-", 3) != 0;
}

/// The innermost place in the program itself, below the C library and this one; `next`: behind the
/// first byte of the instruction at fault.
std::string place_in_program(void* next) {
  if (in_program(next)) return describe_code(next);
  void* frames[32];
  const int count = backtrace(frames, 32);
  for (int i = 0; i < count; ++i)
    if (in_program(frames[i])) return describe_code(frames[i]);
  return "?";
}

void handle(int signal, siginfo_t* info, void* context) {
  std::string problem;
  const bool device = memory().is_device(info->si_addr);
  const auto& registers = static_cast<ucontext_t*>(context)->uc_mcontext.gregs;
  auto* next = reinterpret_cast<void*>(registers[REG_RIP] + 1);
  constexpr greg_t kWrite = 2;  // in the processor's error code
  if (!device && pinned().may_touch(info->si_addr, registers[REG_ERR] & kWrite, problem)) return;
  if (device) problem = "the host touches device memory: copy it first";
  if (!problem.empty()) {
    report(problem + "\n  at " + place_in_program(next));
    std::fflush(nullptr);
    _exit(kFaultStatus);
  }
  if (running().kernel) report_fault("a page fault", describe_code(next));
  sigaction(signal, &before, nullptr);  // the access is made again, for the handler before ours
}

struct Install {
  Install() {
    static std::byte stack[64 << 10];
    stack_t alternate = {};
    alternate.ss_sp = stack;
    alternate.ss_size = sizeof stack;
    sigaltstack(&alternate, nullptr);
    struct sigaction action = {};
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
    sigaction(SIGSEGV, &action, &before);
  }
};
const Install install;

}  // namespace
}  // namespace simt
