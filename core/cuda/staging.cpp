#include "core/cuda/staging.h"

#include <algorithm>
#include <cstring>

namespace cairn {
namespace {

std::byte* bytes_at(void* data, size_t offset) { return static_cast<std::byte*>(data) + offset; }
const std::byte* bytes_at(const void* data, size_t offset) {
  return static_cast<const std::byte*>(data) + offset;
}

}  // namespace

Staging::Staging(cudaStream_t compute)
    : compute_(compute), copies_(make_stream()), order_(make_event()) {
  for (Chunk& chunk : chunks_) {
    void* memory = nullptr;
    check(cudaMallocHost(&memory, kChunkBytes));
    chunk = {Handle<void*, cudaFreeHost>(memory), make_event()};
  }
}

Staging::~Staging() {
  log_failure(cudaStreamSynchronize(copies_.get()), "copies to the CUDA device");
}

void Staging::follow(cudaStream_t later, cudaStream_t earlier) {
  check(cudaEventRecord(order_.get(), earlier));
  check(cudaStreamWaitEvent(later, order_.get(), 0));
}

void Staging::upload(void* to, const void* from, size_t bytes) {
  enqueue_upload(to, from, bytes);
  follow(compute_, copies_.get());
}

void Staging::upload_ahead(void* to, const void* from, size_t bytes) {
  follow(compute_, copies_.get());
  enqueue_upload(to, from, bytes);
}

void Staging::enqueue_upload(void* to, const void* from, size_t bytes) {
  follow(copies_.get(), compute_);
  for (size_t at = 0; at < bytes; at += kChunkBytes) {
    const Chunk& chunk = chunk_at(at);
    const size_t count = std::min(kChunkBytes, bytes - at);
    check(cudaEventSynchronize(chunk.done.get()));
    std::memcpy(chunk.memory.get(), bytes_at(from, at), count);
    check(cudaMemcpyAsync(bytes_at(to, at), chunk.memory.get(), count, cudaMemcpyHostToDevice,
                          copies_.get()));
    check(cudaEventRecord(chunk.done.get(), copies_.get()));
  }
}

void Staging::download(void* to, const void* from, size_t bytes) {
  follow(copies_.get(), compute_);
  size_t asked = 0;  // bytes that are on their way into the chunks, or through
  for (size_t at = 0; at < bytes; at += kChunkBytes) {
    for (; asked < std::min(bytes, at + 2 * kChunkBytes); asked += kChunkBytes) {
      const Chunk& chunk = chunk_at(asked);
      check(cudaMemcpyAsync(chunk.memory.get(), bytes_at(from, asked),
                            std::min(kChunkBytes, bytes - asked), cudaMemcpyDeviceToHost,
                            copies_.get()));
      check(cudaEventRecord(chunk.done.get(), copies_.get()));
    }
    const Chunk& chunk = chunk_at(at);
    check(cudaEventSynchronize(chunk.done.get()));
    std::memcpy(bytes_at(to, at), chunk.memory.get(), std::min(kChunkBytes, bytes - at));
  }
}

}  // namespace cairn
