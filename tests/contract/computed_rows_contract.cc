#include "tests/contract/computed_rows_contract.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shapes/tables.pb.h"
#include "storage/base/errors.h"
#include "tests/contract/made_flush.h"

namespace sluice::testing {
namespace {

// A key's summary and as many shares as there are values; of no value there is none.
ComputedRows computed_rows(const std::string& key, std::int64_t as_of,
                           const std::vector<std::optional<double>>& values) {
  ComputedRows made{key, {}};
  auto& summaries = made.tables.emplace_back();
  summaries.row = shapes::Summary::descriptor();
  auto summary = std::make_unique<shapes::Summary>();
  summary->set_id(key);
  summary->set_as_of(as_of);
  summaries.rows.push_back(std::move(summary));
  auto& shares = made.tables.emplace_back();
  shares.row = shapes::Share::descriptor();
  for (std::size_t i = 0; i < values.size(); ++i) {
    auto share = std::make_unique<shapes::Share>();
    share->set_id(key);
    share->set_place(static_cast<std::int64_t>(i));
    if (values[i]) share->set_value(*values[i]);
    shares.rows.push_back(std::move(share));
  }
  return made;
}

// Moves the position from `from` to `to`, or not.
struct Publication {
  std::int64_t from;
  std::int64_t to;
  std::int64_t published;
  std::string_view owner = "me";

