#include "tests/contract/event_log_contract.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "storage/base/errors.h"
#include "tests/contract/log_gaps.h"
#include "tests/contract/log_readers.h"
#include "tests/contract/log_reading.h"

namespace sluice::testing {
namespace {

void check_numbered(const TakenRecord& record) {
  CHECK(record.key == key_of(record.value));
  CHECK(record.appended_at > Time{});
}

// Record i of an append over 3 partitions in turn.
void check_offset_in_turn(const NewRecord& record, std::size_t i) {
  CHECK(record.offset == Offset{static_cast<std::int64_t>(i / 3)});
}

void check_value_in_turn(const TakenRecord& record, const std::vector<std::string>& values) {
  const auto i = static_cast<std::size_t>(record.offset.value * 3 + record.partition.value);
  REQUIRE(i < values.size());
  CHECK(record.value == values[i]);
}

void check_pair(const TakenRecord& record, const std::pair<std::string, std::string>& pair) {
  CHECK(record.key == pair.first);
  // Not CHECK(a == b), which would print a megabyte.
  const bool same = record.value == pair.second;
  CHECK(same);
}

void partitions_keep_their_order(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const auto writer = log->writer();
  append_numbered(*writer, stream, Partition{0}, 0, 50);
  append_numbered(*writer, stream, Partition{1}, 100, 30);
  append_numbered(*writer, stream, Partition{0}, 50, 20);

  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, 100);
  CHECK(values_of(taken, Partition{0}) == numbers(0, 70));
  CHECK(values_of(taken, Partition{1}) == numbers(100, 30));
  for (const TakenRecord& record : taken) check_numbered(record);
}

void one_append_spreads_over_partitions(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 3);
  std::vector<std::string> values = numbers(0, 90);
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < values.size(); ++i) {
    records.push_back({Partition{static_cast<std::int32_t>(i % 3)}, "k", values[i]});
  }
  log->writer()->append(stream, records);
  for (std::size_t i = 0; i < records.size(); ++i) check_offset_in_turn(records[i], i);

  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, 90);
  for (const TakenRecord& record : taken) check_value_in_turn(record, values);
}

void many_batches_come_whole(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  const auto writer = log->writer();
  for (int batch = 0; batch < 60; ++batch) {
    append_numbered(*writer, stream, Partition{0}, batch * 100, 100);
  }
  Positions positions;
  const auto reader = log->reader(stream, positions);
  CHECK(values_of(take(*reader, positions, 6000), Partition{0}) == numbers(0, 6000));
}

void bytes_are_bytes(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  const std::string nul("\0a\0", 3);
  const std::string high("\xff\xfe\x80", 3);
  std::string large(1'000'000, 'x');
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = static_cast<char>(i * 7919 >> 5);
  const std::vector<std::pair<std::string, std::string>> pairs = {
      {"", ""}, {"k", ""}, {"", "v"}, {nul, nul}, {high, high}, {"large", large}, {nul, "end"}};
  std::vector<NewRecord> records;
  records.reserve(pairs.size());
  for (const auto& [key, value] : pairs) records.push_back({Partition{0}, key, value});
  log->writer()->append(stream, records);

  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, pairs.size());
  for (std::size_t i = 0; i < pairs.size(); ++i) check_pair(taken[i], pairs[i]);
}

void nothing_is_behind_a_refused_record(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  const auto writer = log->writer();
  // What is behind it could be on its way at once.
  append_numbered(*writer, stream, Partition{0}, 9000, 1);
  const std::string too_large(8u << 20, 'x');  // for some
  std::vector<std::string> values = numbers(0, 4000);
  values[3] = too_large;
  std::vector<NewRecord> records;
  records.reserve(values.size());
  for (const std::string& value : values) records.push_back({Partition{0}, "k", value});
  std::size_t kept = values.size();
  try {
    writer->append(stream, records);
  } catch (const Error&) {
    kept = 3;
  }
  append_numbered(*writer, stream, Partition{0}, 5000, 10);

  const auto end = log->topology().range(stream, Partition{0}).end;
  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, static_cast<std::size_t>(end.value));
  std::vector<std::string> found = values_of(taken, Partition{0});
  REQUIRE(found.size() >= 11);
  CHECK(found.front() == "9000");
  CHECK(std::vector<std::string>(found.end() - 10, found.end()) == numbers(5000, 10));
  found.resize(found.size() - 10);
  found.erase(found.begin());
  REQUIRE(found.size() <= kept);
  const bool prefix = std::equal(found.begin(), found.end(), values.begin());
  CHECK(prefix);
}

