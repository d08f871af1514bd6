#include "projectors/engine/fold/partition_state.h"

#include <chrono>

#include "projectors/engine/fold/state_checkpoint.h"
#include "projectors/engine/key_index/key_lookup.h"

namespace sluice {

PartitionState::PartitionState(const Projection& projection, const Generation& generation,
                               Partition partition, StateStore& store, const DedupeShape& dedupe)
    : generation_(generation),
      version_(projection.version),
      store_(store),
      tables_(store),
      parking_(tables_),
      receipts_(tables_),
      timers_(tables_),
      dedupe_(store, generation.dedupe_horizon, dedupe),
      index_(store),
      emissions_(generation.tells_emissions ? std::make_optional<EmissionDigests>(tables_)
                                            : std::nullopt) {
  tables_.belong_to(partition, generation.partitions);
}

std::optional<StateCheckpoint> PartitionState::stored() const {
  std::optional<StateCheckpoint> checkpoint = stored_checkpoint(store_);
  if (checkpoint &&
      (checkpoint->generation_id() != generation_.unique_id || checkpoint->version() != version_)) {
    return std::nullopt;
  }
  return checkpoint;
}

void PartitionState::load() {
  dedupe_.reload();
  load_checkpoint();
  index_.load(checkpoint_.key_index());
}

void PartitionState::rewind() {
  dedupe_.forget_unwritten();
  load_checkpoint();
}

void PartitionState::load_checkpoint() {
  unwritten_ = 0;
  const std::optional<StateCheckpoint> found = stored();
  checkpoint_ = found.value_or(StateCheckpoint());
  // An index from the middle on would be taken for whole.
  if (!found) checkpoint_.set_key_index(generation_.key_index);
  checkpoint_.set_generation_id(generation_.unique_id);
  checkpoint_.set_version(version_);
  stored_position_ = position();
  parking_.load(checkpoint_);
  timers_.load();
}

void PartitionState::clear() {
  store_.clear();
  drop();
}

void PartitionState::drop() {
  tables_.drop();
  index_.forget_unwritten();
}

void PartitionState::move_to(Offset to) {
  checkpoint_.set_position(to.value);
  ++unwritten_;
}

void PartitionState::write(StateBatch& batch, Time record_time) {
  tables_.write_dirty(batch);
  dedupe_.write(batch, position(), record_time);
  index_.write(batch, position());
  checkpoint_.set_record_time(record_time.time_since_epoch().count());
  parking_.note(checkpoint_);
  batch.put(kCheckpointKey, checkpoint_.SerializeAsString());
}

void PartitionState::written() {
  tables_.mark_clean();
  stored_position_ = position();
  unwritten_ = 0;
}

Time PartitionState::record_time() const {
  return Time{std::chrono::milliseconds(checkpoint_.record_time())};
}

std::optional<Postings> PartitionState::postings(std::string_view key) const {
  if (!index_.kept()) return std::nullopt;
  Postings all = postings_of(
      [this](std::string_view from, std::string_view to) { return store_.scan(from, to); }, key,
      position());
  const Postings unwritten = index_.unwritten(key);
  all.insert(all.end(), unwritten.begin(), unwritten.end());
  return all;
}

}  // namespace sluice