  template <class... Rows>
  FlushOutcome of(ProjectionSink& sink, const Rows&... computed) const {
    const std::vector<const ComputedRows*> all{&computed...};
    Flush flush(Partition{0}, owner, from, to);
    flush.batch.computed = all;
    flush.batch.published_at_from = published;
    return flush.to(sink);
  }
};

void computed_rows_are_replaced(const MakeSink& make) {
  using Texts = std::vector<std::string>;
  const std::string odd = "o\"d\\d, {NULL}";
  const auto world = make();
  ProjectionSink& sink = world->sink();
  sink.claim(Partition{0}, "me");
  CHECK(Publication{0, 4, 0}.of(sink, computed_rows("a", 1, {1.5, 2.5, {}}),
                                computed_rows(odd, 1, {7.0})) == FlushOutcome::committed);
  CHECK(world->computed() ==
        Texts{"a 1", odd + " 1", "a 0 1.5", "a 1 2.5", "a 2 null", odd + " 0 7"});
  CHECK(sink.position(Partition{0})->position == Offset{4});
  CHECK(sink.position(Partition{0})->published == 1);

  // Nothing was folded, so the position stays; another than the owner is fenced all the same.
  const ComputedRows late = computed_rows("a", 2, {2.0});
  CHECK_THROWS_AS((Publication{4, 4, 1, "zombie"}.of(sink, late)), Fenced);
  CHECK(Publication{4, 4, 1}.of(sink, computed_rows("a", 3, {1.5, {}}),
                                computed_rows("b", 3, {})) == FlushOutcome::committed);
  CHECK(world->computed() == Texts{"a 3", "b 3", odd + " 1", "a 0 1.5", "a 1 null", odd + " 0 7"});
  CHECK(sink.position(Partition{0})->position == Offset{4});
  CHECK(sink.position(Partition{0})->published == 2);

  // From before another publication at the same position.
  CHECK_THROWS_AS((Publication{4, 4, 1}.of(sink, late)), Fenced);
  CHECK_THROWS_AS((Publication{3, 4, 2}.of(sink, late)), Fenced);
  CHECK_THROWS_AS(Flush(Partition{0}, "me", 4, 5).to(sink), Fenced);
  CHECK(Publication{4, 4, 2}.of(sink, computed_rows(odd, 5, {})) == FlushOutcome::committed);
  CHECK(world->computed() == Texts{"a 3", "b 3", odd + " 5", "a 0 1.5", "a 1 null"});
  CHECK(sink.claim(Partition{0}, "next").published == 3);
}

void keys_that_are_due_are_known(const MakeSink& make) {
  using Keys = std::vector<std::string>;
  const std::string odd = "o\"d\\d, {NULL}";
  const auto world = make();
  ProjectionSink& sink = world->sink();
  sink.claim(Partition{0}, "me");
  sink.claim(Partition{1}, "me");
  const auto flush = [&](Partition partition, std::int64_t from, std::int64_t to,
                         const Keys& became_due, const Keys& caught_up,
                         std::string_view owner = "me") {
    Flush made(partition, owner, from, to);
    made.batch.became_due = became_due;
    made.batch.caught_up = caught_up;
    return made.to(sink);
  };
  flush(Partition{0}, 0, 4, {"b", odd, "a"}, {});
  flush(Partition{1}, 0, 4, {"a"}, {});
  CHECK(world->seen().due(Partition{0}) == Keys{"a", "b", odd});
  // Said again, and of what was not due: nothing more is due.
  flush(Partition{0}, 4, 5, {"b", "c"}, {odd, "x"});
  CHECK(world->seen().due(Partition{0}) == Keys{"a", "b", "c"});
  CHECK_THROWS_AS(flush(Partition{0}, 5, 6, {"z"}, {"a"}, "zombie"), Fenced);
  CHECK(world->seen().due(Partition{0}) == Keys{"a", "b", "c"});
  flush(Partition{0}, 5, 6, {}, {"a", "b", "c"});
  CHECK(world->seen().due(Partition{0}).empty());
  CHECK(world->seen().due(Partition{1}) == Keys{"a"});
}

ComputedRows all_of_key(const std::string& key, bool has_row) {
  ComputedRows all{key, {}};
  ComputedRows::Table& table = all.tables.emplace_back();
  table.row = shapes::OnlyKey::descriptor();
  if (!has_row) return all;
  auto row = std::make_unique<shapes::OnlyKey>();
  row->set_id(key);
  table.rows.push_back(std::move(row));
  return all;
}

// Beside what a flush changes otherwise: of the key there is then what was given, of others what
// was.
void a_repaired_key_has_its_rows_and_no_others(const MakeSink& make) {
  const auto world = make();
  ProjectionSink& sink = world->sink();
  sink.claim(Partition{0}, "me");
  const std::string odd = "o'd\\d\t{\",}";
  Flush(Partition{0}, "me", 0, 4).put({"a", "b", odd}).to(sink);

  const auto repair = [&](std::int64_t from, const ComputedRows& rows) {
    const ComputedRows* const borrowed = &rows;
    Flush flush(Partition{0}, "me", from, from + 1);
    flush.put({"with it " + std::to_string(from)});
    flush.batch.repaired = {&borrowed, 1};
    return flush.to(sink);
  };
  using Ids = std::vector<std::string>;
  const auto ids = [&] {
    Ids all = world->seen().ids();
    std::ranges::sort(all);
    return all;
  };
  CHECK(repair(4, all_of_key(odd, false)) == FlushOutcome::committed);
  CHECK(ids() == Ids{"a", "b", "with it 4"});
  CHECK(repair(5, all_of_key(odd, true)) == FlushOutcome::committed);
  CHECK(repair(6, all_of_key("b", true)) == FlushOutcome::committed);
  CHECK(ids() == Ids{"a", "b", odd, "with it 4", "with it 5", "with it 6"});
  // Fenced, it is as any flush.
  CHECK_THROWS_AS(repair(6, all_of_key("b", false)), Fenced);
  CHECK(world->seen().ids().size() == 6);
}

}  // namespace

void computed_rows_contract(const MakeSink& make) {
  SECTION("a key's computed rows are replaced as a whole") { computed_rows_are_replaced(make); }
  SECTION("which keys are due is known as of the position") { keys_that_are_due_are_known(make); }
  SECTION("a repaired key has its rows and no others") {
    a_repaired_key_has_its_rows_and_no_others(make);
  }
}

}  // namespace sluice::testing
