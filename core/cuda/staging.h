// Copies between host and device through pinned memory, on a stream of their own.
#pragma once

#include <cstddef>

#include "core/cuda/handle.h"

namespace cairn {

/// Two pinned chunks and a copy stream, ordered by events with the compute stream: a copy begins
/// after what is enqueued there so far, and what is enqueued there later sees an upload's data.
/// While one chunk is copied by the device, the host fills or empties the other. The compute stream
/// is never waited for beyond what the copy needs.
class Staging {
 public:
  explicit Staging(cudaStream_t compute);
  ~Staging();

  /// Returns when `from` has been read; the device may still be copying.
  void upload(void* to, const void* from, size_t bytes);
  /// The same, but what is enqueued on the compute stream sees the data only after the next call.
  void upload_ahead(void* to, const void* from, size_t bytes);
  /// Returns when `to` holds the data.
  void download(void* to, const void* from, size_t bytes);

 private:
  static constexpr size_t kChunkBytes = size_t{4} << 20;

  struct Chunk {
    Handle<void*, cudaFreeHost> memory;
    Event done;  // of the last copy through it
  };

  /// What is enqueued on `later` from now on begins after what is on `earlier` now.
  void follow(cudaStream_t later, cudaStream_t earlier);
  void enqueue_upload(void* to, const void* from, size_t bytes);
  Chunk& chunk_at(size_t offset) { return chunks_[offset / kChunkBytes % 2]; }

  cudaStream_t compute_;
  Stream copies_;
  Event order_;
  Chunk chunks_[2];
};

}  // namespace cairn
