#pragma once

// What the facts of one domain mean, told in maps and sets, sharing no code with the engine or the
// domain's projection.

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/memory/memory_sink.h"

namespace sluice::simulation {

// By table, in the names of Postgres: of each row's key the text of its other columns.
using TextsByTable = std::map<std::string, std::map<std::string, std::string>>;

// The numbers of a row, by the text of its key.
using Rows = std::map<std::string, std::array<std::int64_t, 6>>;

struct LedgerFact {
  std::int64_t offset = 0;
  std::int64_t recorded_at = 0;
  std::string payload;
  bool by_service = false;
  std::int64_t folded_to = 0;
};

// A fact that another domain is to be told.
struct Telling {
  std::string domain;
  std::string key;
  std::string payload;
  std::string source;  // the key under which it came about
};

class Ledger {
 public:
  virtual ~Ledger() = default;

  // What the payload's fact is about; nullopt when it is no fact that meets its rules.
  [[nodiscard]] virtual std::optional<std::string> key_of(const std::string& payload) const = 0;

  // Whether it is a fact, of whatever rules it breaks.
  [[nodiscard]] virtual bool is_a_fact(const std::string& payload) const = 0;

  // Takes the fact in. Returns why it is rejected, and then nothing has changed and nothing is to
  // be told; "" when it is not.
  virtual std::string apply(const LedgerFact& fact, std::vector<Telling>& tellings) = 0;

  // Whether the rules of the domain throw when they are given the fact.
  [[nodiscard]] virtual bool fails(const LedgerFact&) const { return false; }

  // Time has come to here, with the record before `folded_to`: what was to happen by then happens.
  // Returns the keys of which something could not, so that whatever else was to happen of them
  // waits behind it.
  struct Passed {
    std::int64_t record_time = 0;
    std::int64_t folded_to = 0;
  };
  virtual std::vector<std::string> pass(const Passed& to, std::vector<Telling>& tellings) = 0;
  // Whether pass() would return this key.
  [[nodiscard]] virtual bool holds_up(const std::string&, const Passed&) const { return false; }
  // What waits of the key is to happen again, but for the first where that is dropped.
  virtual void resume(const std::string&, bool /*drops_first*/) {}
  // The time of the first happening that is still to come; nullopt: there is none.
  [[nodiscard]] virtual std::optional<std::int64_t> next_due() const = 0;
  [[nodiscard]] virtual std::unique_ptr<Ledger> copy() const = 0;

  // Adds what must be published.
  virtual void add_rows(Rows& rows) const = 0;

  // Everything before this position was taken in.
  virtual void reach(std::int64_t) {}
  // As of which position each key was computed; throws Broken when that is not what this says of
  // that position.
  [[nodiscard]] virtual std::map<std::string, std::int64_t> computed(const MemoryViews&) const {
    return {};
  }
  // What is to be computed as of each key's position in the views, without that.
  [[nodiscard]] virtual TextsByTable computed_rows(const MemoryViews&) const { return {}; }
  // Keys that were computed as of a position at which they were to wait, with that.
  [[nodiscard]] virtual std::map<std::string, std::int64_t> computed_waiting(
      const MemoryViews&) const {
    return {};
  }
  // Keys whose computed rows are of before their last change, and whether they wait: then nothing
  // is to be computed.
  [[nodiscard]] virtual std::map<std::string, bool> behind(const MemoryViews&) const { return {}; }
};

}  // namespace sluice::simulation
