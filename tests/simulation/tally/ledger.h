#pragma once

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tally/events.pb.h"
#include "tests/simulation/ledger.h"
#include "tests/simulation/tally/rules.h"

namespace sluice::simulation {

class TallyLedger final : public Ledger {
 public:
  explicit TallyLedger(TallyRules rules) : rules_(rules) {}

  [[nodiscard]] std::optional<std::string> key_of(const std::string& payload) const override;
  [[nodiscard]] bool is_a_fact(const std::string& payload) const override;
  std::string apply(const LedgerFact& fact, std::vector<Telling>& tellings) override;
  [[nodiscard]] bool fails(const LedgerFact& fact) const override;
  std::vector<std::string> pass(const Passed& to, std::vector<Telling>& tellings) override;
  [[nodiscard]] bool holds_up(const std::string& box, const Passed& to) const override;
  void resume(const std::string& box, bool drops_first) override;
  [[nodiscard]] std::optional<std::int64_t> next_due() const override;
  [[nodiscard]] std::unique_ptr<Ledger> copy() const override {
    return std::make_unique<TallyLedger>(*this);
  }
  void add_rows(Rows& rows) const override;
  void reach(std::int64_t position) override;
  [[nodiscard]] std::map<std::string, std::int64_t> computed(
      const MemoryViews& views) const override;
  [[nodiscard]] TextsByTable computed_rows(const MemoryViews& views) const override;
  [[nodiscard]] std::map<std::string, std::int64_t> computed_waiting(
      const MemoryViews& views) const override;
  [[nodiscard]] std::map<std::string, bool> behind(const MemoryViews& views) const override;

  static Rows published(const MemoryViews& views);

 private:
  struct Member {
    std::int64_t times = 0;
    std::int64_t last_position = 0;
    std::int64_t stay_ms = 0;
  };
  struct Box {
    std::map<std::string, Member> members;
    std::int64_t changes = 0;
    std::int64_t expelled = 0;
    std::int64_t trace = 0;
  };
  // What is to be computed of a box: members and times, and the names.
  struct Summary {
    std::int64_t members = 0;
    std::int64_t times = 0;
    std::vector<std::string> names;
    bool operator==(const Summary&) const = default;
  };
  // What is to happen in a box: airing has no member.
  struct Plan {
    std::int64_t due = 0;
    std::string box;
    std::string member;
    int kind = 0;  // warned, leaves, aired
    bool waits = false;
  };
  // Of those that wait, or of those that do not; the end: there is none.
  std::vector<Plan>::iterator first_plan(bool waits, const std::string& box = {});
  [[nodiscard]] bool fails(const Plan& plan, std::int64_t folded_to) const;
  void happen(const Plan& plan, std::vector<Telling>& tellings);
  void forget_plans(const std::string& box, const std::string& member);
  void trace(const std::string& box, int what);

  const TallyRules rules_;
  std::vector<Plan> plans_;     // in no order
  std::set<std::string> held_;  // boxes of which something could not happen
  std::map<std::string, Box> boxes_;
  std::set<std::string> changed_;  // since the last reach()
  std::map<std::string, std::map<std::int64_t, Summary>>
      history_;  // by the position that made it so
};

}  // namespace sluice::simulation
