// What becomes of posts whose records the log does not take, and of the posts beside them.

#include <catch2/catch.hpp>
#include <future>
#include <string>
#include <vector>

#include "storage/base/partitioner.h"
#include "tests/contract/held_writer.h"
#include "tests/contract/served_ingest.h"

namespace sluice::testing {
namespace {

using namespace std::chrono_literals;
using http::status_of_reply;

constexpr int kPartitions = 4;
constexpr std::string_view kStream = "deliberation.events";

std::string opinion(std::string_view id, const std::string& conversation, std::size_t size) {
  return R"({"specversion":"1.0","type":"opinion.created","source":"/t","id":")" + std::string(id) +
         R"(","data":{"conversation_id":")" + conversation +
         R"(","opinion_id":"o","author_id":"a","body":")" + std::string(size, 'x') + R"("}})";
}

// A conversation whose events come into this partition.
std::string conversation_in(int partition) {
  for (int i = 0;; ++i) {
    const std::string id = "c" + std::to_string(i);
    if (partition_of(id, kPartitions).value == partition) return id;
  }
}

std::string post_to(const ServedIngest& served, int partition) {
  return served.post(opinion("e" + std::to_string(partition), conversation_in(partition), 10));
}

int with_all_others(const ServedIngest& served, int but) {
  int accepted = 0;
  for (int p = 0; p < kPartitions; ++p) {
    if (p != but && status_of_reply(post_to(served, p)) == 202) ++accepted;
  }
  return accepted;
}

}  // namespace

TEST_CASE("an event larger than its stream takes is 413 with its index, size and the limit") {
  ServedIngest served;
  served.log.set_record_limit(1024, true);  // of which a release needs some
  const std::string large = opinion("large", "c", 970);
  const std::string batch =
      "[" + opinion("a", "c", 10) + "," + large + "," + opinion("b", "c", 10) + "]";
  const std::string reply = served.post(batch, kBatched);
  CAPTURE(reply);
  CHECK(status_of_reply(reply) == 413);
  CHECK(field_of(reply, "Content-Type") == "application/problem+json");
  CHECK(has(reply, "nothing was appended: event 1 takes 10"));
  CHECK(has(reply, R"("error_count":1,"errors":[{"index":1,)"));
  CHECK(has(reply, R"("size":10)"));
  CHECK(has(reply, R"("limit":896})"));
  CHECK(served.logged().empty());
  CHECK(status_of_reply(served.post(opinion("a", "c", 700))) == 202);
}

TEST_CASE("a log that says only by refusing what it takes: 413 for one event, 503 for several") {
  ServedIngest served;
  served.log.set_record_limit(1000, false);
  const std::string large = opinion("large", "c", 990);
  CHECK(status_of_reply(served.post(large)) == 413);
  CHECK(served.logged().empty());
  // Others of the request are in the log: a retry under these ids counts once.
  const std::string reply = served.post("[" + opinion("a", "c", 10) + "," + large + "]", kBatched);
  CHECK(status_of_reply(reply) == 503);
  CHECK(has(reply, R"("ids":["a","large"])"));
  CHECK(served.logged().size() == 1);
}

TEST_CASE("posts that wait for the same append are not refused with one that is too large") {
  HeldWriter writer(log_of_its_own().writer());
  const bool told = GENERATE(true, false);
  log_of_its_own().set_record_limit(1000, told);
  ServedIngest served({}, &writer);
  writer.hold();
  auto first = std::async(std::launch::async, [&] { return post_to(served, 0); });
  writer.wait_for_append();
  std::vector<std::future<std::string>> small;
  for (int i = 0; i < 8; ++i) {
    small.push_back(std::async(std::launch::async, [&, i] { return post_to(served, i % 4); }));
  }
  auto large =
      std::async(std::launch::async, [&] { return served.post(opinion("large", "c", 990)); });
  while (!has(served.send("GET /metrics"), "sluice_ingest_waiting_requests 9\n")) {
  }
  writer.release();
  CHECK(status_of_reply(large.get()) == 413);
  CHECK(status_of_reply(first.get()) == 202);
  for (auto& reply : small) CHECK(status_of_reply(reply.get()) == 202);
  log_of_its_own().set_record_limit(kNoRecordLimit, true);
}

