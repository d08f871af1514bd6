#pragma once

#include <cstdint>
#include <string>

#include "sluice/envelope.pb.h"
#include "storage/base/position.h"
#include "tests/simulation/dice.h"
#include "tests/simulation/logged_record.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

// A record that a producer has sent.
struct Sent {
  std::string stream;
  Partition partition;
  std::string key;
  std::string value;
};

// What producers and people of the world say, as its dice fall.
class RandomEvents {
 public:
  // Both are borrowed; `wall` is the clock of the ingests.
  RandomEvents(Dice& dice, const Time& wall) : dice_(dice), wall_(wall) {}

  [[nodiscard]] std::string key(const Subject& subject);
  [[nodiscard]] Envelope event(const Subject& subject, const std::string& key);
  // In the place of what waits at this offset: mostly an event that can be folded.
  void edit(const Subject& subject, std::int64_t offset, const std::string& key,
            Control::Edit& edit);
  // Of a record whose bytes have aged out, with those that the log has, or with such as may be what
  // a later release of the program reads from them.
  void give_bytes(const Subject& subject, const LoggedRecord& record, Control::Release& release);

  // A number that comes once, and the one that comes next.
  int take_id() { return next_id_++; }
  [[nodiscard]] int next_id() const { return next_id_; }

 private:
  [[nodiscard]] std::string payload(const Subject& subject, const std::string& key);
  [[nodiscard]] int below(int bound) { return dice_.below(bound); }
  [[nodiscard]] bool chance(int percent) { return dice_.chance(percent); }

  Dice& dice_;
  const Time& wall_;
  int next_id_ = 0;
};

}  // namespace sluice::simulation
