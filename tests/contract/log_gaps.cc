#include "tests/contract/log_gaps.h"

#include <catch2/catch.hpp>

#include "tests/contract/log_reading.h"

namespace sluice::testing {
namespace {

constexpr Partition kFirst{0};
constexpr Partition kSecond{1};

// An empty partition, too, is read to its end.
void caught_up_is_all_that_there_is(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  const auto writer = log->writer();
  append_numbered(*writer, stream, kFirst, 0, 5);
  Positions positions;
  const auto reader = log->reader(stream, positions);
  take(*reader, positions, 5);
  catch_up(*reader, positions, {kFirst, kSecond});
  CHECK(reader->end(kFirst) == Offset{5});
  CHECK(reader->end(kSecond) == Offset{0});

  append_numbered(*writer, stream, kSecond, 0, 3);
  take(*reader, positions, 3);
  catch_up(*reader, positions, {kFirst, kSecond});
  CHECK(reader->end(kSecond) == Offset{3});
}

void caught_up_is_not_said_too_early(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  append_numbered(*log->writer(), stream, kFirst, 0, 20);
  Positions positions;
  const auto reader = log->reader(stream, positions);
  take(*reader, positions, 20);
  catch_up(*reader, positions, {kFirst});
  reader->pause(kFirst, true);
  CHECK_FALSE(reader->caught_up(kFirst));
  reader->pause(kFirst, false);
  reader->seek(kFirst, Offset{12});
  CHECK_FALSE(reader->caught_up(kFirst));
  take(*reader, positions, 8);
  catch_up(*reader, positions, {kFirst});
  CHECK(reader->end(kFirst) == Offset{20});
}

// At the beginning, in the middle, as the last offsets, and where there is nothing else.
void what_no_reader_gets_is_passed_over(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 2);
  if (!log->leave_out_offsets(stream, kFirst)) return;
  log->leave_out_offsets(stream, kSecond);
  const auto writer = log->writer();
  append_numbered(*writer, stream, kFirst, 0, 3);
  log->leave_out_offsets(stream, kFirst);
  log->leave_out_offsets(stream, kFirst);
  const auto last = append_numbered(*writer, stream, kFirst, 3, 2).back();
  log->leave_out_offsets(stream, kFirst);
  REQUIRE(last > Offset{7});

  Positions positions;
  const auto reader = log->reader(stream, positions);
  const Taken taken = take(*reader, positions, 5, Gaps::expected);
  CHECK(values_of(taken, kFirst) == numbers(0, 5));
  CHECK(taken.back().offset == last);
  catch_up(*reader, positions, {kFirst, kSecond});
  CHECK(reader->end(kFirst) == last.next());
  CHECK(reader->end(kSecond) == Offset{0});

  append_numbered(*writer, stream, kFirst, 5, 1);
  CHECK(values_of(take(*reader, positions, 1), kFirst) == numbers(5, 1));
  catch_up(*reader, positions, {kFirst});
  log->leave_out_offsets(stream, kFirst);
  catch_up(*reader, positions, {kFirst});
}

// Where a view stands: behind its last record, before a gap.
void reading_goes_on_before_a_gap(const MakeLog& make) {
  const auto log = make();
  const std::string stream = new_stream(log->topology(), 1);
  const auto writer = log->writer();
  append_numbered(*writer, stream, kFirst, 0, 2);
  if (!log->leave_out_offsets(stream, kFirst)) return;
  Positions positions;
  positions.begin[kFirst] = Offset{2};
  const auto reader = log->reader(stream, positions);
  take_acquired(*reader, positions, 1);
  catch_up(*reader, positions, {kFirst});
  CHECK(reader->end(kFirst) == Offset{2});
  // The record that it was folded from is shown again.
  reader->seek(kFirst, Offset{1});
  CHECK(values_of(take(*reader, positions, 1), kFirst) == numbers(1, 1));
  catch_up(*reader, positions, {kFirst});
  reader->seek(kFirst, Offset{3});
  catch_up(*reader, positions, {kFirst});
  append_numbered(*writer, stream, kFirst, 2, 1);
  CHECK(values_of(take(*reader, positions, 1), kFirst) == numbers(2, 1));
}

}  // namespace

void log_gaps_contract(const MakeLog& make) {
  SECTION("a reader has caught up when it has returned all that there is") {
    caught_up_is_all_that_there_is(make);
  }
  SECTION("it has not while paused, nor behind a seek until it has read on") {
    caught_up_is_not_said_too_early(make);
  }
  SECTION("offsets that no reader gets are passed over, also as the last ones") {
    what_no_reader_gets_is_passed_over(make);
  }
  SECTION("reading goes on before a gap, and within one") { reading_goes_on_before_a_gap(make); }
}

}  // namespace sluice::testing
