#pragma once

// The writer by which a worker sends derived records and ticks: it fails as a log can, dies at a
// named step, and knows what its worker must not send.

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "storage/base/errors.h"
#include "storage/event_log.h"
#include "tests/simulation/failpoint.h"

namespace sluice::simulation {

constexpr int kPartitions = 2;

// Records that a broker had received of an append that was given up, and has not carried out yet.
struct LateAppend {
  struct Record {
    Partition partition;
    std::string key;
    std::string value;
  };
  std::string stream;
  std::vector<Record> records;
};

void carry_out(const LateAppend& late, EventWriter& writer);

class FaultyWriter final : public EventWriter {
 public:
  // `ticks` is told of every tick before it is appended.
  using Ticks = std::function<void(Partition, Time recorded_at)>;
  FaultyWriter(std::unique_ptr<EventWriter> writer, Failpoint& failpoint,
               std::vector<LateAppend>& late, Ticks ticks)
      : writer_(std::move(writer)), failpoint_(failpoint), late_(late), ticks_(std::move(ticks)) {}

  // The next append takes so many of each partition's records and throws Retryable; `late`: it
  // takes them when they are carried out.
  void fail_next(std::array<std::size_t, kPartitions> kept, bool late) { fault_ = {kept, late}; }

  // The worker has taken the partition of its own stream at this position of the view: what comes
  // before has been sent.
  void taken(Partition partition, Offset view) { taken_[partition] = view; }

  std::size_t largest_record(std::string_view stream) override {
    return writer_->largest_record(stream);
  }

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) override;

 private:
  struct Fault {
    std::array<std::size_t, kPartitions> kept;
    bool late;
  };

  void require_new(std::span<const NewRecord> records) const;
  void fail(std::string_view stream, std::span<const NewRecord> records, const Fault& fault);

  const std::unique_ptr<EventWriter> writer_;
  Failpoint& failpoint_;
  std::vector<LateAppend>& late_;
  const Ticks ticks_;
  std::optional<Fault> fault_;
  std::map<Partition, Offset> taken_;
};

}  // namespace sluice::simulation
