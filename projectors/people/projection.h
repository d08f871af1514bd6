#pragma once

// What becomes of users, and which conversations are told. Rows: schemas/people/tables.proto.

#include <string>
#include <string_view>

#include "people/events.pb.h"
#include "people/tables.pb.h"
#include "projectors/engine/projection.h"
#include "projectors/engine/tables.h"

namespace sluice {

class People {
 public:
  using Event = people::Event;
  static constexpr int kVersion = 1;
  static constexpr bool kEmits = true;

  explicit People(Tables& tables) : persons_(tables), participations_(tables) {}

  // The fact has met its rules.
  void fold(const Event& event, const Record& record, Effects& effects);

 private:
  void remove(const people::UserDeleted& fact, const Record& record, Effects& effects);
  void merge(const people::UserMerged& fact, const Record& record, Effects& effects);
  void join(const people::UserJoined& fact, const Record& record, Effects& effects);
  void inherit(const people::UserInherited& fact, const Record& record, Effects& effects);
  // The user, who is not gone, takes part in the conversation.
  void remember(const std::string& user_id, const std::string& conversation_id,
                const Record& record);
  // Tells every conversation that the user takes part in what became of them, and forgets it.
  void tell_all(const people::Person& person, Effects& effects);

  Table<people::Person> persons_;
  Table<people::Participation> participations_;
};

}  // namespace sluice
