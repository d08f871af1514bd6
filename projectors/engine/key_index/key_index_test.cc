#include "projectors/engine/key_index/key_index.h"

#include <rapidcheck.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "projectors/engine/key_index/index_page.h"
#include "projectors/engine/key_index/key_lookup.h"
#include "storage/base/errors.h"
#include "storage/memory/memory_state.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// So small that some tens of records are merged several times over.
constexpr KeyIndexShape kSmall{
    .page_bytes = 40, .fan_in = 2, .merge_pace = 2, .merge_least = 3, .time_every = 5};

Time at(std::int64_t ms) { return Time(milliseconds(ms)); }

// What an index must answer.
struct Model {
  std::map<std::string, Postings> keys;
  std::vector<std::pair<Offset, Time>> records;
  std::int64_t next = 0;
  std::int64_t now_ms = 0;

  void add(const std::string& key, const Posting& posting) { keys[key].push_back(posting); }
};

// An index and its model, driven as a fold drives it.
class Driven {
 public:
  explicit Driven(std::uint64_t seed) : random_(seed) {
    written_.emplace_back();
    open();
  }

  void record() {
    const Offset offset{model_.next};
    model_.next += 1 + static_cast<std::int64_t>(pick(3) == 0 ? pick(3000) : 0);
    if (pick(50) == 0) model_.next += 5'000'000'000;
    const std::string key = pick(10) == 0 ? "" : key_of(pick(6));
    index_->meet(offset, key, at(model_.now_ms));
    model_.records.emplace_back(offset, at(model_.now_ms));
    model_.now_ms += static_cast<std::int64_t>(pick(20));
    std::string last;
    for (std::uint64_t n = pick(5) == 0 ? pick(3) : 0; n > 0; --n) {
      const std::string timers_key = key_of(pick(6));
      index_->fired(timers_key, at(model_.now_ms));
      if (timers_key == key || timers_key == last) continue;
      if (last.empty() || !told(timers_key, offset)) {
        model_.add(timers_key, {offset, Posting::Kind::fired, false, model_.now_ms});
      }
      last = timers_key;
    }
    Posting posting{{}, static_cast<Posting::Kind>(pick(3)), pick(2) == 0, 0};
    if (posting.kind != Posting::Kind::plain) {
      posting.time = static_cast<std::int64_t>(pick(100'000)) - 50'000;
    }
    index_->add(posting);
    posting.offset = offset;
    if (!key.empty()) model_.add(key, posting);
  }

  void write() {
    StateBatch batch;
    index_->write(batch, Offset{model_.next});
    store_.write(batch);
    written_.push_back(model_);
  }

  // All that was not written is gone, and the newest batches with it.
  void crash() {
    std::size_t batches = pick(2) == 0 ? 0 : pick(4);
    batches = std::min(batches, written_.size() - 1);
    RC_ASSERT(state_.lose_newest(batches) == batches);
    written_.resize(written_.size() - batches);
    model_ = written_.back();
    open();
  }
  void forget() {
    model_ = written_.back();
    index_->forget_unwritten();
  }

  void check() {
    const Offset below{
        static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(model_.next + 2)))};
    for (std::uint64_t n = 0; n < 7; ++n) {
      const std::string key = key_of(n);
      check(key, Offset{model_.next});
      check(key, below);
    }
    check_times();
  }

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }

  [[nodiscard]] std::size_t runs() {
    std::size_t runs = 0;
    for (auto run = store_.scan(key_index::kRecords, key_index::kRecordsEnd); run->valid();
         run->next()) {
      ++runs;
    }
    return runs;
  }

 private:
  static std::string key_of(std::uint64_t n) { return "key" + std::to_string(n); }

  void open() {
    index_.emplace(store_, kSmall);
    index_->load(true);
  }

  [[nodiscard]] bool told(const std::string& key, Offset offset) {
    const Postings& of_key = model_.keys[key];
    return !of_key.empty() && of_key.back().offset == offset;
  }

  [[nodiscard]] ScanState scan() {
    return [this](std::string_view from, std::string_view to) { return store_.scan(from, to); };
  }

  void check(const std::string& key, Offset below) {
    Postings expected;
    for (const Posting& posting : written_.back().keys[key]) {
      if (posting.offset < below) expected.push_back(posting);
    }
    RC_ASSERT(postings_of(scan(), key, below) == expected);
  }

  void check_times() {
    const Time time =
        at(static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(written_.back().now_ms + 2))));
    const auto mark = last_mark_not_after(scan(), time);
    if (written_.back().records.empty()) return RC_ASSERT(!mark);
    // The records are told from the mark on: none that is behind it and marked may be too early.
    RC_ASSERT(mark || written_.back().records.front().second > time);
    if (!mark) return;
    const auto marked =
        std::ranges::find(written_.back().records, mark->offset, &std::pair<Offset, Time>::first);
    RC_ASSERT(marked != written_.back().records.end() && marked->second == mark->before);
    RC_ASSERT(mark->before <= time);
    const auto later = std::ranges::find_if(
        written_.back().records, [&](const auto& record) { return record.second > time; });
    for (auto record = marked; record != later; ++record) {
      RC_ASSERT(record->first.value - mark->offset.value < 3100 + kSmall.time_every);
    }
  }

  std::mt19937_64 random_;
  MemoryState state_{100'000};
  MemoryStateStore store_{state_};
  std::optional<KeyIndex> index_;
  Model model_;
  std::vector<Model> written_;  // by batch, from before the first
};