// Some logs take it, some do not; either way it is told, and others are as if it were not there.
void a_refused_record_fails_no_other(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const std::string too_large(8u << 20, 'x');  // for some
  const std::vector<std::string> values = numbers(0, 400);
  std::vector<NewRecord> records;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const bool is_large = i == 100;
    records.push_back({Partition{static_cast<std::int32_t>(i % 2)}, "k",
                       is_large ? std::string_view(too_large) : values[i]});
  }
  const auto writer = log->writer();
  const bool fits = too_large.size() < writer->largest_record(stream);
  writer->try_append(stream, records);
  for (std::size_t i = 0; i < records.size(); ++i) {
    const bool there = fits || i != 100;
    REQUIRE((records[i].offset >= Offset{0}) == there);
    REQUIRE((records[i].failure == nullptr) == there);
  }
  CHECK(log->topology().range(stream, Partition{0}).end == Offset{fits ? 200 : 199});
  CHECK(log->topology().range(stream, Partition{1}).end == Offset{200});
  // A failure is forgotten when the record is appended again.
  if (!fits) {
    CHECK(records[100].failure->kind == AppendFailure::Kind::too_large);
    records[100].value = "small";
    writer->try_append(stream, std::span(records).subspan(100, 1));
    CHECK(records[100].offset == Offset{199});
    CHECK_FALSE(records[100].failure);
  }
}

void an_empty_append_does_nothing(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  log->writer()->append(stream, {});
  CHECK(log->topology().range(stream, Partition{0}) == LogRange{Offset{0}, Offset{0}});
}

void offsets_follow_one_another(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const auto writer = log->writer();
  CHECK(append_numbered(*writer, stream, Partition{1}, 0, 3) == offsets(0, 3));
  CHECK(append_numbered(*writer, stream, Partition{1}, 3, 4) == offsets(3, 4));
  CHECK(append_numbered(*writer, stream, Partition{0}, 9, 1) == offsets(0, 1));
  CHECK(log->topology().range(stream, Partition{1}) == LogRange{Offset{0}, Offset{7}});
  CHECK(log->topology().range(stream, Partition{0}) == LogRange{Offset{0}, Offset{1}});

  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, 8);
  CHECK(offsets_of(taken, Partition{1}) == offsets(0, 7));
  CHECK(reader->end(Partition{1}) == Offset{7});
  CHECK(reader->end(Partition{0}) == Offset{1});
}

void a_stream_is_made_once(const MakeLog& make) {
  const auto log = make();
  LogTopology& topology = log->topology();
  const std::string stream = unique_stream();
  CHECK_FALSE(topology.partitions(stream));
  topology.create(stream, 3);
  CHECK(topology.partitions(stream) == 3);
  append_numbered(*log->writer(), stream, Partition{2}, 0, 1);
  topology.create(stream, 3);
  CHECK(topology.range(stream, Partition{2}) == LogRange{Offset{0}, Offset{1}});
  CHECK_THROWS_AS(topology.create(stream, 4), Misconfigured);
  CHECK_THROWS_AS(topology.create(stream, 2), Misconfigured);
  CHECK(topology.partitions(stream) == 3);
}

void what_does_not_exist_is_said(const MakeLog& make) {
  const auto log = make();
  const std::string missing = unique_stream();
  const std::string stream = new_stream(log->topology(), 1);
  CHECK_THROWS_AS(log->topology().range(missing, Partition{0}), Misconfigured);
  CHECK_THROWS_AS(log->topology().range(stream, Partition{1}), Misconfigured);
  const auto writer = log->writer();
  CHECK_THROWS_AS(append_numbered(*writer, missing, Partition{0}, 0, 1), Misconfigured);
  CHECK_FALSE(log->topology().partitions(missing));
  // The writer is none the worse.
  append_numbered(*writer, stream, Partition{0}, 0, 1);
}

void streams_do_not_mix(const MakeLog& make) {
  const auto log = make();
  const std::string one = unique_stream();
  const std::string other = one + "0";
  log->topology().create(one, 1);
  log->topology().create(other, 1);
  const auto writer = log->writer();
  append_numbered(*writer, one, Partition{0}, 0, 3);
  append_numbered(*writer, other, Partition{0}, 100, 4);
  Positions positions;
  const auto reader = log->reader(other, positions);
  CHECK(values_of(take(*reader, positions, 4), Partition{0}) == numbers(100, 4));
  CHECK(log->topology().range(one, Partition{0}).end == Offset{3});
}

