#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "ingest/decoder.h"
#include "storage/base/mutex.h"

namespace sluice {

// Decoders keep their buffers, so they are handed round instead of made anew. Any thread.
class DecoderPool {
 public:
  DecoderPool(DecoderLimits limits, StampClock& clock) : limits_(limits), clock_(clock) {}

  // Runs `work(Decoder&)` with a decoder of its own.
  template <class Work>
  auto with(Work work) {
    std::unique_ptr<Decoder> decoder = take();
    auto result = work(*decoder);
    decoder->shrink();
    const MutexLock lock(mutex_);
    idle_.push_back(std::move(decoder));
    return result;
  }

 private:
  std::unique_ptr<Decoder> take() {
    {
      const MutexLock lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<Decoder> decoder = std::move(idle_.back());
        idle_.pop_back();
        return decoder;
      }
    }
    return std::make_unique<Decoder>(limits_, clock_);
  }

  const DecoderLimits limits_;
  StampClock& clock_;
  Mutex mutex_;
  // As many as threads at most.
  std::vector<std::unique_ptr<Decoder>> idle_ SLUICE_GUARDED_BY(mutex_);
};

}  // namespace sluice