TEST_CASE("a partition that takes nothing refuses its own posts and no others") {
  ServedIngest served;
  served.log.set_leaderless(kStream, Partition{1}, true);
  const std::string reply = post_to(served, 1);
  CHECK(status_of_reply(reply) == 503);
  CHECK(field_of(reply, "Retry-After") == "1");
  CHECK(has(reply, "partition 1"));
  CHECK_FALSE(has(reply, "\"ids\""));
  CHECK(with_all_others(served, 1) == 3);
  // A request of both: what the other partition took is in the log.
  const std::string both = served.post(
      "[" + opinion("a", conversation_in(0), 1) + "," + opinion("b", conversation_in(1), 1) + "]",
      kBatched);
  CHECK(status_of_reply(both) == 503);
  CHECK(has(both, R"("ids":["a","b"])"));
}

TEST_CASE("who waits for a partition that takes nothing holds up nobody, and is answered at last") {
  MemoryLog log([] { return Time{}; });
  log.create(kStream, kPartitions);
  const auto writer = log.writer();
  HeldWriter patient(log.writer());
  ServedIngest served({}, writer.get(), &patient);
  log.set_leaderless(kStream, Partition{1}, true);
  patient.hold();
  auto stuck = std::async(std::launch::async, [&] { return post_to(served, 1); });
  patient.wait_for_append();
  auto both = std::async(std::launch::async, [&] {
    return served.post(
        "[" + opinion("a", conversation_in(0), 1) + "," + opinion("b", conversation_in(1), 1) + "]",
        kBatched);
  });
  CHECK(with_all_others(served, 1) == 3);
  CHECK(stuck.wait_for(0s) == std::future_status::timeout);
  CHECK(both.wait_for(0s) == std::future_status::timeout);
  log.set_leaderless(kStream, Partition{1}, false);
  patient.release();
  CHECK(status_of_reply(stuck.get()) == 202);
  const std::string reply = both.get();
  CHECK(status_of_reply(reply) == 202);
  CHECK(has(reply, "deliberation:0@"));
  CHECK(has(reply, "deliberation:1@2"));
  // It moves again: the patient one is not asked.
  patient.hold();
  CHECK(status_of_reply(post_to(served, 1)) == 202);
  patient.release();
}

TEST_CASE("what waits for a partition that takes nothing leaves room for others") {
  MemoryLog log([] { return Time{}; });
  log.create(kStream, kPartitions);
  const auto writer = log.writer();
  HeldWriter patient(log.writer());
  IngestConfig config;
  config.appender.waiting_requests = 4;
  ServedIngest served(config, writer.get(), &patient);
  log.set_leaderless(kStream, Partition{1}, true);
  patient.hold();
  auto stuck = std::async(std::launch::async, [&] { return post_to(served, 1); });
  patient.wait_for_append();
  // One waits behind it, the others are refused at once; which one it is does not matter.
  std::vector<std::future<std::string>> more;
  for (int i = 0; i < 4; ++i) {
    more.push_back(std::async(std::launch::async, [&] { return post_to(served, 1); }));
  }
  int refused = 0;
  while (refused < 3) {
    for (auto& reply : more) {
      if (!reply.valid() || reply.wait_for(1ms) != std::future_status::ready) continue;
      CHECK(status_of_reply(reply.get()) == 503);
      ++refused;
    }
  }
  CHECK(with_all_others(served, 1) == 3);
  patient.release();
  CHECK(status_of_reply(stuck.get()) == 503);
  for (auto& reply : more) {
    if (reply.valid()) CHECK(status_of_reply(reply.get()) == 503);
  }
}

TEST_CASE("a domain that is refused is 503 with its reason, before the body is looked at") {
  ServedIngest served;
  served.refused = "deliberation.events was made anew";
  const std::string reply = served.post("not JSON");
  CHECK(status_of_reply(reply) == 503);
  CHECK(field_of(reply, "Retry-After") == "1");
  CHECK(has(reply, "deliberation.events was made anew"));
  served.refused.reset();
  CHECK(status_of_reply(served.post(vote())) == 202);
}

}  // namespace sluice::testing
