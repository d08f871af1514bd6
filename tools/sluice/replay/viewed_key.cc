#include "tools/sluice/replay/viewed_key.h"

#include <chrono>
#include <thread>

#include "storage/base/errors.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/published.h"

namespace sluice {
namespace {

// State is written right behind the view, by who projects.
constexpr std::chrono::seconds kBehindView{3};
constexpr std::chrono::milliseconds kBetweenLooks{50};

// What is folded within a snapshot, in a part of a second, whatever is the key's of it. Each round
// leaves less to fold, unless the partition gets more than one core folds.
constexpr std::int64_t kFewRecords = 10'000;
constexpr int kRoundsMax = 10;

}  // namespace

Generation own_live_generation(const std::string& postgres, const Projection& projection) {
  Generation generation = live_generation(postgres, projection.name);
  if (generation.version == projection.version) return generation;
  throw Misconfigured("the rows that readers see were folded by version " +
                      std::to_string(generation.version) + " of the rules, this program has " +
                      std::to_string(projection.version) + ": run the program of that version");
}

std::string told_of_other_rules(const std::string& projection) {
  return "what readers see was folded by other rules than this program's, under the same version: "
         "other records of the key waited in quarantine. Raise the version, or `sluice rebuild " +
         projection + "`: until then a key alone is not all that these rules make of the log";
}

ViewedKey::ViewedKey(const KeyPlace& place, const KeySources& sources)
    : place_(place),
      sources_(sources),
      rows_(sources.postgres, place.generation.projection, place.generation.number),
      asking_(sources.postgres) {}

KeyHistory ViewedKey::find_history(std::optional<Time> until) {
  return find(Look::at_the_view, until);
}

KeyHistory ViewedKey::find(Look look, std::optional<Time> until) {
  const auto deadline = std::chrono::steady_clock::now() + kBehindView;
  for (;;) {
    if (look == Look::in_a_snapshot) rows_.begin_snapshot();
    view_ = rows_.position(place_.partition).value_or(ViewPosition{});
    if (const auto found = indexed_history(until); found && found->position >= view_.position) {
      return require_same(*found);
    }
    if (std::chrono::steady_clock::now() > deadline || !may_catch_up_) break;
    if (look == Look::in_a_snapshot) rows_.end_snapshot();
    std::this_thread::sleep_for(kBetweenLooks);
  }
  if (!folded_) {
    folded_.emplace(sources_.log, place_, divide_memory(sources_.memory, {.projectors = 1}));
    // All but what comes meanwhile is folded without a snapshot.
    if (look == Look::in_a_snapshot) {
      rows_.end_snapshot();
      (void)folded_->up_to(view_.position, until);
      return find(look, until);
    }
  }
  return require_same(folded_->up_to(view_.position, until));
}

void ViewedKey::begin_comparison(ReplayedKey& replayed, PartitionRecords& records,
                                 KeyTrace* trace) {
  for (int round = 1;; ++round) {
    const Offset from = view_.position;
    const Offset now = rows_.position(place_.partition).value_or(ViewPosition{}).position;
    const bool is_near = now.value - from.value <= kFewRecords || round == kRoundsMax;
    Postings since = find(is_near ? Look::in_a_snapshot : Look::at_the_view, std::nullopt).postings;
    std::erase_if(since, [&](const Posting& posting) {
      return posting.offset < from || posting.offset >= view_.position;
    });
    replayed.fold(since, records, trace);
    if (is_near) return;
  }
}

std::optional<KeyHistory> ViewedKey::indexed_history(std::optional<Time> until) {
  if (!place_.generation.key_index || folded_) return std::nullopt;
  // Beside its owner, too: what that has written stands in the folder.
  auto found = sources_.data.empty() ? history_from_owner(asking_, place_, until)
                                     : history_from_state(sources_.data, place_, until);
  may_catch_up_ = found.has_value();
  return found;
}

KeyHistory ViewedKey::require_same(KeyHistory history) const {
  if (history.position == view_.position && history.digest != view_.digest) {
    throw Corrupt("at position " + std::to_string(view_.position.value) +
                  " the view was folded from another record than what it is held against: run "
                  "sluice verify " +
                  place_.generation.projection);
  }
  return history;
}

std::vector<KeyDifference> ViewedKey::differences(const Domain& domain, ReplayedKey& replayed) {
  std::vector<KeyDifference> all;
  for (const auto* table : tables_of_keys(domain)) {
    replayed.expect(*table, rows_);
    const auto found = rows_.differences(*table, key_names(domain), place_.key);
    all.insert(all.end(), found.begin(), found.end());
  }
  return all;
}

}  // namespace sluice
