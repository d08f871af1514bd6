#pragma once

#include "roster/events.pb.h"
#include "tests/simulation/ledger.h"

namespace sluice::simulation {

class RosterLedger final : public Ledger {
 public:
  [[nodiscard]] std::optional<std::string> key_of(const std::string& payload) const override;
  std::string apply(std::int64_t offset, const std::string& payload, bool by_service,
                    std::vector<Telling>& tellings) override;
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
