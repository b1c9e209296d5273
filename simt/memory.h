// Device memory and pinned host memory.
//
// Device memory is a range of addresses of its own, which the host can't touch: it is accessible
// only while kernels and copies run. Addresses are not used twice, so that a pointer to freed
// memory never points at something else. New memory holds NaNs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

namespace simt {

struct Allocation {
  const std::byte* begin = nullptr;
  size_t bytes = 0;
  bool freed = false;
  const void* by = nullptr;  // the address of the code that asked for it
};

class Memory {
 public:
  static constexpr size_t kReserved = size_t{256} << 30;  // addresses, not memory

  Memory();

  /// nullptr where the device has not so much left.
  void* allocate(size_t bytes, const void* by);
  /// False where the address is not the begin of a live allocation.
  bool release(void* data);
  size_t free_bytes() const;
  size_t used_bytes() const { return used_; }
  int64_t live() const { return live_; }

  bool is_device(const void* address) const;
  /// The allocation that holds the address, or the one before it where none does; nullptr: none.
  const Allocation* find(const void* address) const;
  /// Empty where [address, address + bytes) lies in one live allocation; else why not.
  std::string problem(const void* address, size_t bytes) const;
  /// Some allocation that is alive.
  const Allocation* any_live() const;
  const std::byte* base() const { return base_; }
  /// Whether the device works.
  bool is_open() const { return open_ > 0; }

  /// Lets the host reach device memory while it exists.
  class Access {
   public:
    Access();
    ~Access();
    Access(const Access&) = delete;
  };

 private:
  friend class Access;
  void protect(bool open);
  void grow(size_t bytes);
  // Without a key: the host's rights to steps [first, last), and which steps hold live allocations.
  void set_rights(size_t first, size_t last, bool open);
  void use(size_t begin, size_t bytes);
  void leave(size_t begin, size_t bytes);

  int key_;  // of the processor's memory protection; -1: it has none, and pages' rights are changed
  std::byte* base_ = nullptr;
  size_t next_ = 0, committed_ = 0;  // bytes from the base
  size_t used_ = 0;
  int64_t live_ = 0;
  int open_ = 0;
  std::map<const std::byte*, Allocation> allocations_;
  // Live allocations in each step of addresses that has any: only their rights change with each
  // kernel, not those of all that was ever allocated. Without key_.
  std::map<size_t, int64_t> in_use_;
  mutable const Allocation* found_ = nullptr;  // the last time: most accesses follow one another
};
Memory& memory();

/// Pinned host memory. While a copy is on its way, its bytes can't be written, or not even read
/// where the copy will write them: what the host does too early ends the program with a report.
class Pinned {
 public:
  void* allocate(size_t bytes);
  bool release(void* data);
  bool holds(const void* address, size_t bytes) const;
  int64_t live() const { return static_cast<int64_t>(blocks_.size()); }

  /// A copy from or to pinned memory is enqueued; `writes`: it writes there.
  void begin_copy(const void* host, size_t bytes, bool writes);
  void end_copy(const void* host, size_t bytes, bool writes);
  /// No copy that was enqueued will run.
  void end_copies();
  /// Ends the device's access: the host is watched again.
  void close();

  /// For the handler of page faults: opens the page and returns true where the access is no fault.
  bool may_touch(const void* address, bool writes, std::string& problem);

 private:
  struct Block {
    size_t bytes = 0;
    std::multimap<const std::byte*, std::pair<size_t, bool>> copies;  // begin -> bytes, writes
    bool opened = false;  // pages were opened for the device's work
  };
  Block* block_of(const void* address, const std::byte** begin);
  void protect(const std::byte* begin, Block& block);

  std::map<const std::byte*, Block> blocks_;
};
Pinned& pinned();

}  // namespace simt
