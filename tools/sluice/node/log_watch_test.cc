#include "tools/sluice/node/log_watch.h"

#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "storage/base/errors.h"
#include "storage/memory/memory_log.h"
#include "tests/support/eventually.h"
#include "tools/sluice/node/log_check.h"
#include "tools/sluice/node/refusing_writer.h"
#include "tools/sluice/node/standing_log.h"

namespace sluice {
namespace {

using Kind = LogMismatch::Kind;

class Settings final : public StreamSettings {
 public:
  std::vector<SettingFault> faults(std::string_view) override { return now; }
  void mend(std::string_view, const std::vector<SettingFault>&) override {}

  std::vector<SettingFault> now;
};

// A database that takes connections, and never says a word.
class Silent {
 public:
  Silent() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    void* const any = &address;
    socklen_t size = sizeof address;
    REQUIRE(bind(socket_, static_cast<sockaddr*>(any), size) == 0);
    REQUIRE(listen(socket_, 1) == 0);
    REQUIRE(getsockname(socket_, static_cast<sockaddr*>(any), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Silent() {
    close(client_);
    close(socket_);
  }
  Silent(const Silent&) = delete;
  Silent& operator=(const Silent&) = delete;
  [[nodiscard]] std::string url() const {
    return "postgresql://u@127.0.0.1:" + std::to_string(port_) + "/x";
  }
  void wait_until_asked() { client_ = accept(socket_, nullptr, nullptr); }

 private:
  const int socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  int client_ = -1;
  int port_ = 0;
};

const SettingFault kShort{"retention.ms", "1000", "-1", "records are deleted by age", true};
const SettingFault kSmall{"max.message.bytes", "1000", "2097152", "events are refused", false};

}  // namespace

TEST_CASE("a view fits the log that it was folded from, however far that has grown") {
  Standing standing;
  CHECK_FALSE(standing.found());
  standing.append(5);
  CHECK_FALSE(standing.found());
  standing.log.lose_front(kStream, kFirst, Offset{1});
  CHECK_FALSE(standing.found());
}

TEST_CASE(
    "a view does not fit another log, a stream that is gone, has other partitions, or is new") {
  Standing standing;
  SECTION("another log") {
    standing.log.set_name("other");
    CHECK(standing.found() == Kind::another_log);
  }
  SECTION("gone") {
    standing.log.remove(kStream);
    CHECK(standing.found() == Kind::gone);
    standing.stand.positions.clear();
    CHECK_FALSE(standing.found());
  }
  SECTION("more partitions") {
    standing.log.add_partition(kStream);
    CHECK(standing.found() == Kind::partitions);
  }
  SECTION("made anew, empty") {
    standing.log.recreate(kStream);
    CHECK(standing.found() == Kind::made_anew);
  }
  SECTION("made anew, grown past the view") {
    standing.log.recreate(kStream);
    standing.append(9);
    CHECK(standing.found() == Kind::made_anew);
    // By a version that knew no identities: digests tell, where it is read.
    standing.stand.positions[kFirst].log.reset();
    CHECK_FALSE(standing.found());
  }
}

TEST_CASE("a partition that ends before its view takes no record, and others do") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  const auto writer = refuse_lost_tails(standing.log.writer(), watch);
  watch.start();
  standing.log.lose_tail(kStream, kFirst, 1);
  const auto lost = lost_tails("lockers", standing.stand, look_at(standing.log, kStream));
  REQUIRE(lost.size() == 1);
  CHECK_THAT(lost.at(kFirst),
             Catch::Contains("lockers.events/0 ends at 2") && Catch::Contains("folded up to 3"));
  watch.look_again();
  CHECK(watch.lost_tails(kStream) == lost);
  CHECK(watch.troubles().size() == 1);
  CHECK_FALSE(watch.refuses("lockers"));
  CHECK_FALSE(watch.wrong_log("lockers"));
  std::vector<NewRecord> records{{kFirst, "k", "v"}, {Partition{1}, "k", "v"}};
  writer->try_append(kStream, records);
  REQUIRE(records[0].failure);
  CHECK(records[0].failure->kind == AppendFailure::Kind::not_appended);
  CHECK_FALSE(records[1].failure);
  CHECK(standing.log.range(kStream, kFirst).end == Offset{2});
  CHECK(standing.log.range(kStream, Partition{1}).end == Offset{1});
  CHECK_THROWS_AS(writer->append(kStream, records), Retryable);
  // Digests tell, where it is read.
  standing.append(1);
  CHECK(lost_tails("lockers", standing.stand, look_at(standing.log, kStream)).empty());
  watch.look_again();
  CHECK(watch.lost_tails(kStream).empty());
}

TEST_CASE("while something is wrong it is looked at again within seconds") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  watch.start();
  standing.log.lose_tail(kStream, kFirst, 1);
  watch.look_again();
  REQUIRE(watch.troubles().size() == 1);
  standing.append(1);
  const std::jthread looking([&](const std::stop_token& stop) { watch.run(stop); });
  const auto begun = std::chrono::steady_clock::now();
  CHECK(testing::eventually([&] { return watch.troubles().empty(); }));
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(5));
}

TEST_CASE("what is appended while the log is looked at is not missed in it") {
  Standing standing;
  Overtaken overtaken(standing.log);
  LogWatch watch({{"lockers", 2}}, {.topology = overtaken});
  watch.start();
  overtaken.then = [&](Partition partition) {
    if (partition != kFirst) return;
    standing.append(1);
    static_cast<void>(watch.short_form("lockers", kFirst, Offset{4}));
  };
  watch.look_again();
  CHECK(watch.lost_tails(kStream).empty());
  CHECK(watch.troubles().empty());
}

