#pragma once

// The heartbeat of a worker: what it says of its partitions beside the view, and what the view
// answers, such as another owner or another position.

#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/run/probe.h"
#include "storage/projection_sink.h"

namespace sluice {

// One a worker, used by its thread. The sink and the probe outlive it.
class Presence {
 public:
  // `worker` is its name for people; every owner of its claims begins with `instance` and "/".
  Presence(ProjectionSink& sink, Probe& probe, std::string worker, std::string instance);
  ~Presence() { probe_.running(name_); }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

  // Tells how each partition is and returns where its view is, as show_progress() of the sink does;
  // nullopt while the view does not hear, which the probe and the log are told.
  std::optional<std::vector<std::optional<ViewPosition>>> show(
      const std::vector<LogProgress>& progress);

  // What the view lacks, so that nothing can be flushed; empty: nothing. As of the last show().
  [[nodiscard]] const std::string& lacks() const { return lacks_; }

  // Lets go of partitions. Best effort: others wait until an owner that they are not told of counts
  // as gone.
  void release(std::vector<LogProgress> progress);

  // Throws Fenced while another process has the partition and speaks. Were it taken back from one
  // that works, the two would take turns for ever: the log has given it to one of them, and the
  // other is told so by its reader, lets go and falls silent. An owner that does not is another
  // application of this database, over a log of its own.
  void require_silence(Partition partition);

 private:
  void not_heard(const std::string& why);

  ProjectionSink& sink_;
  Probe& probe_;
  const std::string name_;  // under which the probe has what keeps it from being heard
  const std::string instance_;
  std::string trouble_;  // why the last word was not heard; empty when it was
  std::string lacks_;
};

}  // namespace sluice
