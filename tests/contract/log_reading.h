#pragma once

// Appending numbered records and taking them back, for the suites on logs.

#include <catch2/catch.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "storage/event_log.h"
#include "storage/log_topology.h"

namespace sluice::testing {

// No stream had this name before, in this run or another.
std::string unique_stream();
std::string new_stream(LogTopology& topology, int partitions);

// "first", "first + 1", ...: the values that append_numbered() appends.
std::vector<std::string> numbers(int first, int count);
// The key of a record with this value.
std::string key_of(std::string_view value);
std::vector<Offset> offsets(std::int64_t first, std::int64_t count);

// In one append. Returns the offsets.
std::vector<Offset> append_numbered(EventWriter& writer, std::string_view stream,
                                    Partition partition, int first, int count);

// Takes what it is given, from `begin` (0 where it says nothing) on.
class Positions final : public Ownership {
 public:
  Offset acquired(Partition partition) override;
  void lost(Partition partition) override;

  std::map<Partition, Offset> begin;
  bool refuse = false;  // acquired() throws Fenced

  std::vector<Partition> acquired_partitions;
  std::vector<Partition> lost_partitions;
  bool polling = false;
  bool called_outside_poll = false;
};

struct TakenRecord {
  Partition partition;
  Offset offset;
  Time appended_at;
  std::string key;
  std::string value;
};
using Taken = std::vector<TakenRecord>;

enum class Gaps { none, expected };

// Polls until there are `count` records, and fails the test when there are more, when there is a
// gap within a partition that is not expected, or when they do not come in a minute (a group may
// need seconds to form).
Taken take(EventReader& reader, Positions& positions, std::size_t count, Gaps gaps = Gaps::none);
// Polls until `count` partitions have been acquired; fails the test on records.
void take_acquired(EventReader& reader, Positions& positions, std::size_t count);
// Polls until the reader has caught up with each of them; fails the test on records.
void catch_up(EventReader& reader, Positions& positions, const std::vector<Partition>& partitions);

std::vector<std::string> values_of(const Taken& taken, Partition partition);
std::vector<Offset> offsets_of(const Taken& taken, Partition partition);

}  // namespace sluice::testing

template <>
struct Catch::StringMaker<sluice::Offset> {
  static std::string convert(sluice::Offset offset);
};

template <>
struct Catch::StringMaker<sluice::LogRange> {
  static std::string convert(const sluice::LogRange& range);
};
