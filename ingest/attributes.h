#pragma once

// A CloudEvent's context attributes, from whichever mode they came.

#include <optional>
#include <string>
#include <string_view>

#include "ingest/fault.h"
#include "sluice/envelope.pb.h"

namespace sluice {

// Those that mean something here; extensions of other names are let through unread.
class Attributes {
 public:
  void clear();

  // False: no attribute that is read here.
  bool set(std::string_view name, std::string_view value);
  [[nodiscard]] static bool known(std::string_view name);

  [[nodiscard]] const std::optional<std::string>& type() const { return type_; }

  // Checks all but the type and writes them into the envelope. `id` is left empty when absent.
  void read_into(Envelope& envelope, Faults& faults) const;

 private:
  std::optional<std::string>* find(std::string_view name);
  void read_actor(Envelope& envelope, Faults& faults) const;

  std::optional<std::string> specversion_;
  std::optional<std::string> id_;
  std::optional<std::string> source_;
  std::optional<std::string> type_;
  std::optional<std::string> time_;
  std::optional<std::string> datacontenttype_;
  std::optional<std::string> actor_;
  std::optional<std::string> actorlevel_;
  std::optional<std::string> actorrole_;
};

}  // namespace sluice
