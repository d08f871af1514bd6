#pragma once

// What a view's computed tables must hold: each key's rows computed once more, from a refold that
// stands where the view says that it computed them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/fold/refold.h"
#include "projectors/engine/projection.h"
#include "storage/state_store.h"

namespace sluice {

// By key: where its rows claim to be computed from; none: only where, they do not say.
using AsOfs = std::map<std::string, std::optional<std::int64_t>>;

// Of one partition. Used by one thread.
class ComputedAccount {
 public:
  // `refold` folds into `store`, where the expected rows are put too.
  ComputedAccount(const Computed& computed, Refold& refold, StateStore& store)
      : computed_(computed), refold_(refold), store_(store) {}

  // The published keys' claims. What the refold has passed is computed now where its input has not
  // changed since; returns the keys of which it has, for which it is too late.
  [[nodiscard]] std::vector<std::string> expect(const AsOfs& published);
  // The last of them, as the view has them at `position`: a claim that no position answers to is
  // answered by that one.
  [[nodiscard]] std::vector<std::string> expect_last(const AsOfs& published, Offset position);

  // Before the record at this offset is folded, and when the refold rests.
  void reached(Offset offset) {
    if (!stops_.empty() && stops_.begin()->first <= offset.value) compute_until(offset);
  }

 private:
  void compute_until(Offset offset);
  void compute(const std::string& key, std::int64_t as_of);
  [[nodiscard]] std::optional<Offset> changed_at(const std::string& key);

  const Computed& computed_;
  Refold& refold_;
  StateStore& store_;
  std::multimap<std::int64_t, std::string> stops_;
  std::map<std::string, std::int64_t> done_;  // by key: as of where it was computed last
};

}  // namespace sluice
