#include "tests/simulation/correspondence.h"

#include <algorithm>

#include "storage/base/partitioner.h"
#include "tests/simulation/faulty_writer.h"

namespace sluice::simulation {
namespace {

std::string text(const Turn& turn) {
  return std::to_string(turn.first) + "/" + std::to_string(turn.second);
}

}  // namespace

void Correspondence::read(const Subject& receiver, Partition partition) {
  Inbox& inbox = this->inbox(std::string(receiver.projection().name), partition);
  const auto& records = log_.records(receiver.stream(), partition);
  for (; inbox.read < static_cast<std::int64_t>(records.size()); ++inbox.read) {
    const auto& stored = records[static_cast<std::size_t>(inbox.read)];
    Envelope envelope;
    if (!envelope.ParseFromString(std::string(stored.value())) || !envelope.has_origin()) continue;
    const Origin& origin = envelope.origin();
    auto& came = inbox.came[{origin.projection(), origin.partition()}];
    const Turn turn{origin.position(), origin.ordinal()};
    if (came.contains(turn)) continue;
    if (!came.empty() && turn < came.rbegin()->first) {
      throw Broken("what comes first after what comes later: " + envelope.id() +
                   receiver.where(partition, stored.offset.value));
    }
    came[turn] = {stored.offset.value, envelope.key(), envelope.payload(), envelope.recorded_at()};
  }
}

void Correspondence::read_all() {
  for (const auto& subject : subjects_) {
    for (int p = 0; p < kPartitions; ++p) read(*subject, Partition{p});
  }
}

void Correspondence::check_told(Subject& source, Partition partition) {
  Account& account = source.account(partition);
  const Source from{source.projection().name, partition.value};
  for (; account.told_checked < account.refold.derived.size(); ++account.told_checked) {
    const Derived& derived = account.refold.derived[account.told_checked];
    const Telling& telling = derived.telling;
    Inbox& inbox = this->inbox(telling.domain, partition_of(telling.key, kPartitions));
    const auto at = inbox.came[from].find(derived.turn);
    if (at == inbox.came[from].end()) {
      if (inbox.lost[from].contains(derived.turn)) continue;
      throw Broken("what the view told stands nowhere: " + text(derived.turn) +
                   source.where(partition, account.position));
    }
    if (at->second.key != telling.key || at->second.payload != telling.payload ||
        at->second.recorded_at != derived.recorded_at) {
      throw Broken("something else was told: " + text(derived.turn) +
                   source.where(partition, account.position));
    }
  }
}

void Correspondence::check() {
  read_all();
  for (const auto& subject : subjects_) {
    if (!subject->is_live()) continue;
    for (int p = 0; p < kPartitions; ++p) check_told(*subject, Partition{p});
  }
}

void Correspondence::check_nothing_else() {
  std::map<Source, std::set<Turn>> told;
  std::map<Source, std::int64_t> positions;
  for (const auto& subject : subjects_) {
    if (!subject->is_live()) continue;
    for (int p = 0; p < kPartitions; ++p) {
      const Source source{subject->projection().name, p};
      const Account& account = subject->account(Partition{p});
      positions[source] = account.position;
      for (const Derived& derived : account.refold.derived) told[source].insert(derived.turn);
    }
  }
  for (const auto& [where, inbox] : inboxes_) {
    for (const auto& [source, came] : inbox.came) {
      for (const auto& [turn, record] : came) {
        if (turn.first < positions[source] && !told[source].contains(turn)) {
          throw Broken("nobody told it: " + source.first + " " + text(turn));
        }
      }
    }
  }
}

bool Correspondence::told_from(const Subject& source, Partition partition, std::int64_t offset) {
  read_all();
  const Source from{source.projection().name, partition.value};
  for (auto& [where, inbox] : inboxes_) {
    const auto& came = inbox.came[from];
    if (!came.empty() && came.rbegin()->first.first >= offset) return true;
  }
  return false;
}

void Correspondence::before_loss(const Subject& receiver, Partition partition, std::int64_t end) {
  read(receiver, partition);
  Inbox& inbox = this->inbox(std::string(receiver.projection().name), partition);
  const auto& records = log_.records(receiver.stream(), partition);
  const auto kept = std::find_if(records.begin(), records.end(),
                                 [&](const auto& stored) { return stored.offset.value >= end; });
  inbox.read = std::min<std::int64_t>(inbox.read, kept - records.begin());
  for (auto& [source, came] : inbox.came) {
    for (auto at = came.begin(); at != came.end();) {
      if (at->second.offset < end) {
        ++at;
        continue;
      }
      inbox.lost[source].insert(at->first);
      at = came.erase(at);
    }
  }
}

}  // namespace sluice::simulation
