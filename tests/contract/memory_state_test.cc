#include "storage/memory/memory_state.h"

#include <catch2/catch.hpp>
#include <limits>

#include "tests/contract/state_model.h"
#include "tests/contract/state_rows.h"
#include "tests/contract/state_store_contract.h"

namespace sluice::testing {
namespace {

class MemoryStateUnderTest final : public StateUnderTest {
 public:
  StateStore& store() override { return *store_; }
  void reopen() override { store_ = std::make_unique<MemoryStateStore>(state_); }

 private:
  MemoryState state_;
  std::unique_ptr<MemoryStateStore> store_ = std::make_unique<MemoryStateStore>(state_);
};

}  // namespace

TEST_CASE("the state in memory keeps the contract") {
  state_store_contract([] { return std::make_unique<MemoryStateUnderTest>(); });
}

TEST_CASE("state in memory loses its newest batches, whole, and nothing before them") {
  const unsigned seed = GENERATE(take(20, random(0, std::numeric_limits<int>::max())));
  INFO("seed " << seed);
  MemoryState state;
  MemoryStateStore store(state);
  StateModel model(seed);
  std::vector<StateRows> history = {rows_of(store)};
  const auto write = [&](int batches) {
    for (int i = 0; i < batches; ++i) {
      if (model.below(8) == 0) {
        model.clear(store);
      } else {
        model.change(store);
      }
      history.push_back(rows_of(store));
    }
  };
  write(30);
  for (const std::size_t lost : {3u, 0u, 7u, 1u}) {
    CHECK(state.lose_newest(lost) == lost);
    history.resize(history.size() - lost);
    CHECK(rows_of(store) == history.back());
  }
  write(5);
  CHECK(state.lose_newest(5) == 5);
  history.resize(history.size() - 5);
  CHECK(rows_of(store) == history.back());
}

TEST_CASE("what is no longer remembered cannot be lost") {
  MemoryState state(2);
  MemoryStateStore store(state);
  for (const char* value : {"1", "2", "3", "4"}) put_all(store, {{"k", value}});
  CHECK(state.lose_newest(10) == 2);
  CHECK(get(store, "k") == "2");
}

TEST_CASE("a copy of the state goes its own way") {
  MemoryState state;
  MemoryStateStore store(state);
  put_all(store, {{"k", "1"}});
  MemoryState checkpoint = state;
  put_all(store, {{"k", "2"}});
  MemoryStateStore restored(checkpoint);
  CHECK(get(restored, "k") == "1");
  put_all(restored, {{"k", "3"}});
  CHECK(get(store, "k") == "2");
}

}  // namespace sluice::testing
