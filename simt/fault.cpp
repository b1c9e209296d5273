#include "simt/fault.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <sstream>

#include "simt/api.h"
#include "simt/block.h"

namespace simt {
namespace {

int64_t reported = 0;

// Ends a program that reported faults with kFaultStatus; after its own static destructors.
struct AtExit {
  ~AtExit() {
    if (const char* path = std::getenv("SIMT_KERNELS")) write_launched_kernels(path);
    check_at_exit();
    const std::string left = alive();
    if (!left.empty()) report("leak: when the program ends there are still " + left);
    if (reported == 0) return;
    std::fflush(nullptr);
    _exit(kFaultStatus);
  }
};
AtExit at_exit;

/// The lines that addr2line prints of an address in a module.
std::string ask_addr2line(const char* module, uintptr_t offset) {
  char command[4096];
  std::snprintf(command, sizeof command, "addr2line -C -f -i -e '%s' 0x%zx 2>/dev/null", module,
                static_cast<size_t>(offset));
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command, "r"), pclose);
  std::string text;
  char line[1024];
  while (pipe && std::fgets(line, sizeof line, pipe.get())) text += line;
  return text;
}

struct Code {
  std::string function, place;
};

Code look_up(const void* address) {
  Dl_info info;
  if (!dladdr(address, &info) || !info.dli_fname) return {"?", "?"};
  const auto offset =
      reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(info.dli_fbase);
  // The program itself may be known by a name that was found in PATH.
  const std::string text =
      ask_addr2line(std::strchr(info.dli_fname, '/') ? info.dli_fname : "/proc/self/exe", offset);
  // A function and a place for each level of inlining, innermost first: the first that is no
  // library's.
  std::istringstream lines(text);
  Code first, code;
  while (std::getline(lines, code.function) && std::getline(lines, code.place)) {
    code.place = code.place.substr(0, code.place.find(' '));
    if (first.place.empty()) first = code;
    if (code.place.starts_with("./")) code.place.erase(0, 2);
    if (!code.place.starts_with("/usr/") && !code.place.starts_with("simt/")) return code;
  }
  if (first.place.empty()) return {"?", std::string(info.dli_fname) + "+" + std::to_string(offset)};
  return first;
}

}  // namespace

std::string to_string(const Site& site) {
  return site.file ? std::string(site.file) + ":" + std::to_string(site.line) : "?";
}

std::string describe_code(const void* address) {
  return look_up(static_cast<const std::byte*>(address) - 1).place;
}

// "void cairn::(anonymous namespace)::sum_kernel<float>(float*)" -> "cairn::sum_kernel<float>"
std::string function_name(const void* function) {
  std::string name = look_up(function).function;
  constexpr std::string_view kAnonymous = "(anonymous namespace)::";
  for (size_t at; (at = name.find(kAnonymous)) != std::string::npos;)
    name.erase(at, kAnonymous.size());
  int depth = 0;
  for (size_t i = 0; i < name.size(); ++i) {
    depth += (name[i] == '<') - (name[i] == '>');
    if (name[i] == '(' && depth == 0) name.resize(i);
  }
  depth = 0;
  for (size_t i = name.size(); i-- > 0;) {
    depth += (name[i] == '>') - (name[i] == '<');
    if (name[i] == ' ' && depth == 0) return name.substr(i + 1);
  }
  return name;
}

void report(const std::string& text) {
  ++reported;
  std::fprintf(stderr, "simt: %s\n", text.c_str());
}

int64_t reports() { return reported; }

void report_fault(const std::string& what, const std::string& where) {
  report(what + "\n  kernel " + function_name(running().kernel) +
         (where.empty() ? "" : ", at " + where) + "\n  " + running_thread());
}

void kernel_fault(cudaError_t error, const std::string& what, const std::string& where) {
  report_fault(what, where);
  block().abandon(error);
}

}  // namespace simt
