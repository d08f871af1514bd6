// What one fact about an opinion with many voters costs its worker: the fold of that fact, and the
// flush behind it, to RocksDB and Postgres.
//
// usage: bench_moderate [PARTICIPANTS] [OPINIONS]     everybody votes on every opinion

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "deliberation/tables.pb.h"
#include "projectors/deliberation/projection.h"
#include "projectors/engine/run/projector.h"
#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/row_options.h"
#include "storage/memory/memory_log.h"
#include "storage/postgres/postgres_sink.h"
#include "storage/postgres/private_cluster.h"
#include "storage/postgres/schema.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tests/support/deliberation_facts.h"
#include "tests/support/temp_dir.h"
#include "tools/bench/cpu_time.h"

namespace sluice::bench {
namespace {

using std::chrono::duration;
using std::chrono::steady_clock;

constexpr Partition kOnly{0};
constexpr std::size_t kDirtyRows = 30'000;
constexpr std::size_t kChanged = std::size_t{64} << 20;  // bytes

std::string numbered(std::string prefix, int n) { return prefix += std::to_string(n); }

// A conversation "c" and the projector that folds it.
class Worker {
 public:
  Worker(const std::string& url, const std::filesystem::path& state, std::size_t cached)
      : memory_({.changed = kChanged, .at_hand = cached, .orders = std::min(kChanged, cached) / 2},
                1),
        sink_(
            {url, "deliberation", 1, published_rows(*deliberation::Ballot::descriptor()->file())}),
        resources_(std::size_t{128} << 20, 1),
        store_(state, resources_) {
    log_.create(stream_of("deliberation"), 1);
    log_.create(stream_of("people"), 1);
    ProjectorParts parts{store_, sink_, emitter_, probe_, memory_};
    parts.limits.dirty_rows = kDirtyRows;
    projector_.emplace(projection_, sink_.generation(), kOnly, "bench", parts);
    projector_->claim({Offset{0}, Offset{0}});
  }

  void fold(const deliberation::Event& event) {
    Envelope envelope;
    envelope.set_id(std::to_string(position_.value));
    envelope.set_key("c");
    *envelope.mutable_actor() = facts::service();
    envelope.set_recorded_at(now_ += 1);
    envelope.set_payload(event.SerializeAsString());
    const std::string value = envelope.SerializeAsString();
    projector_->fold({kOnly, position_, Time{std::chrono::milliseconds(now_)}, "c", value});
    position_ = position_.next();
    if (projector_->full()) flush();
  }
  void flush() { projector_->flush(position_); }

 private:
  const Projection projection_ = describe<Deliberation>("deliberation");
  MemoryLog log_{[] { return Time{}; }};
  const std::unique_ptr<EventWriter> writer_ = log_.writer();
  Emitter emitter_{*writer_, log_, 1};
  Probe probe_;
  RowMemory memory_;
  PostgresSink sink_;
  RocksResources resources_;
  RocksStateStore store_;
  std::optional<Projector> projector_;
  Offset position_;
  std::int64_t now_ = 1'700'000'000'000;
};

void measure(const char* what, Worker& worker, const deliberation::Event& event) {
  const auto begun = steady_clock::now();
  const auto cpu_begun = thread_cpu_time();
  worker.fold(event);
  const auto folded = steady_clock::now();
  const auto cpu_folded = thread_cpu_time();
  worker.flush();
  const auto flushed = steady_clock::now();
  std::printf("| %-28s | %7.1f | %7.1f | %7.1f | %7.1f |\n", what,
              duration<double, std::milli>(folded - begun).count(),
              duration<double, std::milli>(cpu_folded - cpu_begun).count(),
              duration<double, std::milli>(flushed - folded).count(),
              duration<double, std::milli>(thread_cpu_time() - cpu_folded).count());
}

std::string database(const PrivateCluster& cluster, const std::string& name) {
  PgConnection(cluster.url()).run("CREATE DATABASE " + name);
  std::string url = cluster.url().substr(0, cluster.url().rfind('/') + 1) + name;
  const PublishedSchema schema{.domain = "deliberation",
                               .tables = deliberation::Ballot::descriptor()->file(),
                               .version = Deliberation::kVersion,
                               .partitions = 1};
  apply_schema(url, {&schema, 1});
  return url;
}

void run(Worker& worker, int participants, int opinions) {
  deliberation::Event created = facts::conversation("c", "olga");
  created.mutable_conversation_created()->set_indexed(true);
  worker.fold(created);
  for (int o = 0; o < opinions; ++o) worker.fold(facts::opinion("c", numbered("o", o), "ann"));
  // By participant, as they come.
  for (int p = 0; p < participants; ++p) {
    for (int o = 0; o < opinions; ++o) {
      worker.fold(facts::vote("c", numbered("o", o), numbered("participant-", p),
                              deliberation::Choice(1 + (p + o) % 3)));
    }
  }
  worker.flush();
  measure("a vote", worker, facts::vote("c", "o1", "participant-1", deliberation::CHOICE_PASS));
  measure("opinion.moderated hide", worker,
          facts::moderated("c", "o1", deliberation::MODERATION_HIDE));
  measure("opinion.moderated none", worker,
          facts::moderated("c", "o1", deliberation::MODERATION_NONE));
  measure("opinion.deleted", worker, facts::opinion_deleted("c", "o1"));
  measure("conversation.deleted", worker, facts::deleted("c"));
}

}  // namespace
}  // namespace sluice::bench

int main(int argc, char** argv) {
  using namespace sluice;
  const int participants = argc > 1 ? std::atoi(argv[1]) : 20'000;
  const int opinions = argc > 2 ? std::atoi(argv[2]) : 50;
  const testing::TempDir folder;
  const PrivateCluster cluster(folder.path() / "postgres");
  for (const std::size_t cached : {std::size_t{512} << 20, std::size_t{1} << 20}) {
    const std::string name = cached > std::size_t{1} << 20 ? "warm" : "cold";
    std::printf("\n%d participants, %d opinions, %s: ballots %s\n\n", participants, opinions,
                name.c_str(), name == "warm" ? "in memory" : "in RocksDB");
    std::printf("| %-28s | fold ms | CPU     | flush ms | CPU    |\n|---|---|---|---|---|\n",
                "fact");
    bench::Worker worker(bench::database(cluster, name), folder.path() / name, cached);
    bench::run(worker, participants, opinions);
  }
  return EXIT_SUCCESS;
}
