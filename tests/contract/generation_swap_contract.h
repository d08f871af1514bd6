#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "storage/equal_snapshot.h"
#include "storage/generation_swap.h"
#include "storage/projection_sink.h"

namespace sluice::testing {

// What a reader has in front of it: whose rows, and the highest as_of of what is computed.
struct Shown {
  int generation = 0;
  std::int64_t as_of = 0;
  bool operator==(const Shown&) const = default;
};

// A transaction in one snapshot, which it has from the beginning on.
class ReaderUnderTest {
 public:
  virtual ~ReaderUnderTest() = default;
  // Through the views as they are now. nullopt: it is told to begin again.
  virtual std::optional<Shown> read() = 0;
};

// What a technology gives to be held to the contract of comparing and swapping: projection "shapes"
// with 2 partitions, of which generation 1 is live and generation 2 ready, both at 10 in both
// partitions, folded by "owner1" and "owner2", each with a row of OnlyKey that tells them apart.
class SwapUnderTest {
 public:
  virtual ~SwapUnderTest() = default;
  virtual ProjectionSink& live() = 0;   // generation 1
  virtual ProjectionSink& other() = 0;  // generation 2
  virtual std::unique_ptr<SwapSession> swap(SwapKind kind, SwappedPair pair) = 0;
  // Promotes generation 2, or rolls back from it to generation 1.
  std::unique_ptr<SwapSession> swap(SwapKind kind) {
    return swap(kind, kind == SwapKind::roll_back ? SwappedPair{2, 1} : SwappedPair{1, 2});
  }
  // Makes generation 3, with a row of OnlyKey of its own, which is still built, or ready and at 10.
  virtual void build_third(bool ready) = 0;
  // "standing live ready", by number.
  virtual std::string statuses() = 0;
  // Generation 2, as if a program had made it.
  virtual void let_promote_itself() = 0;
  virtual std::unique_ptr<ComparisonSession> comparison() = 0;
  virtual std::unique_ptr<ReaderUnderTest> reader() = 0;
  // Gives the generation a row of Summary of the key "a", and says whether that is due.
  virtual void summarize(int generation, std::int64_t as_of, bool due) = 0;
  virtual std::int64_t as_of(int generation) = 0;
  // Gives it a row of Share of the key "a".
  virtual void share(int generation, double value) = 0;
  // Of generation 2 held against 1: "same added missing changed undecided" rows of the table.
  virtual std::string compared(const std::string& table) = 0;
  // Whether owners of generation 2 are told to compute what is due at once.
  virtual bool hurries() = 0;
  // Whether the work, at which nothing else is wrong, waits for a lock. settle() has it come
  // through once the lock has gone.
  virtual bool waits(std::function<void()> work) = 0;
  virtual void settle() = 0;
};

// One is made for each section.
using MakeSwap = std::function<std::unique_ptr<SwapUnderTest>()>;

// What every SwapSession and ComparisonSession keeps, and what their protocols make of it. Called
// from a TEST_CASE.
void generation_swap_contract(const MakeSwap& make);
// What all generations are after swaps, what a late mark does, and how rows are compared. The same.
void swapped_roles_contract(const MakeSwap& make);

}  // namespace sluice::testing
