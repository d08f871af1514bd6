#pragma once

// A CloudEvent's context attributes, from whichever mode they came.

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "ingest/fault.h"
#include "sluice/envelope.pb.h"

namespace sluice {

// Those that mean something here; extensions of other names are let through unread. Keeps its
// memory from event to event.
class Attributes {
 public:
  enum Name {
    kSpecversion,
    kId,
    kSource,
    kType,
    kTime,
    kDatacontenttype,
    kActor,
    kActorlevel,
    kActorrole,
    kUnknown,
  };
  [[nodiscard]] static Name named(std::string_view name);

  // What is wrong with an extension's name that is read as a misspelling of one of these, or asks
  // for what no producer sets; nullopt: an extension, let through.
  [[nodiscard]] static std::optional<std::string> misspelled(std::string_view extension);

  void clear();
  void set(Name name, std::string_view value);

  // Null when absent.
  [[nodiscard]] const std::string* find(Name name) const;

  // Checks all but the type and writes them into the envelope. `id` is left empty when absent.
  void read_into(Envelope& envelope, Faults& faults) const;

 private:
  void read_actor(Envelope& envelope, Faults& faults) const;

  std::array<std::string, kUnknown> texts_;
  std::array<bool, kUnknown> present_{};
};

}  // namespace sluice
