// How long a generation will take, against made-up builds whose end is known.

#include "tools/sluice/generations/estimate.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "tools/sluice/node/fold_pace.h"

namespace sluice {
namespace {

using std::chrono::seconds;

// A build of 4 partitions, folded by turns at a core's speed times its share, which a process tells
// of each 2 seconds as ProcessBeat does.
class Build {
 public:
  static constexpr double kOfACore = 10'000;  // records a second
  static constexpr std::int64_t kRecords = 4'000'000;

  explicit Build(double share) : share_(share) {}

  void set_share(double share) { share_ = share; }
  // The process is another one, which goes on from the state.
  void restart() { pace_ = {}; }
  // More than one partition is folded only by turns of 3 seconds.
  void go_on(int for_seconds) {
    for (int i = 0; i < for_seconds; ++i) {
      if (now_ % 2 == 0) pace_.at(FoldPace::Clock::time_point{seconds{now_}}, folded_, share_);
      folded_[(now_ / 3) % 4] += std::llround(kOfACore * share_);
      ++now_;
    }
  }
  [[nodiscard]] double left() const {
    std::int64_t sum = kRecords;
    for (const auto& [partition, offset] : folded_) sum -= offset;
    return static_cast<double>(sum);
  }
  [[nodiscard]] double seconds_left() const { return left() / (kOfACore * share_); }
  // Of one that has no rows to copy; nullopt where it is too early.
  [[nodiscard]] std::optional<double> estimated() const {
    const auto speed = pace_.events_a_second();
    if (!speed) return std::nullopt;
    const auto eta = eta_seconds({.bulk = true,
                                  .owned = true,
                                  .records_left = left(),
                                  .events_a_second = *speed,
                                  .share = share_});
    return eta ? std::optional<double>(static_cast<double>(*eta)) : std::nullopt;
  }
  [[nodiscard]] bool within_a_quarter() const {
    const auto eta = estimated();
    return eta && std::abs(*eta - seconds_left()) <= seconds_left() / 4;
  }

 private:
  double share_;
  int now_ = 0;
  std::map<std::int32_t, std::int64_t> folded_{{0, 0}, {1, 0}, {2, 0}, {3, 0}};
  FoldPace pace_;
};

}  // namespace

TEST_CASE("a steady build is estimated within a quarter") {
  Build build(0.5);
  build.go_on(3);
  CHECK_FALSE(build.estimated());
  for (build.go_on(57); build.seconds_left() > 60; build.go_on(10)) CHECK(build.within_a_quarter());
}

TEST_CASE("a build that is given another share is estimated by that one, from then on") {
  const auto [before, after] = GENERATE(table<double, double>({{0.1, 1}, {1, 0.1}}));
  Build build(before);
  build.go_on(200);
  build.set_share(after);
  build.go_on(3);  // until the process tells again
  for (int i = 0; i < 20; ++i, build.go_on(3)) CHECK(build.within_a_quarter());
}

TEST_CASE("a build that another process goes on with is estimated by what that one does") {
  Build build(0.5);
  build.go_on(200);
  build.restart();
  build.go_on(2);
  CHECK_FALSE(build.estimated());
  for (build.go_on(58); build.seconds_left() > 60; build.go_on(10)) CHECK(build.within_a_quarter());
}

TEST_CASE("a partition that comes from elsewhere, or is folded anew, is no progress") {
  FoldPace pace;
  const auto at = [&](int second, const std::map<std::int32_t, std::int64_t>& folded) {
    pace.at(FoldPace::Clock::time_point{seconds{second}}, folded, 1);
  };
  at(0, {{0, 0}});
  at(5, {{0, 500}, {1, 1'000'000}});
  CHECK(pace.events_a_second() == 100);
  at(10, {{0, 1000}, {1, 1'000'500}});
  at(15, {{0, 0}, {1, 1'001'000}});
  CHECK(pace.events_a_second() == Approx(2000.0 / 15));
  // What is out of the window counts no more.
  for (int second = 20; second <= 60; second += 5) at(second, {{0, 0}, {1, 1'001'000}});
  CHECK(pace.events_a_second() == 0);
}

TEST_CASE("rows that are to be copied, and what comes meanwhile, take their time") {
  BuildStand stand{.bulk = true,
                   .owned = true,
                   .records_left = 10'000,
                   .events_a_second = 1'500,
                   .live_a_second = 500,
                   .share = 0.5};
  CHECK(eta_seconds(stand) == 10);
  stand.rows_to_load = 1'250'000;
  CHECK(eta_seconds(stand) == 20);
  stand.records_left = 0;
  CHECK(eta_seconds(stand) == 10);
  stand.records_left = 10'000;
  stand.live_a_second = 1'500;
  CHECK_FALSE(eta_seconds(stand));
  stand.owned = false;
  CHECK_FALSE(eta_seconds(stand));
  CHECK(eta_seconds({.records_left = 0}) == 0);
  CHECK(eta_seconds({.records_left = 500, .events_a_second = 100, .live_a_second = 90}) == 5);
}

}  // namespace sluice
