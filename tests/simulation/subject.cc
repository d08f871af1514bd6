#include "tests/simulation/subject.h"

#include <algorithm>
#include <utility>

#include "schemas/descriptors/domain.h"
#include "sluice/state.pb.h"
#include "tests/simulation/faulty_writer.h"

namespace sluice::simulation {
namespace {

Generation generation_of(const Projection& projection, int number, bool live) {
  return {.projection = std::string(projection.name),
          .number = number,
          .unique_id = "g-" + std::to_string(number),
          .version = projection.version,
          .partitions = kPartitions,
          .dedupe_horizon = kHorizon,
          .quarantine_retention = kRetention,
          .live = live,
          .tells_emissions = projection.emits,
          .key_index = number % 4 != 0};
}

std::string text(const Rows::value_type& row) {
  std::string all = row.first + " {";
  for (const std::int64_t number : row.second) all += " " + std::to_string(number);
  return all + " }";
}

std::string text(const std::map<std::int64_t, std::string>& reasons) {
  std::string all;
  for (const auto& [offset, reason] : reasons) all += " " + std::to_string(offset) + " " + reason;
  return all;
}

// The first difference, for people.
std::string difference(const Rows& expected, const Rows& found) {
  for (const auto& row : expected) {
    const auto at = found.find(row.first);
    if (at == found.end()) return "no row of " + row.first;
    if (at->second != row.second) return "wrong row: " + text(*at) + ", not " + text(row);
  }
  for (const auto& row : found) {
    if (!expected.contains(row.first)) return "a row too many: " + text(row);
  }
  return "no difference";
}

void add_emission(const std::string& key, const std::string& stream, std::int64_t records,
                  Digest digest, Rows& rows) {
  rows["what " + key + " emitted to " + stream] = {records,
                                                   static_cast<std::int64_t>(digest.value)};
}

}  // namespace

Subject::Subject(SimulatedDomain domain, MemoryLog& log, MemoryViews::Clock clock, int generation,
                 bool live)
    : domain_(std::move(domain)),
      stream_(stream_of(domain_.projection.name)),
      log_(log),
      clock_(std::move(clock)),
      views_(generation_of(domain_.projection, generation, live), clock_) {
  log_.create(stream_, kPartitions);
  for (int p = 0; p < kPartitions; ++p) accounts_.push_back(fresh(Partition{p}));
}

Subject::Subject(SimulatedDomain domain, MemoryLog& log, MemoryViews::Clock clock)
    : Subject(std::move(domain), log, std::move(clock), 1, true) {}

Subject::Subject(SimulatedDomain domain, Subject& live, int generation)
    : Subject(std::move(domain), live.log_, live.clock_, generation, false) {
  views_.build_beside(live.views_);
}

Account Subject::fresh(Partition partition) const {
  const Lengths lengths{kHorizon.count(), kRetention.count(), kParkedShown};
  return {{}, Refold(partition.value, kPartitions, lengths, domain_.make_ledger())};
}

std::string Subject::where(Partition partition, std::int64_t position) const {
  return " (" + stream_ + " partition " + std::to_string(partition.value) + ", position " +
         std::to_string(position) + ")";
}

bool Subject::any_lost() const {
  return std::any_of(accounts_.begin(), accounts_.end(), [](const auto& a) { return a.lost; });
}

void Subject::restore() {
  views_ = *backup_;
  as_ofs_.clear();
  checked_flushes_ = std::min(checked_flushes_, views_.flushes().size());
  owners_.clear();
  for (const MemoryViews::FlushRecord& flushed : views_.flushes()) {
    if (flushed.took) owners_[flushed.partition] = flushed.owner;
  }
  for (int p = 0; p < kPartitions; ++p) {
    Account& account = this->account(Partition{p});
    std::vector<LoggedRecord> log = std::move(account.log);
    account = fresh(Partition{p});
    account.log = std::move(log);
  }
}

void Subject::forget_tail(Partition partition) {
  Account& account = this->account(partition);
  const std::int64_t end = log_.range(stream_, partition).end.value;
  while (!account.log.empty() && account.log.back().offset >= end) account.log.pop_back();
  if (end < views_.position(partition).known().value) account.lost = true;
}

std::optional<std::int64_t> Subject::next_due_at_end(Partition partition) {
  read_log(partition);
  const Account& account = this->account(partition);
  Refold whole(account.refold);
  for (std::size_t i = account.folded; i < account.log.size(); ++i) {
    whole.take(account.log[i]);
  }
  return whole.next_due();
}

bool Subject::complete(Time time, const Subject& live) {
  // One whose partitions cannot all be loaded has no keys, and stands still whole.
  if (views_.advance() != BuildPhase::following && (any_lost() || live.any_lost())) return true;
  for (int p = 0; p < kPartitions; ++p) {
    const Account& account = this->account(Partition{p});
    if (account.lost || live.accounts_[static_cast<std::size_t>(p)].lost) continue;
    if (!views_.position(Partition{p}).loaded) return false;
    // Behind the last record may be offsets that no record has.
    const auto& records = log_.records(stream_, Partition{p});
    const auto end = records.empty() ? Offset{0} : records.back().offset.next();
    if (account.position != end.value) return false;
    // Ticks come for what is due by the live one's rules.
    const auto due = tells_as(live) ? account.refold.next_due() : std::nullopt;
    if (due && *due <= time.time_since_epoch().count()) return false;
    for (const auto& [key, waits] : account.refold.ledger().behind(views_)) {
      if (!waits) return false;
    }
  }
  return true;
}

void Subject::read_log(Partition partition) {
  Account& account = this->account(partition);
  const auto& records = log_.records(stream_, partition);
  for (std::size_t i = account.log.size(); i < records.size(); ++i) {
    const auto& stored = records[i];
    account.log.push_back({stored.offset.value, stored.appended_at.time_since_epoch().count(),
                           std::string(stored.key()), std::string(stored.value()),
                           stored.stamped_by_log});
  }
}

// Promise 4: only who took a partition last moves it; and only a program that has its rules.
void Subject::check_owners() {
  const auto& flushes = views_.flushes();
  const std::string ours = "v" + std::to_string(projection().version) + ".";
  for (; checked_flushes_ < flushes.size(); ++checked_flushes_) {
    const MemoryViews::FlushRecord& flushed = flushes[checked_flushes_];
    std::string& owner = owners_[flushed.partition];
    if (flushed.took) {
      owner = flushed.owner;
    } else if (flushed.owner != owner) {
      throw Broken(flushed.owner + " moved a partition that " + owner + " has taken" +
                   where(flushed.partition, 0));
    } else if (!owner.starts_with(ours)) {
      throw Broken(owner + " moved a generation of other rules" + where(flushed.partition, 0));
    }
  }
}

bool Subject::advance(Partition partition) {
  Account& account = this->account(partition);
  const std::int64_t position = views_.position(partition).position.value;
  if (position == account.position) return false;
  if (position < account.position) throw Broken("the view went back" + where(partition, position));
  if (account.lost) {
    throw Broken("a partition whose log was lost moved" + where(partition, position));
  }
  read_log(partition);
  for (; account.folded < account.log.size(); ++account.folded) {
    const LoggedRecord& record = account.log[account.folded];
    if (record.offset >= position) break;
    account.refold.take(record);
    account.position = record.offset + 1;
    account.refold.ledger().reach(account.position);
  }
  if (account.position != position) {
    throw Broken("a position that follows no record" + where(partition, position));
  }
  return true;
}

void Subject::check() {
  const bool published = checked_flushes_ < views_.flushes().size();
  check_owners();
  bool moved = false;
  for (int p = 0; p < kPartitions; ++p) moved = advance(Partition{p}) || moved;
  // Rows may change only with a position; that they do not otherwise is looked at now and then.
  constexpr int kNowAndThen = 16;
  if (moved || ++unmoved_checks_ % kNowAndThen == 0) check_rows();
  if (published) check_computed();
}

void Subject::succeed(const Subject& shown_before) {
  for (const auto& [key, as_of] : shown_before.as_ofs_) {
    as_ofs_[key] = std::max(as_ofs_[key], as_of);
  }
  check_computed();
}

void Subject::end_hurry() {
  hurried_ = false;
  computed_in_a_hurry_.clear();
  for (const Account& account : accounts_) {
    computed_in_a_hurry_.merge(account.refold.ledger().computed_waiting(views_));
  }
}

// Promise 2: a computed row equals its function at its own as_of, which never goes back.
void Subject::check_computed() {
  for (int p = 0; p < kPartitions; ++p) {
    const Account& account = accounts_[static_cast<std::size_t>(p)];
    for (const auto& [key, as_of] : account.refold.ledger().computed(views_)) {
      if (as_of > account.position) throw Broken("computed of what is to come: " + key);
      if (as_of < std::exchange(as_ofs_[key], as_of))
        throw Broken("computed rows went back: " + key);
    }
    for (const auto& [key, as_of] : account.refold.ledger().computed_waiting(views_)) {
      const auto before = computed_in_a_hurry_.find(key);
      const bool may = before != computed_in_a_hurry_.end() && before->second == as_of;
      if (!hurried_ && !may) throw Broken("computed while it was to wait: " + key);
    }
    check_due(Partition{p});
  }
}

// The view knows of each key whether its computed rows are those of the position.
void Subject::check_due(Partition partition) {
  const Account& at = account(partition);
  if (at.lost || !views_.position(partition).loaded) return;
  std::set<std::string> behind;
  for (const auto& [key, waits] : at.refold.ledger().behind(views_)) behind.insert(key);
  if (behind == views_.due(partition)) return;
  const auto listed = [](const std::set<std::string>& keys) {
    std::string all;
    for (const std::string& key : keys) all += " " + key;
    return all;
  };
  throw Broken("due are" + listed(behind) + ", the view says" + listed(views_.due(partition)) +
               where(partition, at.position));
}

// In bulk, what was refused is told ahead of the rows, and no further than is said.
void Subject::check_noted(Partition partition) const {
  const std::int64_t folded = views_.position(partition).folded.value;
  for (const Rejection& rejection : views_.rejections(partition)) {
    if (rejection.position.value >= folded)
      throw Broken("noted too far" + where(partition, folded));
  }
  for (const Decision& decision : views_.decisions(partition)) {
    if (decision.position.value >= folded)
      throw Broken("decided too far" + where(partition, folded));
  }
}

Rows Subject::expected() const {
  Rows expected;
  for (const Account& account : accounts_) {
    account.refold.ledger().add_rows(expected);
    for (const auto& [of, told] : account.refold.emissions) {
      add_emission(of.first, of.second, told.first, told.second, expected);
    }
  }
  return expected;
}

Rows Subject::published(const MemoryViews& views) const {
  Rows found = domain_.published(views);
  views.for_each_row<SluiceEmission>([&](const SluiceEmission& row) {
    add_emission(row.key(), row.stream(), row.records(),
                 Digest{static_cast<std::uint64_t>(row.digest())}, found);
  });
  return found;
}

std::map<std::string, std::int64_t> Subject::computed(const MemoryViews& views) const {
  std::map<std::string, std::int64_t> all;
  for (const Account& account : accounts_) all.merge(account.refold.ledger().computed(views));
  return all;
}

TextsByTable Subject::computed_rows(const MemoryViews& views) const {
  TextsByTable all;
  for (const Account& account : accounts_) {
    for (auto& [table, rows] : account.refold.ledger().computed_rows(views)) all[table].merge(rows);
  }
  return all;
}

std::set<std::string> Subject::behind(const MemoryViews& views) const {
  std::set<std::string> keys;
  for (const Account& account : accounts_) {
    for (const auto& [key, waits] : account.refold.ledger().behind(views)) keys.insert(key);
  }
  return keys;
}

void Subject::check_rows() const {
  for (int p = 0; p < kPartitions; ++p) {
    const Account& account = accounts_[static_cast<std::size_t>(p)];
    const auto at = where(Partition{p}, account.position);
    if (!views_.position(Partition{p}).loaded) {
      check_noted(Partition{p});
      continue;
    }
    std::map<std::int64_t, std::string> reasons;
    for (const Rejection& r : views_.rejections(Partition{p})) reasons[r.position.value] = r.reason;
    if (reasons != account.refold.rejections) {
      throw Broken("wrong rejections:" + text(reasons) + ", not" + text(account.refold.rejections) +
                   at);
    }
    std::map<std::int64_t, Quarantined> quarantined;
    for (const QuarantinedRecord& q : views_.quarantined(Partition{p})) {
      quarantined[q.position.value] = {q.key, q.value};
    }
    if (quarantined != account.refold.quarantined) throw Broken("wrong quarantine" + at);
    std::map<std::int64_t, Decided> decisions;
    for (const Decision& d : views_.decisions(Partition{p})) {
      std::optional<std::int64_t> offset;
      if (d.offset) offset = d.offset->value;
      decisions[d.position.value] = {std::string(word_of(d.kind)), offset, d.who, d.why};
    }
    if (decisions != account.refold.decisions) throw Broken("wrong decisions" + at);
  }
  const Rows found = published(views_);
  const Rows expected = this->expected();
  if (found != expected) throw Broken(difference(expected, found) + " (" + stream_ + ")");
}

}  // namespace sluice::simulation