TEST_CASE("an index answers as a map of all records would, whatever was merged or lost") {
  REQUIRE(rc::check("index and model", [](std::uint64_t seed) {
    Driven driven(seed);
    for (int step = 0; step < 300; ++step) {
      const std::uint64_t what = driven.pick(20);
      if (what < 14) {
        driven.record();
      } else if (what < 18) {
        driven.write();
        driven.check();
      } else if (what == 18) {
        driven.crash();
      } else {
        driven.forget();
      }
    }
    driven.write();
    driven.check();
  }));
}

TEST_CASE("runs stay few, however many batches there were") {
  Driven driven(1);
  std::size_t most = 0;
  for (int batch = 0; batch < 2000; ++batch) {
    driven.record();
    driven.write();
    most = std::max(most, driven.runs());
  }
  // With two to one: a level less than two that wait, two that are merged, and an output.
  CHECK(most < 11 * 5);
  driven.check();
}

TEST_CASE("a record takes about two bytes once runs are merged") {
  MemoryState state;
  MemoryStateStore store(state);
  KeyIndex index(store);
  index.load(true);
  constexpr std::int64_t kRecords = 400'000;
  std::mt19937_64 random(7);
  for (std::int64_t offset = 0; offset < kRecords; ++offset) {
    index.meet(Offset{offset}, "conversation" + std::to_string(random() % 500), at(offset));
    index.add({});
    if (offset % 5000 != 4999) continue;
    StateBatch batch;
    index.write(batch, Offset{offset + 1});
    store.write(batch);
  }
  // What is being merged is there twice until it is done.
  for (int write = 0; write < 300; ++write) {
    StateBatch batch;
    index.write(batch, Offset{kRecords});
    store.write(batch);
  }
  std::size_t bytes = 0;
  for (auto page = store.scan("kr", "ks"); page->valid(); page->next()) {
    bytes += page->key().size() + page->value().size();
  }
  INFO(static_cast<double>(bytes) / kRecords << " bytes a record");
  CHECK(bytes < kRecords * 5 / 2);
}

TEST_CASE("an index that is not kept costs nothing and has nothing") {
  MemoryState state;
  MemoryStateStore store(state);
  KeyIndex index(store);
  index.load(false);
  index.meet(Offset{0}, "key", at(0));
  index.add({});
  index.fired("key", at(0));
  StateBatch batch;
  index.write(batch, Offset{1});
  CHECK(batch.empty());
  CHECK(index.bytes() == 0);
}

TEST_CASE("a page that is cut short is found out") {
  key_index::PageWriter writer;
  for (std::int64_t i = 0; i < 10; ++i) writer.add({5, {Offset{i * 1000}, {}, false, 0}});
  const std::string page(writer.finish());
  for (std::size_t size = 1; size < page.size(); ++size) {
    const auto walk = [&] {
      for (key_index::PageReader entries(std::string_view(page).substr(0, size));
           entries.valid();) {
        entries.next();
      }
    };
    CHECK_THROWS_AS(walk(), Corrupt);
  }
}

}  // namespace
}  // namespace sluice
