// Streams, events and graphs. Work on a stream is kept until something waits for it, and only then
// runs, as far as it must: a wait that a program forgets shows as stale data every time.
#pragma once

#include <cuda_runtime_api.h>

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <vector>

namespace simt {

using Work = std::function<cudaError_t()>;

struct Graph {
  std::vector<Work> nodes;
  int64_t kernels = 0;
};

struct Stream {
  explicit Stream(bool waits) : blocking(waits) {}

  std::deque<Work> queue;
  uint64_t enqueued = 0, done = 0;  // counts of work, ever
  bool blocking;                    // waits for the legacy stream, which waits for it
  Graph* capture = nullptr;         // into which its work goes
  bool origin = false;              // of that capture
  cudaStreamCaptureMode mode =
      cudaStreamCaptureModeGlobal;  // of that, and the thread that began it
  std::thread::id thread;
  bool broken = false;  // the capture, by a forbidden call
};

struct Event {
  explicit Event(bool times) : timing(times) {}

  bool timing;
  Stream* stream = nullptr;  // where it was recorded last; nullptr: never
  uint64_t position = 0;     // how much of the stream must be done
  Graph* capture = nullptr;  // recorded while that was captured
  bool done = true;
  std::chrono::steady_clock::time_point at;
};

class Streams {
 public:
  Stream* create(bool blocking);
  void destroy(Stream* stream);
  /// The stream of a handle; nullptr where there is none. 0 and cudaStreamLegacy are one.
  Stream* find(cudaStream_t handle);

  void enqueue(Stream* stream, Work work, bool is_kernel = false);
  /// Runs the stream's work up to a count; all streams' with drain_all().
  void drain(Stream* stream, uint64_t position);
  void drain(Stream* stream) { drain(stream, stream->enqueued); }
  void drain_all();
  /// Whether the calling thread must not wait: in the mode thread-local the thread that captures
  /// alone.
  bool any_capture() const;
  /// Something forbidden happened while streams were captured.
  void break_captures();

  cudaError_t begin_capture(Stream* stream, cudaStreamCaptureMode mode);
  cudaError_t end_capture(Stream* stream, Graph** graph);

  void record(Event* event, Stream* stream);
  cudaError_t wait(Stream* stream, Event* event);
  void synchronize(Event* event);

  std::set<Event*> events;
  std::set<Graph*> graphs;       // captured
  std::set<Graph*> executables;  // instantiated
  int64_t live() const { return static_cast<int64_t>(streams_.size()); }

 private:
  bool alive(Stream* stream) const { return stream == &legacy_ || streams_.contains(stream); }

  Stream legacy_{true};
  std::set<Stream*> streams_;
};
Streams& streams();

/// The error that the device is stuck with, and how it gets there: cudaSuccess while all is well.
cudaError_t& sticky_error();

}  // namespace simt
