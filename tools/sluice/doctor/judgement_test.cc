// What the doctor makes of facts that one machine cannot be brought to give.

#include <catch2/catch.hpp>

#include "storage/postgres/url.h"
#include "tools/sluice/doctor/bounds.h"
#include "tools/sluice/doctor/log_findings.h"
#include "tools/sluice/doctor/way_out.h"

namespace sluice {
namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20;

Diagnosis of_replicas(const std::vector<ReplicasSeen>& seen) {
  Diagnosis diagnosis;
  judge_replicas("tally.events", seen, "broker:9092", diagnosis);
  return diagnosis;
}

}  // namespace

TEST_CASE("copies that are all in sync are no finding, however many there are to be") {
  CHECK(of_replicas({}).findings.empty());
  CHECK(of_replicas({{Partition{0}, true, 1, 1}, {Partition{1}, true, 3, 3}}).findings.empty());
}

TEST_CASE("partitions with copies that lack something, or without a leader, are named") {
  const Diagnosis found = of_replicas(
      {{Partition{0}, true, 3, 3}, {Partition{1}, true, 3, 2}, {Partition{2}, false, 3, 0}});
  REQUIRE(found.findings.size() == 1);
  const Finding& isr = found.findings[0];
  CHECK(isr.code == "isr");
  CHECK_THAT(isr.what, Catch::Contains("2 of 3 partitions") && Catch::Contains("1 no leader"));
  CHECK(isr.evidence == R"({"topic":"tally.events","partitions":[)"
                        R"({"partition":1,"served":true,"replicas":3,"in_sync":2},)"
                        R"({"partition":2,"served":false,"replicas":3,"in_sync":0}]})");
  CHECK(isr.next ==
        "kafka-topics.sh --bootstrap-server 'broker:9092' --describe "
        "--under-replicated-partitions");
}

TEST_CASE("of a topic's settings those that delete are found") {
  Diagnosis diagnosis;
  judge_settings("tally.events",
                 {{"retention.ms", "1000", "-1", "records are deleted by age", true},
                  {"max.message.bytes", "1", "2097152", "events may be larger", false}},
                 "b:1", diagnosis);
  REQUIRE(diagnosis.findings.size() == 1);
  CHECK(diagnosis.findings[0].code == "retention");
  CHECK(diagnosis.findings[0].next == "sluice topics apply --brokers 'b:1'");
}

TEST_CASE("a disk is nearly full by its size, and by what is left") {
  CHECK_FALSE(nearly_full(200 * kMiB, 300 * kMiB));
  CHECK(nearly_full(10 * kMiB, 300 * kMiB));
  CHECK(nearly_full(4000 * kMiB, 100'000 * kMiB));
  CHECK_FALSE(nearly_full(6000 * kMiB, 100'000 * kMiB));
  // A large disk has room for long.
  CHECK_FALSE(nearly_full(20'000 * kMiB, 1'000'000 * kMiB));
}

TEST_CASE("whatever a word has in it, a shell takes it as one") {
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's; rm -rf $HOME") == R"('it'\''s; rm -rf $HOME')");
}

TEST_CASE("of a connection string all is repeated but its passwords") {
  const auto same = [](const char* url) { return without_password(url) == url; };
  CHECK(same("postgresql://u@h:5432/d?sslmode=require"));
  CHECK(same("postgresql:///d?host=/run/a:b@c"));
  CHECK(same("host=h dbname=d user=u"));
  CHECK(without_password("postgresql://u:p%40w@h:5432,g/d") == "postgresql://u@h:5432,g/d");
  CHECK(without_password("postgres://u:p:w@h") == "postgres://u@h");
  CHECK(without_password("postgresql://u@h/d?password=p&user=u&sslpassword=q") ==
        "postgresql://u@h/d?user=u");
  CHECK(without_password("host=h password='it\\'s p' dbname=d") == "host=h dbname=d");
  CHECK(without_password("password = p host=h") == " host=h");
}

TEST_CASE("what came to pass first is said first") {
  Diagnosis diagnosis;
  for (const char* code : {"lock_holder", "no_owner", "disk", "no_owner"}) {
    diagnosis.findings.push_back({code, std::to_string(diagnosis.findings.size()), "{}", {}, "x"});
  }
  diagnosis.put_first("no_owner");
  std::string order;
  for (const Finding& each : diagnosis.findings) order += each.what;
  CHECK(order == "1302");
}

TEST_CASE("a diagnosis is said as JSON, null where it is not known since when") {
  Diagnosis diagnosis;
  diagnosis.findings.push_back({"disk", "It is \"full\".", R"({"path":"/d"})", std::nullopt, "df"});
  diagnosis.findings.push_back({"twin", "Two.", "{}", "2026-01-31T12:00:00.000Z", "kill 1"});
  diagnosis.skipped.push_back({"isr", "no --brokers"});
  CHECK(diagnosis.json() ==
        R"({"findings":[{"code":"disk","what":"It is \"full\".","evidence":{"path":"/d"},)"
        R"("since":null,"next":"df"},{"code":"twin","what":"Two.","evidence":{},)"
        R"("since":"2026-01-31T12:00:00.000Z","next":"kill 1"}],)"
        R"("skipped":[{"code":"isr","why":"no --brokers"}]})");
  CHECK_THAT(diagnosis.text(), Catch::Contains("disk: It is \"full\".\n") &&
                                   Catch::Contains("  next: kill 1\n") &&
                                   Catch::Contains("not asked: isr: no --brokers\n"));
  CHECK(Diagnosis{}.text() == "nothing found\n");
}

TEST_CASE("why a partition stands still leads on to a command with its values") {
  const Place embedded{"'p'", " --data '/d'", false};
  const Place kafka{"'p'", " --brokers 'b:1'", false};
  const auto of = [](const std::string& trouble) { return StandingStill{trouble, "host", "4711"}; };
  CHECK(way_out(of("the log ends at 8: it lost records. Restore it, or let `sluice schema apply "
                   "--refold people` fold anew what there is (docs/start_checks.md)"),
                embedded) ==
        "sluice schema apply --refold people --postgres 'p'  # where what is lost cannot be "
        "restored: docs/start_checks.md");
  CHECK(way_out(of("the state is damaged: bad block. It lies in /d/s/2. Stop this process, delete "
                   "that folder and start it again: then ..."),
                embedded) ==
        "kill 4711  # on host; once it has ended: rm -r '/d/s/2', and start it again");
  CHECK(
      way_out(of("IO error: the state in /d/s/2 cannot be opened. Give this process what it lacks"),
              embedded) ==
      "ls -ld '/d/s/2'  # on host; give the process what it lacks, or: rm -r '/d/s/2'");
  CHECK(way_out(of("there is no x.events: `sluice up` makes it at its start, on Kafka `sluice "
                   "topics apply` does too"),
                kafka) == "sluice topics apply --brokers 'b:1'");
  CHECK(way_out(of("log: no answer for 4 s"), kafka) ==
        "sluice topics list --brokers 'b:1'  # does a broker answer? Else start it");
  CHECK(way_out(of("flushing waits for a lock of process 9"), kafka) ==
        "sluice doctor --older 0s --postgres 'p'  # says who has the lock");
  CHECK(way_out(of(""), embedded) ==
        "ps -o pid,stat,etime,args -p 4711  # on host; its log says more");
  CHECK(way_out({}, embedded) == "sluice status --postgres 'p'");
}

}  // namespace sluice
