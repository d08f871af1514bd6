#pragma once

// On which log the views of a database stand, and how far they have folded it.

#include <map>
#include <string>
#include <string_view>

#include "storage/postgres/connection.h"
#include "storage/projection_sink.h"

namespace sluice {

// The live generation of a projection.
struct ViewStand {
  std::string log;  // LogTopology::name() of the log; empty: none yet
  int partitions = 0;
  std::map<Partition, ViewPosition> positions;

  // Whether anything of a log was folded.
  [[nodiscard]] bool stands() const;
};

// By projection.
using ViewStands = std::map<std::string, ViewStand, std::less<>>;

// One thread at a time. Throws what its connection throws.
class StandingViews {
 public:
  explicit StandingViews(const std::string& url) : connection_(url) {}

  // Also of a database whose schema is an older one, or was never applied.
  [[nodiscard]] ViewStands read();

  // From now on the projection stands on the log of this name, unless it stands on one already.
  void bind(std::string_view projection, std::string_view log);

 private:
  PgConnection connection_;
};

}  // namespace sluice
