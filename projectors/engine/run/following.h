#pragma once

// What holds of a generation that readers do not see: it is folded beside the live one, loaded when
// it has come close to that, and then follows it. Of the live one itself it says that nothing holds
// it back.

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <stop_token>

#include "projectors/engine/run/projector.h"
#include "storage/base/position.h"
#include "storage/generation_builder.h"

namespace sluice {

struct FollowingPace {
  // How often it is asked where the live one is.
  std::chrono::milliseconds interval{100};
  // So close to the live one's position, in records, bulk folding ends and rows are loaded.
  std::int64_t loads_within = 10'000;
  // The part of a core that building may take on this thread, above 0 and up to 1, and of the
  // database's time in proportion.
  std::function<double()> share = [] { return 1.0; };
};

// Used by the worker's thread.
class Following {
 public:
  using Clock = std::chrono::steady_clock;

  // `builder` outlives this; null: the generation is the live one.
  Following(FollowingPace pace, GenerationBuilder* builder);

  // Whether readers see the generation.
  void set_live(bool live) { live_ = live; }

  // Learns where the live one is, once an interval; after `advances`, now or since it last looked,
  // moves the build on as well.
  // While the view is away what was known before still holds: positions do not go back.
  void look(Clock::time_point now, bool advances);

  // Nothing from here on may be folded; nullopt: everything may.
  [[nodiscard]] std::optional<Offset> limit(Partition partition) const;
  [[nodiscard]] bool at_limit(const Projector& projector) const;
  // Whether its rows are to be loaded now: once it is close to the live one, or where nothing is
  // left to fold. Where the live one never was there is nothing to be close to.
  [[nodiscard]] bool load_due(const Projector& projector) const;
  // A partition that is to be loaded, or that is and has no keys yet, stands still.
  [[nodiscard]] bool may_fold(const Projector& projector) const;
  // Whether it does not follow the live one yet, and is to leave the processor to that.
  [[nodiscard]] bool builds() const { return !live_ && phase_ != BuildPhase::following; }

  // Whether a swap waits for what is due of its computed rows.
  [[nodiscard]] bool hurries() const {
    return !live_ && builder_ != nullptr && builder_->hurries();
  }

  // The part of its time that writing may take.
  [[nodiscard]] double share() const { return pace_.share(); }
  // Sleeps after work, so that working takes no more than the share of the time that is allowed.
  void rest(std::chrono::nanoseconds worked, const std::stop_token& stop) const;

 private:
  const FollowingPace pace_;
  GenerationBuilder* const builder_;
  bool live_ = true;
  std::map<Partition, Offset> live_positions_;
  BuildPhase phase_ = BuildPhase::folding;
  Clock::time_point next_look_;
  bool advance_due_ = false;
};

}  // namespace sluice
