#include "tests/integration/two_generations.h"

#include <algorithm>

#include "shapes/tables.pb.h"
#include "storage/base/check.h"
#include "storage/base/errors.h"
#include "storage/postgres/generations.h"
#include "tests/contract/building.h"
#include "tests/integration/built_shapes.h"
#include "tests/integration/fresh_database.h"

namespace sluice::testing {
namespace {

constexpr std::chrono::milliseconds kTurn{10};

PostgresSinkConfig config_of(const std::string& url, int generation) {
  return {url, "shapes", generation, {shapes::OnlyKey::descriptor()}};
}

std::string owner_of(int generation) { return "owner" + std::to_string(generation); }

void load_nothing(PostgresBuilder& builder, Partition partition, std::string_view owner) {
  LoadBatch batch{};
  batch.partition = partition;
  batch.owner = owner;
  batch.to = Offset{TwoGenerations::kBegin};
  batch.digest = digest_before(TwoGenerations::kBegin);
  builder.load(batch);
}

}  // namespace

TwoGenerations::TwoGenerations() : TwoGenerations(shapes_schema(1), shapes_schema(2)) {}

TwoGenerations::TwoGenerations(const PublishedSchema& first, const PublishedSchema& second)
    : url_(fresh_database()) {
  apply_schema(url_, {&first, 1});
  CHECK(make_generation(url_, second, {}).number == 2, "the first beside the live one");
  PostgresSink live(config_of(url_, 1));
  PostgresSink built(config_of(url_, 2));
  PostgresBuilder builder(built);
  for (int p = 0; p < kPartitions; ++p) {
    live.claim(Partition{p}, owner_of(1));
    flush_ids(live, Partition{p}, owner_of(1), true, 0, kBegin);
    built.claim(Partition{p}, owner_of(2));
    load_nothing(builder, Partition{p}, owner_of(2));
  }
  CHECK(builder.advance() == BuildPhase::following, "all is loaded");
  builder.note_ready(0);
}

std::string TwoGenerations::value(const std::string& sql) const {
  const PgResult result = ask(sql);
  CHECK(result.rows() > 0, "it has a first row");
  return result.null(0, 0) ? "null" : std::string(result.text(0, 0));
}

std::string TwoGenerations::statuses() const {
  return value("SELECT string_agg(status, ' ' ORDER BY generation) FROM sluice.projection");
}

void TwoGenerations::beat() const {
  ask("UPDATE sluice.heartbeat SET seen_at = clock_timestamp(), released = false");
}

GenerationPair TwoGenerations::pair(int live, int other) {
  return {"shapes", live, other, 2, "ready"};
}

Promoted TwoGenerations::promote(std::chrono::milliseconds lock_wait, int live, int other) const {
  return sluice::promote(url_, pair(live, other), {.lock_wait = lock_wait});
}

Promoted TwoGenerations::roll_back() const { return sluice::roll_back(url_, "shapes"); }

void tell_apart(const TwoGenerations& shapes) {
  shapes.ask(
      "INSERT INTO shapes_g1.only_key VALUES ('first');"
      "INSERT INTO shapes_g2.only_key VALUES ('second')");
}

std::string shown(PgConnection& reader) {
  const PgResult rows = reader.run("SELECT string_agg(id, ' ') FROM shapes.only_key");
  return std::string(rows.text(0, 0));
}

std::string shown(const TwoGenerations& shapes) {
  return shapes.value("SELECT string_agg(id, ' ') FROM shapes.only_key");
}

bool waits_for_views(const TwoGenerations& shapes) {
  return shapes.value(
             "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation IN (SELECT oid "
             "FROM pg_class WHERE relkind = 'v')") != "0";
}

std::string world(const TwoGenerations& shapes) { return shapes.statuses() + ": " + shown(shapes); }

Owner::Owner(const std::string& url, int generation)
    : url_(url),
      generation_(generation),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Owner::~Owner() = default;

std::string Owner::failure() const { return failure_; }

void Owner::run(const std::stop_token& stop) {
  PostgresSink sink(config_of(url_, generation_));
  PostgresBuilder builder(sink);
  while (!stop.stop_requested()) {
    try {
      turn(sink, builder);
    } catch (const Fenced&) {
      // Claims again, with what the generation is by then.
    } catch (const Retryable&) {
    } catch (const Error& failure) {
      failure_ = failure.what();
      return;
    }
    std::this_thread::sleep_for(kTurn);
  }
}

void Owner::turn(PostgresSink& sink, PostgresBuilder& builder) {
  const bool live = sink.generation().live;
  const auto live_positions = builder.live_positions();
  for (int p = 0; p < TwoGenerations::kPartitions; ++p) {
    const Partition partition{p};
    const std::int64_t from = sink.claim(partition, owner_of(generation_)).position.value;
    const std::int64_t to = live ? from + 1 : live_positions.at(partition).value;
    if (to <= from) continue;
    std::vector<std::string> ids;
    for (std::int64_t at = from; at < to; ++at) {
      ids.push_back("g" + std::to_string(generation_) + "-" + std::to_string(p) + "-" +
                    std::to_string(at));
    }
    std::ranges::sort(ids);
    flush_ids(sink, partition, owner_of(generation_), live, from, to, ids);
  }
}

}  // namespace sluice::testing