TEST_CASE("a view is bound to a log that it has folded, or before it has folded any") {
  Standing standing;
  CHECK_FALSE(may_bind(standing.stand, look_at(standing.log, kStream)));
  standing.stand.log.clear();
  CHECK(may_bind(standing.stand, look_at(standing.log, kStream)));
  standing.stand.positions[kFirst].log.reset();
  CHECK_FALSE(may_bind(standing.stand, look_at(standing.log, kStream)));
  standing.stand.positions.clear();
  CHECK(may_bind(standing.stand, look_at(standing.log, kStream)));
}

TEST_CASE("tokens have the log's short form, also of a partition that was empty") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  watch.start();
  CHECK_FALSE(watch.refuses("lockers"));
  CHECK(watch.short_form("lockers", kFirst, Offset{4}) ==
        standing.log.identity(kStream, kFirst)->short_form());
  NewRecord record{Partition{1}, "k", "v"};
  standing.log.writer()->append(kStream, {&record, 1});
  CHECK(watch.short_form("lockers", Partition{1}, Offset{1}) ==
        standing.log.identity(kStream, Partition{1})->short_form());
  // Known by now: the log is not asked again.
  standing.log.set_away(true);
  CHECK(watch.short_form("lockers", Partition{1}, Offset{2}).size() == 6);
  CHECK(watch.short_form("unheard_of", Partition{1}, Offset{2}).empty());
}

TEST_CASE("a database that hangs holds up no token") {
  Standing standing;
  Silent silent;
  StandingViews views(silent.url());
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log, .views = &views});
  const std::jthread look([&] { watch.look_again(); });
  silent.wait_until_asked();
  const auto begun = std::chrono::steady_clock::now();
  CHECK(watch.short_form("lockers", kFirst, Offset{4}).size() == 6);
  CHECK(std::chrono::steady_clock::now() - begun < std::chrono::seconds(2));
}

TEST_CASE("a stream that is made anew under a process is noticed by its first offset") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  watch.start();
  const std::string before = watch.short_form("lockers", kFirst, Offset{4});
  standing.log.recreate(kStream);
  standing.append(1);
  const std::string after = watch.short_form("lockers", kFirst, Offset{1});
  CHECK(after != before);
  CHECK(after == standing.log.identity(kStream, kFirst)->short_form());
  watch.look_again();
  CHECK_THAT(watch.refuses("lockers").value_or(""), Catch::Contains("made anew"));
  CHECK(watch.wrong_log("lockers") == watch.refuses("lockers"));
  // For good, also when it has grown past what was there.
  standing.append(9);
  watch.look_again();
  CHECK(watch.refuses("lockers"));
  CHECK(watch.troubles().size() == 1);
}

TEST_CASE("a stream that is gone is refused until it is back, and nothing is stopped for good") {
  Standing standing;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  watch.start();
  MemoryLog& log = standing.log;
  log.remove(kStream);
  watch.look_again();
  CHECK_THAT(watch.refuses("lockers").value_or(""), Catch::Contains("lockers.events is gone"));
  CHECK_FALSE(watch.wrong_log("lockers"));
}

TEST_CASE("a stream with other partitions than the views takes no events, and says how many") {
  Standing standing;
  LogWatch watch({{"lockers", 4}}, {.topology = standing.log});
  watch.start();
  // No views were asked.
  CHECK_THAT(watch.refuses("lockers").value_or(""),
             Catch::Contains("has 2 partitions") &&
                 Catch::Contains("--partitions says that the views of lockers were made for 4") &&
                 Catch::Contains("start with --partitions 2"));
}

TEST_CASE("settings that lose records are refused at a start, and told while it runs") {
  Standing standing;
  Settings settings;
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log, .settings = &settings});
  SECTION("found at the start") {
    settings.now = {kSmall, kShort};
    watch.start();
    CHECK_THAT(watch.refuses("lockers").value_or(""), Catch::Contains("retention.ms is 1000"));
    settings.now = {kSmall};
    watch.look_again();
    CHECK_FALSE(watch.refuses("lockers"));
    CHECK(watch.troubles().empty());
  }
  SECTION("found later") {
    watch.start();
    settings.now = {kSmall, kShort};
    watch.look_again();
    CHECK_FALSE(watch.refuses("lockers"));
    REQUIRE(watch.troubles().size() == 1);
    CHECK_THAT(watch.troubles().front(), Catch::Contains("retention.ms is 1000"));
  }
}

TEST_CASE("a log that does not answer leaves what was known; at the start it is waited for") {
  Standing standing;
  LogWatch watch({{"lockers", 4}}, {.topology = standing.log});
  watch.start();
  standing.log.set_away(true);
  watch.look_again();
  CHECK(watch.refuses("lockers"));
  LogWatch second({{"lockers", 2}}, {.topology = standing.log});
  CHECK_THROWS_AS(second.start(), Retryable);
}

TEST_CASE("of the domains that a process leaves out those are told whose streams have no records") {
  Standing standing;
  // The third is not there at all.
  standing.log.create("people.events", 2);
  standing.log.create("auction.events", 2);
  LogWatch watch({{"lockers", 2}}, {.topology = standing.log});
  watch.start();
  CHECK_THAT(watch.empty_streams(), Catch::VectorContains(std::string("auction")) &&
                                        Catch::VectorContains(std::string("people")) &&
                                        Catch::VectorContains(std::string("deliberation")) &&
                                        !Catch::VectorContains(std::string("lockers")));
  NewRecord record{kFirst, "k", "bid"};
  standing.log.writer()->append("auction.events", {&record, 1});
  watch.look_again();
  CHECK_THAT(watch.empty_streams(), !Catch::VectorContains(std::string("auction")) &&
                                        Catch::VectorContains(std::string("people")));
}

}  // namespace sluice
