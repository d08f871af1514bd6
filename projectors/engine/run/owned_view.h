#pragma once

// A partition's view as its owner knows it: where it left it, and of a commit whose answer was lost
// what that would have made of it.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "storage/base/log_identity.h"
#include "storage/base/position.h"
#include "storage/flush_batch.h"
#include "storage/projection_sink.h"

namespace sluice {

// Used by one thread. Throws what the sink throws.
class OwnedView {
 public:
  struct Of {
    Partition partition;
    std::string owner;
    std::string name;  // for messages: "deliberation partition 3"
  };
  // The sink outlives this.
  OwnedView(Of of, ProjectionSink& sink);

  // Takes the partition: from now on no other owner's flush passes.
  void claim();
  [[nodiscard]] const std::string& owner() const { return of_.owner; }
  // As this left it; not while a move is in doubt.
  [[nodiscard]] const ViewPosition& at() const { return view_; }
  // Whether the view, as the sink has it now, is there.
  [[nodiscard]] bool is_at(const ViewPosition& now) const;

  // Once something was folded the log has what tells it, if it has that at all: asks once.
  void note_log(const std::function<std::optional<LogIdentity>()>& identity);
  // While in bulk: the view was told of all that was folded before `folded`.
  void told(Offset folded, Digest digest);

  // What a flush or a load makes of it.
  struct Move {
    Offset to;
    Digest digest;
    Offset log_end;
    std::int64_t published = 0;  // at `to`
    bool loads = false;
    double share = 1;  // of a load
  };
  // The answer to that was lost: it is to be settled before anything else is asked of the view.
  void doubt(const Move& move) { in_doubt_ = move; }
  // The view is there.
  void moved(const Move& move);
  [[nodiscard]] const std::optional<Move>& in_doubt() const { return in_doubt_; }
  // What the view says decides of the one in doubt. True: it went through, so that the view has
  // moved. False: the view is where it was, and the same is to be done again (the first may yet
  // commit: then the compare-and-set makes the second one Fenced, and the partition is taken
  // again). Fenced: the view is elsewhere, or another owner's. Retryable: not known yet.
  [[nodiscard]] bool went_through();

 private:
  const Of of_;
  ProjectionSink& sink_;
  ViewPosition view_;
  bool asked_for_log_ = false;
  std::optional<Move> in_doubt_;
};

}  // namespace sluice
