// The CUDA runtime's functions for streams, events and graphs.
#include <cuda_runtime_api.h>

#include "simt/api.h"

using namespace simt;

namespace {

Event* event_of(cudaEvent_t handle) {
  auto* event = reinterpret_cast<Event*>(handle);
  return streams().events.contains(event) ? event : nullptr;
}

}  // namespace

// Streams.

cudaError_t cudaStreamCreateWithFlags(cudaStream_t* handle, unsigned flags) {
  *handle = nullptr;
  return api("cudaStreamCreateWithFlags", [&] {
    *handle = reinterpret_cast<cudaStream_t>(streams().create(flags != cudaStreamNonBlocking));
    return cudaSuccess;
  });
}

cudaError_t cudaStreamCreate(cudaStream_t* handle) {
  return cudaStreamCreateWithFlags(handle, cudaStreamDefault);
}

cudaError_t cudaStreamDestroy(cudaStream_t handle) {
  return api("cudaStreamDestroy", Call::releases, [&] {
    Stream* stream = handle ? streams().find(handle) : nullptr;
    if (!stream) return cudaErrorInvalidResourceHandle;
    streams().destroy(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  return with_stream("cudaStreamSynchronize", handle, [&](Stream* stream) {
    if (stream->capture) return waits(true);
    streams().drain(stream);
    return cudaSuccess;
  });
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  return with_stream("cudaStreamQuery", handle, [&](Stream* stream) {
    if (stream->capture) return waits(true);
    if (stream->queue.empty()) return cudaSuccess;
    streams().drain(stream, stream->done + 1);  // a loop that asks comes to an end
    return cudaErrorNotReady;
  });
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  return with_stream("cudaStreamWaitEvent", handle, [&](Stream* stream) {
    Event* found = event_of(event);
    return found ? streams().wait(stream, found) : cudaErrorInvalidResourceHandle;
  });
}

// Events.

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* handle, unsigned flags) {
  *handle = nullptr;
  return api("cudaEventCreateWithFlags", [&] {
    auto* event = new Event((flags & cudaEventDisableTiming) == 0);
    streams().events.insert(event);
    *handle = reinterpret_cast<cudaEvent_t>(event);
    return cudaSuccess;
  });
}

cudaError_t cudaEventCreate(cudaEvent_t* handle) {
  return cudaEventCreateWithFlags(handle, cudaEventDefault);
}

cudaError_t cudaEventDestroy(cudaEvent_t handle) {
  return api("cudaEventDestroy", Call::releases, [&] {
    Event* event = event_of(handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    streams().events.erase(event);
    delete event;
    return cudaSuccess;
  });
}

cudaError_t cudaEventRecord(cudaEvent_t handle, cudaStream_t stream) {
  return with_stream("cudaEventRecord", stream, [&](Stream* on) {
    Event* event = event_of(handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    streams().record(event, on);
    return cudaSuccess;
  });
}

cudaError_t cudaEventSynchronize(cudaEvent_t handle) {
  return api("cudaEventSynchronize", [&] {
    Event* event = event_of(handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    if (event->capture) return waits(true);
    streams().synchronize(event);
    return cudaSuccess;
  });
}

cudaError_t cudaEventQuery(cudaEvent_t handle) {
  return api("cudaEventQuery", [&] {
    Event* event = event_of(handle);
    if (!event) return cudaErrorInvalidResourceHandle;
    if (event->done) return cudaSuccess;
    streams().synchronize(event);  // a loop that asks comes to an end
    return cudaErrorNotReady;
  });
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t from, cudaEvent_t to) {
  return api("cudaEventElapsedTime", [&] {
    const Event *begin = event_of(from), *end = event_of(to);
    if (!begin || !end || !begin->timing || !end->timing) return cudaErrorInvalidResourceHandle;
    if (!begin->done || !end->done) return cudaErrorNotReady;
    *milliseconds = std::chrono::duration<float, std::milli>(end->at - begin->at).count();
    return cudaSuccess;
  });
}

// Graphs.

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, cudaStreamCaptureMode mode) {
  return with_stream("cudaStreamBeginCapture", handle,
                     [&](Stream* stream) { return streams().begin_capture(stream, mode); });
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t* graph) {
  *graph = nullptr;
  return api("cudaStreamEndCapture", Call::releases, [&] {
    Stream* stream = streams().find(handle);
    if (!stream) return cudaErrorInvalidResourceHandle;
    Graph* captured = nullptr;
    const cudaError_t result = streams().end_capture(stream, &captured);
    *graph = reinterpret_cast<cudaGraph_t>(captured);
    return result;
  });
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  return with_stream("cudaStreamIsCapturing", handle, [&](Stream* stream) {
    *status = !stream->capture ? cudaStreamCaptureStatusNone
              : stream->broken ? cudaStreamCaptureStatusInvalidated
                               : cudaStreamCaptureStatusActive;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphDestroy(cudaGraph_t handle) {
  return api("cudaGraphDestroy", Call::releases, [&] {
    auto* graph = reinterpret_cast<Graph*>(handle);
    if (!streams().graphs.erase(graph)) return cudaErrorInvalidValue;
    delete graph;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t handle,
                                 unsigned long long) {
  *executable = nullptr;
  return api("cudaGraphInstantiate", [&] {
    auto* graph = reinterpret_cast<Graph*>(handle);
    if (!streams().graphs.contains(graph)) return cudaErrorInvalidValue;
    auto* copy = new Graph(*graph);
    streams().executables.insert(copy);
    *executable = reinterpret_cast<cudaGraphExec_t>(copy);
    return cudaSuccess;
  });
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t handle) {
  return api("cudaGraphExecDestroy", Call::releases, [&] {
    auto* graph = reinterpret_cast<Graph*>(handle);
    if (!streams().executables.contains(graph)) return cudaErrorInvalidValue;
    streams().drain_all();
    streams().executables.erase(graph);
    delete graph;
    return cudaSuccess;
  });
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t handle, cudaStream_t on) {
  return with_stream("cudaGraphLaunch", on, [&](Stream* stream) {
    auto* graph = reinterpret_cast<Graph*>(handle);
    if (!streams().executables.contains(graph)) return cudaErrorInvalidValue;
    streams().enqueue(stream, [graph] {
      for (const Work& node : graph->nodes)
        if (const cudaError_t result = node(); result != cudaSuccess) return result;
      return cudaSuccess;
    });
    return cudaSuccess;
  });
}

cudaError_t cudaGraphGetNodes(cudaGraph_t handle, cudaGraphNode_t* nodes, size_t* count) {
  return api("cudaGraphGetNodes", [&] {
    auto* graph = reinterpret_cast<Graph*>(handle);
    if (!streams().graphs.contains(graph) || nodes) return cudaErrorInvalidValue;
    *count = graph->nodes.size();
    return cudaSuccess;
  });
}
