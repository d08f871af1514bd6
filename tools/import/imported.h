#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "tools/sluice/client/producer.h"

namespace sluice {

// What an importer has made of what it was given: all events of one thing, that has an id.
struct Imported {
  std::string domain;
  std::string id_name;  // "conversation_id"
  std::string id;
  std::uint64_t count = 0;  // of the events
  // Calls `post` with each in its order, and where it comes from.
  std::function<void(const std::function<void(const std::string& event, std::string origin)>& post)>
      events;
};

// Posts them, shows how far it has come, and prints what came of it:
// {"conversation_id":"c","events":n,"token":"..."}. Exit::found when ingest finds fault with one.
[[nodiscard]] Exit post_imported(const Imported& imported, const ProducerOptions& options,
                                 const OutputForm& output);

}  // namespace sluice
