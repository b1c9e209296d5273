#include "simt/fiber.h"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

#if defined(__SANITIZE_ADDRESS__)
#define SIMT_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SIMT_ASAN 1
#endif
#endif
#ifdef SIMT_ASAN
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace simt {
namespace {

using boost::context::detail::transfer_t;

#ifdef SIMT_ASAN
constexpr size_t kStackBytes = size_t{256} << 10;
const void* main_bottom = nullptr;  // of the stack that enter() was called on
size_t main_size = 0;
#else
constexpr size_t kStackBytes = size_t{64} << 10;
#endif
const size_t kPage = static_cast<size_t>(sysconf(_SC_PAGESIZE));

}  // namespace

Fiber::Fiber(void (*body)()) : body_(body) {
  void* memory = mmap(nullptr, kStackBytes + kPage, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  memory_ = static_cast<std::byte*>(memory);
  mprotect(memory_, kPage, PROT_NONE);
  stack_ = memory_ + kPage;
  restart();
}

Fiber::~Fiber() { munmap(memory_, kStackBytes + kPage); }

void Fiber::restart() {
#ifdef SIMT_ASAN
  __asan_unpoison_memory_region(stack_, kStackBytes);
  fake_stack_ = nullptr;
#endif
  self_ = boost::context::detail::make_fcontext(stack_ + kStackBytes, kStackBytes, start);
}

bool Fiber::holds(const void* address) const {
  return address >= stack_ && address < stack_ + kStackBytes;
}

void Fiber::start(transfer_t from) {
  auto* fiber = static_cast<Fiber*>(from.data);
  fiber->main_ = from.fctx;
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(nullptr, &main_bottom, &main_size);
#endif
  for (;;) {
    fiber->body_();
    fiber->leave();
  }
}

void Fiber::enter() {
#ifdef SIMT_ASAN
  void* fake = nullptr;
  __sanitizer_start_switch_fiber(&fake, stack_, kStackBytes);
#endif
  self_ = boost::context::detail::jump_fcontext(self_, this).fctx;
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(fake, nullptr, nullptr);
#endif
}

void Fiber::leave() {
#ifdef SIMT_ASAN
  __sanitizer_start_switch_fiber(&fake_stack_, main_bottom, main_size);
#endif
  main_ = boost::context::detail::jump_fcontext(main_, this).fctx;
#ifdef SIMT_ASAN
  __sanitizer_finish_switch_fiber(fake_stack_, &main_bottom, &main_size);
#endif
}

}  // namespace simt
