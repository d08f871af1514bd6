// One key alone: what the index in each state says of the log below the state's position, and that
// the key's rows follow from that.

#include <algorithm>
#include <set>

#include "projectors/engine/fold/key_refold.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "projectors/engine/tables/stored_rows.h"
#include "schemas/descriptors/belonging.h"
#include "sluice/state.pb.h"
#include "storage/base/partitioner.h"
#include "tests/simulation/logged_record.h"
#include "tests/simulation/tally/projection.h"
#include "tests/simulation/world.h"

namespace sluice::simulation {
namespace {

using std::chrono::milliseconds;

using Texts = std::set<std::string>;

LogRecord log_record(const LoggedRecord& logged, Partition partition) {
  return {partition,  Offset{logged.offset}, Time{milliseconds(logged.appended_at)},
          logged.key, logged.value,          logged.stamped_by_log};
}

// Of records that belong to the partition: others concern no key of it.
Texts keys_of(const std::vector<LoggedRecord>& log, Partition partition) {
  Texts keys;
  for (const LoggedRecord& record : log) {
    if (!record.key.empty() && partition_of(record.key, kPartitions) == partition) {
      keys.insert(record.key);
    }
  }
  return keys;
}

// A fold of a whole partition up to a position, in one batch, with an index of its own.
class WholePartition {
 public:
  WholePartition(const Projection& projection, Generation generation, Partition partition)
      : fold_(projection, indexed(generation), partition, store_, {}) {
    fold_.load();
  }

  void fold(const std::vector<LoggedRecord>& log, std::int64_t position) {
    for (std::size_t at = 0; at < log.size() && log[at].offset < position;) {
      if (fold_.fold(log_record(log[at], fold_.tables().partition()), Emits::dropped)) {
        ++at;
      } else {
        at = 0;  // nothing was ever written
      }
    }
    rejections_ = fold_.outcomes().rejections;
    StateBatch batch;
    fold_.write(batch);
    store_.write(batch);
    fold_.written();
  }

  [[nodiscard]] PartitionFold& whole() { return fold_; }
  [[nodiscard]] MemoryStateStore& store() { return store_; }
  [[nodiscard]] Postings postings(const std::string& key) {
    return postings_of([this](auto from, auto to) { return store_.scan(from, to); }, key,
                       fold_.position());
  }
  [[nodiscard]] Texts rejections(const std::string& key) const {
    Texts all;
    for (const Rejection& r : rejections_) {
      if (r.key == key) all.insert(std::to_string(r.position.value) + r.event_id + r.reason);
    }
    return all;
  }

 private:
  static Generation indexed(Generation generation) {
    generation.key_index = true;
    return generation;
  }

