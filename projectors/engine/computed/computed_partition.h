#pragma once

// What one partition's projector has to do with computations: it knows what is due, offers it, and
// has the results published. Which keys are due stands in the state, so that no restart forgets it.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <unordered_set>
#include <vector>

#include "projectors/engine/computed/computations.h"
#include "projectors/engine/computed/running_computation.h"
#include "projectors/engine/tables.h"
#include "sluice/state.pb.h"
#include "storage/projection_sink.h"

namespace sluice {

// Used by the projector's thread.
class ComputedPartition {
 public:
  // `tables` has the watched one. Without `all` what is due is only noted.
  ComputedPartition(const Computed& what, Computations* all, Tables& tables, std::string label);
  // Returns when nobody reads the state any more.
  ~ComputedPartition();
  ComputedPartition(const ComputedPartition&) = delete;
  ComputedPartition& operator=(const ComputedPartition&) = delete;

  // The state has caught up with the view, at this position: from now on what is due is offered.
  void begin(Offset position);

  // For each batch of state, in this order:
  // notes what has become due by changes behind `written`, where the state was, again if more is
  // folded before the batch is written;
  void note(Offset written);
  // what the view is to know of that, and of what is being published;
  [[nodiscard]] std::span<const std::string> became_due() const { return became_due_; }
  [[nodiscard]] std::span<const std::string> caught_up();
  // and that the view now does;
  void told();
  // writes the batch, by which the state comes to `position`;
  void write(const StateBatch& batch, Offset position);
  // offers what is due.
  void offer();

  // Offers what there was no room for, once there is. To be called now and then, while the tables
  // are as the state is.
  void schedule();

  // Whether what is due is computed at once, whatever its pace, also of keys that wait: readers are
  // to see these rows in the place of others, which may be later. No until it is said.
  void hurry(bool hurries);

  // Whether there are results to publish.
  [[nodiscard]] bool finished() const;
  // All keys that are due, of the store; null at the end. The store has what the tables have.
  [[nodiscard]] std::function<const std::string*()> stored_due() const;
  // Adds them to what is being published.
  void take();
  [[nodiscard]] std::span<const ComputedRows* const> publishing() const { return rows_; }
  // The view has them. Between note() and write().
  void published();

  // None before begin().
  [[nodiscard]] std::optional<ComputedProgress> progress() const;

 private:
  [[nodiscard]] const google::protobuf::Message* watched_row(std::string_view key);
  // As the domain's rules have it.
  [[nodiscard]] Demand demand(const google::protobuf::Message& row) const;
  // Whether its input has changed since what is being published was computed.
  [[nodiscard]] bool outdated(const ComputedResult& result);
  // False when there is no room for more.
  bool offer(const Demand& demand);
  [[nodiscard]] std::int64_t count_stored() const;
  // Offers what is due from resume_at_ on.
  void offer_stored();

  const Computed& what_;
  Computations* const all_;
  Tables& tables_;
  TableRows& watched_;
  Table<DueComputation> due_;
  std::shared_ptr<SharedState> state_;
  std::uint64_t number_ = 0;  // with `all`
  bool begun_ = false;
  bool hurries_ = false;
  std::int64_t due_keys_ = 0;  // rows of due_, since begin()
  // Keys that there was no room for are due in the state alone.
  bool left_out_ = false;
  bool left_out_again_ = false;  // since offer_stored() began at the first
  std::string resume_at_;
  std::vector<const google::protobuf::Message*> changed_;  // watched rows of the batch at hand
  std::vector<std::string> became_due_;                    // since the last batch, if not told_
  std::vector<std::string> caught_up_;                     // of results_
  // Of which the view says that they are due. The state cannot know: it may be older than the view.
  std::unordered_set<std::string> told_;
  std::vector<ComputedResult> results_;  // being published
  std::vector<const ComputedRows*> rows_;
  Computations::Clock::time_point publishing_since_;
};

}  // namespace sluice
