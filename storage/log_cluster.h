#pragma once

// What a log of several machines and readers tells about itself, beside the records. Logs on one
// machine have none of it. Technologies: kafka/.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "storage/base/position.h"

namespace sluice {

// A member of a group of readers, as the group knows it.
struct GroupMemberSeen {
  std::string member;  // its id; begins with the instance of a static member, else with `client`
  std::string client;  // as it calls itself
  std::string host;    // where it was heard from
  std::vector<Partition> has;  // of the stream that was asked for
};

// Copies of a partition, as the cluster knows them.
struct ReplicasSeen {
  Partition partition;
  bool served = false;       // one of them is its leader
  std::size_t replicas = 0;  // that there are to be
  std::size_t in_sync = 0;   // that have all that was acknowledged
  friend bool operator==(const ReplicasSeen&, const ReplicasSeen&) = default;
};

// Used by one thread. Everything is answered within the deadline that it was made with, or throws
// Retryable.
class LogCluster {
 public:
  virtual ~LogCluster() = default;

  // Of each partition of the stream. nullopt: there is no such stream.
  virtual std::optional<std::vector<ReplicasSeen>> replicas(std::string_view stream) = 0;

  // Partitions of the stream that nobody serves now: they can be neither read nor appended to.
  // nullopt: there is no such stream.
  std::optional<std::vector<Partition>> unserved(std::string_view stream);

  // Who is in the group of this name. None: there is no such group.
  virtual std::vector<GroupMemberSeen> members(std::string_view group, std::string_view stream) = 0;
};

}  // namespace sluice
