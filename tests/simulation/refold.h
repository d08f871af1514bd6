#pragma once

// An independent, dumb account of what a partition's view must hold after a prefix of its log:
// maps and sets over the records' own text, sharing no code with the engine.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sluice/envelope.pb.h"
#include "tally/events.pb.h"

namespace sluice::simulation {

struct LoggedRecord {
  std::int64_t offset = 0;
  std::int64_t appended_at = 0;
  std::string key;
  std::string value;
};

class Refold {
 public:
  Refold(int partition, int partitions, std::int64_t horizon_ms)
      : partition_(partition), partitions_(partitions), horizon_ms_(horizon_ms) {}

  void take(const LoggedRecord& record);

  struct Member {
    std::int64_t times = 0;
    std::int64_t last_position = 0;
    friend bool operator==(const Member&, const Member&) = default;
  };
  struct Box {
    std::map<std::string, Member> members;
    std::int64_t changes = 0;
    friend bool operator==(const Box&, const Box&) = default;
  };

  std::map<std::string, Box> boxes;
  std::map<std::int64_t, std::string> rejections;   // reason by offset
  std::map<std::int64_t, std::string> quarantined;  // key by offset

 private:
  void settle(const LoggedRecord& record, const Envelope& envelope);
  void apply(std::int64_t offset, const tally::Event& event);
  void release(const std::string& key);
  [[nodiscard]] bool readable(const LoggedRecord& record, Envelope& envelope,
                              tally::Event& event) const;

  int partition_;
  int partitions_;
  std::int64_t horizon_ms_;
  std::int64_t record_time_ = 0;
  // By key and id: time and payload of every time it counted.
  std::map<std::pair<std::string, std::string>, std::pair<std::int64_t, std::string>> seen_;
  std::map<std::string, std::map<std::int64_t, LoggedRecord>> parked_;
};

}  // namespace sluice::simulation
