#pragma once

#include <set>

#include "tally/events.pb.h"
#include "tests/simulation/ledger.h"

namespace sluice::simulation {

class TallyLedger final : public Ledger {
 public:
  [[nodiscard]] std::optional<std::string> key_of(const std::string& payload) const override;
  std::string apply(std::int64_t offset, const std::string& payload, bool by_service,
                    std::vector<Telling>& tellings) override;
  void add_rows(Rows& rows) const override;

  static Rows published(const MemoryViews& views);

 private:
  struct Member {
    std::int64_t times = 0;
    std::int64_t last_position = 0;
  };
  struct Box {
    std::map<std::string, Member> members;
    std::int64_t changes = 0;
    std::int64_t expelled = 0;
  };
  std::map<std::string, Box> boxes_;
};

}  // namespace sluice::simulation
