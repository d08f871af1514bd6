#pragma once

#include "projectors/engine/projection.h"
#include "roster/events.pb.h"
#include "roster/tables.pb.h"

namespace sluice {

class Roster {
 public:
  using Event = roster::Event;
  static constexpr int kVersion = 1;
  static constexpr bool kEmits = true;

  explicit Roster(Tables& tables) : persons_(tables), presences_(tables) {}

  void fold(const Event& event, const Record& record, Effects& effects);

 private:
  void ban(const std::string& member, Effects& effects);

  Table<roster::Person> persons_;
  Table<roster::Presence> presences_;
};

}  // namespace sluice
