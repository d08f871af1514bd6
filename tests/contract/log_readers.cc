#include "tests/contract/log_readers.h"

#include <catch2/catch.hpp>
#include <string>
#include <thread>

#include "storage/base/errors.h"
#include "tests/contract/log_reading.h"

namespace sluice::testing {
namespace {

void check_seen_while_waiting(EventReader& reader, Positions& positions, int number) {
  CHECK(values_of(take(reader, positions, 1), Partition{0}) == numbers(number, 1));
}

void reading_begins_where_acquired_says(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const auto writer = log->writer();
  append_numbered(*writer, stream, Partition{0}, 0, 10);
  append_numbered(*writer, stream, Partition{1}, 0, 10);
  Positions positions;
  positions.begin[Partition{0}] = Offset{7};
  positions.begin[Partition{1}] = Offset{10};
  const auto reader = log->reader(stream, positions);
  CHECK(positions.acquired_partitions.empty());
  const Taken taken = take(*reader, positions, 3);
  CHECK(values_of(taken, Partition{0}) == numbers(7, 3));
  CHECK(values_of(taken, Partition{1}).empty());
  take_acquired(*reader, positions, 2);
  CHECK_FALSE(positions.called_outside_poll);
  CHECK(positions.lost_partitions.empty());
  append_numbered(*writer, stream, Partition{1}, 10, 1);
  CHECK(values_of(take(*reader, positions, 1), Partition{1}) == numbers(10, 1));
}

void what_acquired_throws_leaves_poll(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  Positions positions;
  positions.refuse = true;
  const auto reader = log->reader(stream, positions);
  CHECK_THROWS_AS(take_acquired(*reader, positions, 1), Fenced);
  CHECK_FALSE(positions.called_outside_poll);
}

void seek_reads_from_there(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  append_numbered(*log->writer(), stream, Partition{0}, 0, 20);
  Positions positions;
  const auto reader = log->reader(stream, positions);
  take(*reader, positions, 20);
  reader->seek(Partition{0}, Offset{5});
  CHECK(values_of(take(*reader, positions, 15), Partition{0}) == numbers(5, 15));
  reader->seek(Partition{0}, Offset{0});
  reader->seek(Partition{0}, Offset{19});
  CHECK(values_of(take(*reader, positions, 1), Partition{0}) == numbers(19, 1));
}

void a_paused_partition_yields_nothing(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const auto writer = log->writer();
  append_numbered(*writer, stream, Partition{0}, 0, 5);
  Positions positions;
  const auto reader = log->reader(stream, positions);
  take(*reader, positions, 5);
  take_acquired(*reader, positions, 2);
  reader->pause(Partition{0}, true);
  append_numbered(*writer, stream, Partition{0}, 5, 5);
  append_numbered(*writer, stream, Partition{1}, 0, 5);
  const Taken others = take(*reader, positions, 5);
  CHECK(values_of(others, Partition{0}).empty());
  CHECK(values_of(others, Partition{1}) == numbers(0, 5));
  reader->pause(Partition{0}, false);
  CHECK(values_of(take(*reader, positions, 5), Partition{0}) == numbers(5, 5));
  CHECK(positions.lost_partitions.empty());
}

void a_waiting_reader_sees_appends(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  Positions positions;
  const auto reader = log->reader(stream, positions);
  take_acquired(*reader, positions, 1);
  const auto writer = log->writer();
  for (int i = 0; i < 20; ++i) {
    const std::jthread appends([&] { append_numbered(*writer, stream, Partition{0}, i, 1); });
    check_seen_while_waiting(*reader, positions, i);
  }
}

void each_group_sees_everything(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  append_numbered(*log->writer(), stream, Partition{0}, 0, 10);
  Positions one;
  Positions other;
  const auto first = log->reader(stream, one);
  const auto second = log->reader(stream, other);
  CHECK(values_of(take(*first, one, 10), Partition{0}) == numbers(0, 10));
  CHECK(values_of(take(*second, other, 10), Partition{0}) == numbers(0, 10));
}

}  // namespace

void log_readers_contract(const MakeLog& make) {
  SECTION("reading begins at the position that acquired() returns, asked for inside poll") {
    reading_begins_where_acquired_says(make);
  }
  SECTION("what acquired() throws leaves poll") { what_acquired_throws_leaves_poll(make); }
  SECTION("seek reads again from there, and ahead to there") { seek_reads_from_there(make); }
  SECTION("a paused partition yields nothing, others do; resumed, it goes on where it was") {
    a_paused_partition_yields_nothing(make);
  }
  SECTION("a reader that waits sees what is appended meanwhile") {
    a_waiting_reader_sees_appends(make);
  }
  SECTION("two readers of groups of their own each see everything") {
    each_group_sees_everything(make);
  }
}

}  // namespace sluice::testing