  MemoryState state_;
  MemoryStateStore store_{state_};
  PartitionFold fold_;
  std::vector<Rejection> rejections_;
};

// Whatever the store has of the key: rows, timers and what waits, but for how the partition numbers
// timers that wait.
Texts kept_of(StateStore& store, PartitionFold& fold, const std::string& key) {
  Texts all;
  for (const auto& table : fold.tables().all()) {
    const Belonging belonging(table->row_type());
    if (belonging.per_partition()) continue;
    StoredRows rows(store, table->prototype());
    while (const auto* row = rows.next()) {
      const auto* timer = dynamic_cast<const TimerRow*>(row);
      const auto* parked = dynamic_cast<const ParkedRecord*>(row);
      const bool own = timer != nullptr          ? timer->record_key() == key
                       : parked != nullptr       ? parked->record_key() == key
                       : belonging.engines_own() ? false
                                                 : belonging.key_of(*row) == key;
      if (own) all.insert(table->row_type().name() + " {" + row->ShortDebugString() + "}");
    }
  }
  return all;
}

std::string text(const Texts& texts) {
  std::string all;
  for (const std::string& each : texts) all += "\n  " + each;
  return all;
}

// By the records' own text alone, so far as that decides it.
void require_scan(const std::vector<LoggedRecord>& log, const std::string& key,
                  const Postings& postings, const std::string& where) {
  auto posting = postings.begin();
  const auto skip = [&] {
    while (posting != postings.end() && posting->kind == Posting::Kind::fired) ++posting;
  };
  skip();
  for (const LoggedRecord& record : log) {
    // A discard stands under the key of what it names.
    Envelope envelope;
    const bool decides = envelope.ParseFromString(record.value) && envelope.has_control();
    const bool named = posting != postings.end() && posting->offset.value == record.offset;
    if (record.key != key && !(decides && named)) continue;
    if (record.key == key && decides && envelope.control().has_discard() && !named) continue;
    if (!named) {
      throw Broken("the index of " + key + " lacks the record at " + std::to_string(record.offset) +
                   where);
    }
    ++posting;
    skip();
  }
  if (posting != postings.end()) {
    throw Broken("the index of " + key + " has too much, at " +
                 std::to_string(posting->offset.value) + where);
  }
}

}  // namespace

// The index in a state is that of a fold in one batch, whatever was lost, merged and folded again.
void World::check_indexes() {
  for (const Node& node : nodes_) {
    for (const Seat& seat : node.seats) {
      for (const auto& [partition, disk] : seat.disks) {
        const auto stored = disk.rows().find("head");
        StateCheckpoint head;
        if (stored != disk.rows().end()) head.ParseFromString(stored->second);
        if (head.position() == 0 || !head.key_index()) continue;
        Subject& subject = *seat.subject;
        const Generation generation = subject.views().generation();
        if (head.generation_id() != generation.unique_id) continue;
        std::vector<LoggedRecord> log = subject.log_of(partition);
        std::erase_if(log, [&](const auto& r) { return r.offset >= head.position(); });
        WholePartition whole(subject.projection(), generation, partition);
        whole.fold(log, head.position());
        // Else of a log that lost its tail.
        if (whole.whole().digest() != Digest{head.digest()}) continue;
        MemoryState state(disk);
        MemoryStateStore store(state);
        const auto where = subject.where(partition, head.position());
        for (const std::string& key : keys_of(log, partition)) {
          const Postings postings =
              postings_of([&](auto from, auto to) { return store.scan(from, to); }, key,
                          Offset{head.position()});
          if (postings != whole.postings(key)) throw Broken("wrong index of " + key + where);
          require_scan(log, key, postings, where);
        }
        count("index looked at");
      }
    }
  }
}

namespace {

struct KeyOfLog {
  const Generation& generation;
  Partition partition;
  const std::string& key;
  const Postings& postings;
  ReadRecord read;
};

// By rules that fail, or do not, where those that wrote the index did otherwise: there are
// differences then, and no contradictions.
int check_by_other_rules(const KeyOfLog& of) {
  int alone_so = 0;
  for (const Projection& rules :
       {describe<Tally>("tally"), describe<MendedTally>("tally"), describe<NextTally>("tally")}) {
    MemoryState state;
    MemoryStateStore store(state);
    KeyRefold alone(rules, of.generation, of.partition, of.key, store);
    try {
      alone.fold(of.postings, of.read);
    } catch (const Error& failure) {
      throw Broken(std::string(failure.what()) + " of " + of.key + " by other rules");
    }
    if (alone.by_other_rules()) ++alone_so;
  }
  return alone_so;
}

}  // namespace

void World::check_keys_alone() {
  for (const auto& subject : generations_.all()) {
    for (int p = 0; p < kPartitions; ++p) {
      const Partition partition{p};
      const std::vector<LoggedRecord> log = subject->log_of(partition);
      if (log.empty()) continue;
      const std::int64_t end = log.back().offset + 1;
      const std::int64_t as_of = chance(50) ? end : 1 + below(static_cast<int>(end));
      WholePartition whole(subject->projection(), subject->views().generation(), partition);
      whole.fold(log, as_of);
      for (const std::string& key : keys_of(log, partition)) {
        MemoryState state;
        MemoryStateStore store(state);
        KeyRefold alone(subject->projection(), subject->views().generation(), partition, key,
                        store);
        const auto read = [&](Offset offset) {
          const auto found = std::ranges::lower_bound(log, offset.value, {}, &LoggedRecord::offset);
          return log_record(*found, partition);
        };
        const auto where = " of " + key + subject->where(partition, as_of);
        const Postings postings = whole.postings(key);
        try {
          alone.fold(postings, read);
        } catch (const Error& failure) {
          throw Broken(failure.what() + where);
        }
        if (alone.by_other_rules()) throw Broken("not by its own rules" + where);
        const Texts expected = kept_of(whole.store(), whole.whole(), key);
        const Texts found = kept_of(store, alone.whole(), key);
        if (found != expected) {
          throw Broken("a key alone" + where + " has" + text(found) + "\nnot" + text(expected));
        }
        Texts rejections;
        for (const Rejection& r : alone.rejections()) {
          rejections.insert(std::to_string(r.position.value) + r.event_id + r.reason);
        }
        if (rejections != whole.rejections(key)) throw Broken("wrong rejections" + where);
        count("key alone");
        if (subject->projection().name != "tally") continue;
        const int others =
            check_by_other_rules({subject->views().generation(), partition, key, postings, read});
        for (int i = 0; i < others; ++i) count("key alone by other rules");
      }
    }
  }
}

}  // namespace sluice::simulation
