#pragma once

#include "roster/events.pb.h"
#include "tests/simulation/ledger.h"

namespace sluice::simulation {

class RosterLedger final : public Ledger {
 public:
  [[nodiscard]] std::optional<std::string> key_of(const std::string& payload) const override;
  [[nodiscard]] bool is_a_fact(const std::string& payload) const override;
  std::string apply(const LedgerFact& fact, std::vector<Telling>& tellings) override;
  std::vector<std::string> pass(const Passed&, std::vector<Telling>&) override { return {}; }
  [[nodiscard]] std::optional<std::int64_t> next_due() const override { return std::nullopt; }
  [[nodiscard]] std::unique_ptr<Ledger> copy() const override {
    return std::make_unique<RosterLedger>(*this);
  }
  void add_rows(Rows& rows) const override;

  static Rows published(const MemoryViews& views);

 private:
  struct Person {
    bool banned = false;
    std::int64_t entries = 0;
    std::int64_t exits = 0;
    std::map<std::string, std::int64_t> since;  // by box
  };
  std::map<std::string, Person> persons_;
};

}  // namespace sluice::simulation
