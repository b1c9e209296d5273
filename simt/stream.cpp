#include "simt/stream.h"

#include <algorithm>
#include <utility>

#include "simt/memory.h"

namespace simt {

Streams& streams() {
  static auto* all = new Streams;
  return *all;
}

cudaError_t& sticky_error() {
  static cudaError_t error = cudaSuccess;
  return error;
}

Stream* Streams::create(bool blocking) {
  auto* stream = new Stream(blocking);
  streams_.insert(stream);
  return stream;
}

void Streams::destroy(Stream* stream) {
  drain(stream);
  streams_.erase(stream);
  delete stream;
}

Stream* Streams::find(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return &legacy_;
  auto* stream = reinterpret_cast<Stream*>(handle);
  return streams_.contains(stream) ? stream : nullptr;
}

void Streams::enqueue(Stream* stream, Work work, bool is_kernel) {
  if (stream->capture) {
    stream->capture->nodes.push_back(std::move(work));
    stream->capture->kernels += is_kernel;
    return;
  }
  std::vector<std::pair<Stream*, uint64_t>> before;
  if (stream == &legacy_) {
    for (Stream* other : streams_)
      if (other->blocking) before.emplace_back(other, other->enqueued);
  } else if (stream->blocking) {
    before.emplace_back(&legacy_, legacy_.enqueued);
  }
  stream->queue.push_back([this, before, run = std::move(work)] {
    for (const auto& [other, position] : before)
      if (alive(other)) drain(other, position);
    return run();
  });
  ++stream->enqueued;
}

void Streams::drain(Stream* stream, uint64_t position) {
  if (stream->done >= position || stream->queue.empty()) return;
  const Memory::Access access;  // once for all that runs here
  while (stream->done < position && !stream->queue.empty()) {
    const Work work = std::move(stream->queue.front());
    stream->queue.pop_front();
    ++stream->done;
    if (sticky_error() != cudaSuccess) continue;  // nothing runs on a device that failed
    if (const cudaError_t result = work(); result != cudaSuccess) {
      if (sticky_error() == cudaSuccess) sticky_error() = result;
      pinned().end_copies();
    }
  }
  pinned().close();
}

void Streams::drain_all() {
  drain(&legacy_);
  for (Stream* stream : std::vector<Stream*>(streams_.begin(), streams_.end())) drain(stream);
}

bool Streams::any_capture() const {
  return std::ranges::any_of(streams_, [](const Stream* stream) {
    if (!stream->origin || stream->mode == cudaStreamCaptureModeRelaxed) return false;
    return stream->mode == cudaStreamCaptureModeGlobal ||
           stream->thread == std::this_thread::get_id();
  });
}

void Streams::break_captures() {
  for (Stream* stream : streams_) stream->broken |= stream->capture != nullptr;
}

cudaError_t Streams::begin_capture(Stream* stream, cudaStreamCaptureMode mode) {
  if (stream == &legacy_) return cudaErrorStreamCaptureUnsupported;
  if (stream->capture) return cudaErrorIllegalState;
  stream->capture = new Graph;
  stream->origin = true;
  stream->mode = mode;
  stream->thread = std::this_thread::get_id();
  stream->broken = false;
  return cudaSuccess;
}

cudaError_t Streams::end_capture(Stream* stream, Graph** graph) {
  *graph = nullptr;
  Graph* captured = stream->capture;
  if (!captured || !stream->origin) return cudaErrorIllegalState;
  bool broken = false;
  for (Stream* other : streams_)
    if (other->capture == captured) {
      broken |= other->broken;
      other->capture = nullptr;
      other->origin = other->broken = false;
    }
  for (Event* event : events)
    if (event->capture == captured) event->capture = nullptr;
  if (broken) {
    delete captured;
    return cudaErrorStreamCaptureInvalidated;
  }
  graphs.insert(captured);
  *graph = captured;
  return cudaSuccess;
}

void Streams::record(Event* event, Stream* stream) {
  event->capture = stream->capture;
  if (stream->capture) return;
  event->done = false;
  event->stream = stream;
  event->position = stream->enqueued + 1;
  enqueue(stream, [this, event, position = event->position, stream] {
    if (events.contains(event) && event->stream == stream && event->position == position) {
      event->done = true;
      event->at = std::chrono::steady_clock::now();
    }
    return cudaSuccess;
  });
}

cudaError_t Streams::wait(Stream* stream, Event* event) {
  if (event->capture) {
    if (stream->capture && stream->capture != event->capture) return cudaErrorStreamCaptureMerge;
    stream->capture = event->capture;  // one graph, whose nodes keep the order of their calls
    return cudaSuccess;
  }
  if (stream->capture) return cudaErrorStreamCaptureIsolation;
  if (!event->stream) return cudaSuccess;
  enqueue(stream, [this, other = event->stream, position = event->position] {
    if (alive(other)) drain(other, position);
    return cudaSuccess;
  });
  return cudaSuccess;
}

void Streams::synchronize(Event* event) {
  if (event->stream && alive(event->stream)) drain(event->stream, event->position);
}

}  // namespace simt
