#include "train/batch_stream.h"

#include <array>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "kernels/gather_batch/gather_batch.h"
#include "kernels/step_state/step_state.h"

namespace cairn {

struct BatchStream::Reader {
  explicit Reader(const BatchStream& stream) : stream_(stream), state_(stream.begin_) {
    const Dataset& data = stream.data_;
    example_ = static_cast<size_t>(data.image.elements()) * size_of(data.dtype);
    for (Held& held : held_) held.examples.resize(example_ * static_cast<size_t>(stream.batch_));
    thread_ = std::thread([this] { work(); });
  }
  ~Reader() {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

  Batch next() {
    std::unique_lock lock(mutex_);
    returned_ = taken_;
    changed_.notify_all();
    changed_.wait(lock, [this] { return read_ > taken_ || failure_; });
    if (read_ == taken_) std::rethrow_exception(failure_);
    const Held& held = at(taken_++);
    return {held.state, std::span(held.examples).first(bytes(held.state))};
  }

 private:
  struct Held {
    StepState state;
    std::vector<uint8_t> examples;
  };

  Held& at(size_t number) { return held_[number % held_.size()]; }
  size_t bytes(const StepState& state) const {
    return example_ * static_cast<size_t>(state.n_valid);
  }

  /// The thread: whatever `at(read_)` holds is its own.
  void work() {
    std::unique_lock lock(mutex_);
    while (true) {
      changed_.wait(lock, [this] { return stop_ || read_ - returned_ < held_.size(); });
      if (stop_) return;
      Held& held = at(read_);
      lock.unlock();
      try {
        read(held);
      } catch (...) {
        lock.lock();
        failure_ = std::current_exception();
        changed_.notify_all();
        return;
      }
      lock.lock();
      ++read_;
      changed_.notify_all();
    }
  }

  void read(Held& held) {
    const int64_t count = stream_.data_.size();
    held.state = state_ = advance_batch(state_, count, stream_.batch_);
    for (int64_t n = 0; n < state_.n_valid; ++n)
      read_example(stream_.data_, gathered_row(state_, stream_.order_, true, n, count),
                   std::span(held.examples).subspan(static_cast<size_t>(n) * example_, example_));
  }

  const BatchStream& stream_;
  StepState state_;           // of the batch read last; the thread's own
  size_t example_;            // bytes
  std::array<Held, 3> held_;  // one taken, two ahead
  std::mutex mutex_;
  std::condition_variable changed_;
  size_t returned_ = 0, taken_ = 0, read_ = 0;  // batches: returned_ <= taken_ <= read_
  bool stop_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

BatchStream::BatchStream(const Dataset& data, PhiloxKey order, int64_t batch)
    : data_(data), order_(order), batch_(batch) {}

BatchStream::~BatchStream() = default;

void BatchStream::seek(const StepState& state) {
  reader_.reset();
  begin_ = state;
}

BatchStream::Batch BatchStream::next() {
  if (!reader_) reader_ = std::make_unique<Reader>(*this);
  return reader_->next();
}

}  // namespace cairn
