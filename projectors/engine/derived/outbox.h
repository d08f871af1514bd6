#pragma once

// Facts that a fold sends on to other domains' streams, until they are flushed.

#include <google/protobuf/message.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sluice/envelope.pb.h"
#include "storage/base/position.h"

namespace sluice {

// A record of another stream, as it will be appended.
struct DerivedRecord {
  std::string stream;
  std::string key;
  std::string value;  // an Envelope
};

// One a partition, used by its worker's thread. Each record says where it comes from, so that its
// receiver knows a repeat: the same log must emit the same records in the same order.
class Outbox {
 public:
  Outbox(std::string_view projection, Partition partition);

  // What is added from now on comes from the record at this offset. Closed: it is dropped.
  void begin(Offset position, bool open);
  // The source's record time, which a derived record is stamped with.
  void set_record_time(Time time) { envelope_.set_recorded_at(time.time_since_epoch().count()); }

  // From now on what is added is noted as well, also what is dropped.
  void note_all() { notes_ = true; }
  // Whether rules may add anything at all: a CHECK holds them to what they say.
  void expect(bool emits) { emits_ = emits; }

  // `event` is the receiving domain's Event with a fact; the domain and the key are told from its
  // descriptor.
  void add(const google::protobuf::Message& event);

  // Where it stands, to take back what was added since.
  struct Mark {
    std::size_t records;
    std::size_t bytes;
    std::int32_t ordinal;
    std::size_t noted;
  };
  [[nodiscard]] Mark mark() const { return {records_.size(), bytes_, ordinal_, noted_.size()}; }
  void take_back(const Mark& mark);

  // In the order they were added, those first that are to be appended first.
  [[nodiscard]] std::span<const DerivedRecord> records() const { return records_; }
  [[nodiscard]] std::size_t bytes() const { return bytes_; }

  // The first so many are in their streams for good: they need not be appended again.
  void acknowledge(std::size_t records) { acknowledged_ = records; }
  [[nodiscard]] std::size_t acknowledged() const { return acknowledged_; }

  // What was added since this was last cleared.
  struct Noted {
    std::string stream;
    Digest digest;  // of key and event
  };
  [[nodiscard]] std::span<const Noted> noted() const { return noted_; }
  void clear_noted() { noted_.clear(); }

  void clear();

 private:
  bool open_ = false;
  bool notes_ = false;
  bool emits_ = true;
  std::vector<Noted> noted_;
  std::int32_t ordinal_ = 0;  // of the next record of the same source record
  std::vector<DerivedRecord> records_;
  std::size_t acknowledged_ = 0;
  std::size_t bytes_ = 0;  // about
  Envelope envelope_;      // reused; has what all have in common
};

}  // namespace sluice
