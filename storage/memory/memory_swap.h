#pragma once

// Two generations in memory compared and swapped: the steps, locks and sessions that Postgres has.

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "storage/equal_snapshot.h"
#include "storage/generation_swap.h"
#include "storage/memory/memory_hold.h"
#include "storage/memory/memory_readers.h"
#include "storage/memory/memory_views.h"

namespace sluice {

// Both must outlive it, and stay where they are.
struct MemoryPair {
  MemoryViews& live;
  MemoryViews& other;
  // All generations that the projection has now. None: there are no further ones.
  std::function<std::vector<MemoryViews*>()> all = {};
};

class MemorySwap final : public SwapSession {
 public:
  MemorySwap(MemoryPair pair, MemoryReaders& readers, SwapKind kind)
      : pair_(std::move(pair)), readers_(readers), kind_(kind) {}

  [[nodiscard]] std::optional<Ended> begin() override;
  void lock_live() override;
  PairStand look() override;
  void lock_other() override;
  [[nodiscard]] std::string still_computed() override;
  void hurry(std::chrono::seconds how_long) override { pair_.other.hurry_for(how_long); }
  void commit_mark() override;
  [[nodiscard]] bool older_snapshots() override { return readers_.older_than(mark_); }
  void write() override;
  [[nodiscard]] std::optional<Ended> show() override;
  [[nodiscard]] bool commit() override;
  void release() noexcept override;
  [[nodiscard]] std::optional<std::string> not_in_time(const Retryable& failure) const override {
    return failure.what();
  }

 private:
  // A statement in the transaction that holds; Retryable where that was ended.
  void speak();
  [[nodiscard]] std::vector<MemoryViews*> generations() const;
  [[nodiscard]] std::set<std::string> due_in_other() const;

  const MemoryPair pair_;
  MemoryReaders& readers_;
  const SwapKind kind_;
  std::shared_ptr<MemoryHold> hold_;
  std::int64_t mark_ = 0;
  GenerationRoles roles_;  // of all generations, as they are while this swap is under way
  // Written, and not committed.
  std::map<Partition, Offset> emits_from_;
};

class MemoryComparison final : public ComparisonSession {
 public:
  explicit MemoryComparison(MemoryPair pair) : pair_(std::move(pair)) {}

  void lock_live() override;
  PairStand look() override;
  void release() noexcept override { hold_.reset(); }
  [[nodiscard]] std::optional<std::string> not_in_time(const Retryable& failure) const override {
    return failure.what();
  }
  [[nodiscard]] std::optional<GenerationRefusal> await_owners() override;

  // The two in the snapshot that the last look() left open; null: it left none.
  [[nodiscard]] const MemoryViews* live() const { return live_ ? &*live_ : nullptr; }
  [[nodiscard]] const MemoryViews* other() const { return other_ ? &*other_ : nullptr; }

 private:
  const MemoryPair pair_;
  std::shared_ptr<MemoryHold> hold_;
  std::optional<MemoryViews> live_;
  std::optional<MemoryViews> other_;
};

}  // namespace sluice
