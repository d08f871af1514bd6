// A key that a person had corrected: state and view have of it what its records make of it.

#include <spdlog/spdlog.h>

#include <utility>

#include "projectors/engine/run/key_repair.h"
#include "projectors/engine/run/projector.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"

namespace sluice {

// Right at the record that asks for it, before later records of the key are folded on rows that are
// wrong. A state that is replayed is corrected as well, else a crash between view and state would
// leave it wrong; one that began from nothing has nothing to correct.
void Projector::repair(const std::string& key) {
  // The record is folded: the last of a replay is at what the view knows.
  const bool replays = fold_.position() <= view_.at().known();
  const bool began_anew = replays && recovery_.so_far().from == Recovery::From::start;
  if (in_bulk() || began_anew || !parts_.read_record) return;
  // Of a key that is another partition's nothing is folded here, so that all of its rows, which
  // that partition has written, would be taken for wrong.
  if (const Partition right = partition_of(key, generation_.partitions); right != partition_) {
    spdlog::warn("repair left out partition=\"{}\" reason=\"its key belongs to partition {}\"",
                 name_, right.value);
    return;
  }
  const auto postings = fold_.state().postings(key);
  if (!postings) {
    spdlog::warn(
        "repair left out partition=\"{}\" generation={} reason=\"the state has no index of keys\"",
        name_, generation_.number);
    return;
  }
  const RepairedState state{projection_, generation_, fold_, parts_.store};
  KeyStore alone;
  try {
    if (!fold_alone(state, key, *postings, parts_.read_record, alone)) {
      spdlog::error(
          "key not repaired partition=\"{}\" generation={} position={} reason=\"by the rules of "
          "this program "
          "other records of the key wait in quarantine, or have counted, than by those that folded "
          "it: they were changed without their version\" next=\"sluice rebuild {}\"",
          name_, generation_.number, fold_.position().value, projection_.name);
      return;
    }
  } catch (const Corrupt& failure) {
    // Retention took records of the key, for example. The control record stands in the log for good
    // and must not stop a partition that folds well. `sluice replay --diff` still tells of the
    // rows.
    spdlog::error("key not repaired partition=\"{}\" generation={} position={} reason=\"{}\"",
                  name_, generation_.number, fold_.position().value, failure.what());
    return;
  }
  KeyRepair repaired = correct_key(state, key, alone);
  spdlog::info("key repaired partition=\"{}\" generation={} position={} corrected={}", name_,
               generation_.number, fold_.position().value, repaired.corrected);
  if (!replays) repaired_ = std::move(repaired.rows);
}

}  // namespace sluice
