#include "projectors/engine/fold/key_refold.h"

#include <algorithm>
#include <utility>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Steps between two writes. More would save little, and are folded again when the rules throw.
constexpr std::uint64_t kUnwrittenMax = 1024;
// Of rows that are written and kept at hand.
constexpr std::size_t kAtHandMax = std::size_t{8} << 20;

// The key's own state has no index of itself.
Generation without_index(Generation generation) {
  generation.key_index = false;
  return generation;
}

// The timer that it named did not wait any more, and another may bear its number here.
bool is_idle_discard(const Posting& posting, const OpenRecord& open) {
  const Control* control = open.envelope.control;
  return posting.duplicate && control != nullptr && control->has_discard() &&
         control->discard().offset() < 0;
}

bool is_decision(const OpenRecord& open) {
  const Control* control = open.envelope.control;
  return control != nullptr &&
         (control->has_release() || control->has_discard() || control->has_edit());
}

std::string type_of(const EnvelopeView& envelope) {
  if (envelope.control == nullptr) return std::string(envelope.type);
  const auto* which = Control::GetReflection()->GetOneofFieldDescriptor(
      *envelope.control, Control::descriptor()->oneof_decl(0));
  return "control" + (which == nullptr ? std::string() : "." + which->name());
}

Postings::const_iterator first_from(const Postings& postings, Offset offset) {
  return std::ranges::partition_point(postings,
                                      [&](const Posting& p) { return p.offset < offset; });
}

}  // namespace

KeyRefold::KeyRefold(const Projection& projection, const Generation& generation,
                     Partition partition, std::string key, StateStore& store)
    : projection_(projection.name),
      key_(std::move(key)),
      opener_(projection.name, partition, generation.partitions),
      store_(store),
      fold_(projection, without_index(generation), partition, store, {}) {
  fold_.load();
  if (!key_.empty()) fold_.fold_alone(key_);
}

KeyRefold::KeyRefold(const Projection& projection, const Generation& generation,
                     Partition partition, StateStore& store)
    : KeyRefold(projection, generation, partition, std::string(), store) {}

void KeyRefold::fold(const Postings& postings, const ReadRecord& read, const Watch& watch) {
  for (auto posting = postings.begin(); posting != postings.end();) {
    step_ = {posting->offset, posting->kind == Posting::Kind::fired, {}, {}, {}};
    concerned_ = step_.fired;
    if (!fold(*posting, read)) {
      unwritten_records_ = 0;
      posting = first_from(postings, fold_.position());
      continue;
    }
    ++posting;
    const bool due = fold_.wants_write() || fold_.unwritten() >= kUnwrittenMax;
    if (watch && concerned_) {
      step_.reason = reason();
      fold_.refresh();
      watch(step_);
    }
    if (watch || due) write();
  }
  write();
}

void KeyRefold::fold_next(const LogRecord& record, Time record_time) {
  do {
    bring_time(record_time);
  } while (!fold_.fold(record, Emits::dropped));
  write();
}

bool KeyRefold::fold(const Posting& posting, const ReadRecord& read) {
  if (posting.kind == Posting::Kind::fired) {
    bring_time(Time{milliseconds(posting.time)});
    return fold_.pass(posting.offset, fold_.record_time());
  }
  return fold_record(posting, read(posting.offset));
}

// Not back, where by these rules a record has moved it that waited by those of the index.
void KeyRefold::bring_time(Time time) {
  fold_.set_record_time(std::max(fold_.record_time(), time));
}

// A decision names the record that it is about, not always by its key; it does nothing to what is
// not there.
bool KeyRefold::concerns_key(const OpenRecord& open) const {
  return key_.empty() || open.key == key_ || open.envelope.control != nullptr;
}

bool KeyRefold::fold_record(const Posting& posting, const LogRecord& record) {
  const OpenRecord open = opener_.open(record, record.offset, envelope_);
  if (!concerns_key(open) || is_idle_discard(posting, open)) return true;
  concerned_ = true;
  if (key_.empty() && !open.key.empty() && !keys_.contains(open.key)) keys_.emplace(open.key);
  step_.id = open.envelope.id;
  step_.type = type_of(open.envelope);
  if (posting.kind == Posting::Kind::still) {
    bring_time(Time{milliseconds(posting.time)});
  } else if (posting.kind == Posting::Kind::late) {
    bring_time(open.recorded_at + milliseconds(posting.time));
  }
  const bool told = posting.duplicate && open.envelope.origin != nullptr;
  if (!(told ? fold_.fold_repeated(record) : fold_.fold(record, Emits::dropped))) return false;
  if (!key_.empty()) hold_against(posting, open);
  ++unwritten_records_;
  return true;
}

// Which ids have counted follows from the records, but for those that waited or that somebody
// decided on: that is a matter of the rules, which may have changed since the index was written. A
// derived record is taken as it comes, by any rules.
void KeyRefold::hold_against(const Posting& posting, const OpenRecord& open) {
  decided_ = decided_ || is_decision(open);
  const bool waited_alike =
      !open.record.stamped_by_log || fold_.moved_time() == (posting.kind != Posting::Kind::still);
  by_other_rules_ = by_other_rules_ || !waited_alike;
  if (fold_.repeated() == posting.duplicate) return;
  if ((decided_ || by_other_rules_) && open.envelope.origin == nullptr) {
    by_other_rules_ = counts_otherwise_ = true;
    return;
  }
  throw Corrupt("the index of keys says that the record at " +
                std::to_string(posting.offset.value) +
                (posting.duplicate ? " repeats another" : " repeats none") +
                ", and its key alone says otherwise, by whatever rules: the state belongs to "
                "another log, or is damaged. `sluice rebuild " +
                std::string(projection_) + "` folds another from the log");
}

std::string KeyRefold::reason() const {
  const Outcomes& outcomes = fold_.outcomes();
  for (const Rejection& rejection : outcomes.rejections) {
    if (rejection.position == step_.offset) return rejection.reason;
  }
  for (const QuarantinedRecord& record : outcomes.quarantined) {
    if (record.position == step_.offset) return "quarantined: " + record.reason;
  }
  return fold_.repeated() ? "duplicate" : "";
}

void KeyRefold::write() {
  const Outcomes& outcomes = fold_.outcomes();
  rejections_.insert(rejections_.end(), outcomes.rejections.begin(), outcomes.rejections.end());
  records_ += std::exchange(unwritten_records_, 0);
  batch_.clear();
  fold_.write(batch_);
  store_.write(batch_);
  fold_.written();
  fold_.tables().shrink_to(kAtHandMax);
}

}  // namespace sluice