void writers_keep_their_order(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  const auto write = [&](int first) {
    const auto writer = log->writer();
    for (int i = 0; i < 200; i += 10) append_numbered(*writer, stream, Partition{0}, first + i, 10);
  };
  {
    const std::jthread one(write, 0);
    const std::jthread other(write, 1000);
  }
  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, 400);
  CHECK(offsets_of(taken, Partition{0}) == offsets(0, 400));
  std::vector<std::string> ones;
  std::vector<std::string> others;
  for (const TakenRecord& r : taken) (std::stoi(r.value) < 1000 ? ones : others).push_back(r.value);
  CHECK(ones == numbers(0, 200));
  CHECK(others == numbers(1000, 200));
}

void reopened_it_has_what_was_acknowledged(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  append_numbered(*log->writer(), stream, Partition{1}, 0, 25);
  log->reopen();
  CHECK(log->topology().partitions(stream) == 2);
  CHECK(log->topology().range(stream, Partition{1}) == LogRange{Offset{0}, Offset{25}});
  CHECK(log->topology().range(stream, Partition{0}) == LogRange{Offset{0}, Offset{0}});
  CHECK(append_numbered(*log->writer(), stream, Partition{1}, 25, 5) == offsets(25, 5));
  Positions positions;
  const auto reader = log->reader(stream, positions);
  CHECK(values_of(take(*reader, positions, 30), Partition{1}) == numbers(0, 30));
}

void a_partition_keeps_its_identity(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const std::string name = log->topology().name();
  CHECK_FALSE(name.empty());
  append_numbered(*log->writer(), stream, Partition{1}, 0, 1);
  const auto identity = log->topology().identity(stream, Partition{1});
  REQUIRE(identity);
  CHECK(parse_identity(identity->text) == identity);
  CHECK(identity->short_form().size() == 6);
  append_numbered(*log->writer(), stream, Partition{1}, 1, 10);
  append_numbered(*log->writer(), stream, Partition{0}, 0, 3);
  CHECK(log->topology().identity(stream, Partition{1}) == identity);
  log->reopen();
  CHECK(log->topology().name() == name);
  CHECK(log->topology().identity(stream, Partition{1}) == identity);
  CHECK(log->topology().identity(stream, Partition{0}));
  CHECK_THROWS_AS(log->topology().identity(stream, Partition{2}), Misconfigured);
  CHECK_THROWS_AS(log->topology().identity(unique_stream(), Partition{0}), Misconfigured);
}

}  // namespace

void event_log_contract(const MakeLog& make) {
  SECTION("what is appended is read back, those of one partition in order") {
    partitions_keep_their_order(make);
  }
  SECTION("one append spreads over partitions and keeps the order within each") {
    one_append_spreads_over_partitions(make);
  }
  SECTION("many batches come whole, without a gap and without a repeat") {
    many_batches_come_whole(make);
  }
  SECTION("bytes are bytes: empty, NUL, large") { bytes_are_bytes(make); }
  SECTION("where a record is refused nothing behind it is in the log, now or later") {
    nothing_is_behind_a_refused_record(make);
  }
  SECTION("a record that is refused fails no record beside it") {
    a_refused_record_fails_no_other(make);
  }
  SECTION("an append of nothing does nothing") { an_empty_append_does_nothing(make); }
  SECTION("offsets are set by append and follow one another; range and end tell the next") {
    offsets_follow_one_another(make);
  }
  SECTION("a stream is made once; the same again is nothing, another number is refused") {
    a_stream_is_made_once(make);
  }
  SECTION("what does not exist is said") { what_does_not_exist_is_said(make); }
  SECTION("streams do not mix, and neither do names that begin alike") { streams_do_not_mix(make); }
  SECTION("writers side by side: each one's records keep their order, no offset is given twice") {
    writers_keep_their_order(make);
  }
  SECTION("a partition keeps its identity, whatever is appended, also reopened") {
    a_partition_keeps_its_identity(make);
  }
  log_readers_contract(make);
  log_gaps_contract(make);
  SECTION("reopened, it has everything that was acknowledged, and goes on behind it") {
    reopened_it_has_what_was_acknowledged(make);
  }
}

}  // namespace sluice::testing
