#pragma once

// The rounds of one partition's audit: every key that its index knows, then the rows of keys that
// it does not know, then again.

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "projectors/engine/audit/key_look.h"
#include "projectors/engine/audit/large_key.h"
#include "storage/audited_view.h"

namespace sluice {

class PartitionAudit {
 public:
  // How much a step looks at: for tests.
  struct Limits {
    std::size_t postings = 16'384;
    std::size_t rows = 4'096;                       // of a range
    std::size_t of_one_key = KeyLook::kRecordsMax;  // more than that are large
    LargeKeyLook::Limits large = {};
  };

  struct Parts {
    LendState lend;
    AuditedView& view;
    AuditBook& book;
    ReadRecord read;
    OpenScratch scratch;  // for keys that are large
  };

  // View and book outlive this. One thread. Goes on with the round that the book has.
  PartitionAudit(const AuditedPartition& of, Parts parts, Limits limits);
  PartitionAudit(const AuditedPartition& of, Parts parts);

  enum class Did {
    looked,    // went on
    finished,  // a round, with it
    waits,     // state and view were not to be had at one position: nothing has changed
    no_index,  // the state has none: nothing can be audited
  };
  // A bounded piece of work. Retryable: view or log do not answer; Corrupt: the log lacks records
  // of a key, or the index cannot be read. After either the next step does the same again, less at
  // once where it took too long.
  [[nodiscard]] Did step();
  // Looks again at keys that differed, up to a bound, each in its turn: those that are equal now
  // are differences no more. As step(); does nothing where there are none.
  [[nodiscard]] Did look_again();

  [[nodiscard]] const AuditStanding& standing() const { return standing_; }

 private:
  // Of differences that a round finds, those that have a line of their own in the log.
  static constexpr int kToldMax = 10;

  // Which key looked wrong, and how.
  struct Suspect {
    std::string key;
    std::vector<RowFault> faults;
    bool all_kept = true;
  };
  // Of the round at hand.
  struct Walk {
    int bits = 0;                       // there are 2^bits slices
    std::uint64_t slice = 0;            // so many were walked
    std::optional<std::uint64_t> hash;  // where to go on in the one that is; nullopt: at its first
    std::optional<Offset> least;
    std::int64_t rows = 0;
    std::int64_t large = 0;  // keys
    // Once all slices are.
    std::size_t table = 0;
    bool in_state = false;  // the view's rows of the table are walked
    std::string from;

    // For who goes on with it; without what comes once all slices are walked, which is quick.
    [[nodiscard]] std::string text() const;
    // False: that is no such text.
    [[nodiscard]] bool read(const std::string& text);
  };

  Did advance();
  Did begin();
  void note(AuditBook::Note note);
  void saw(Offset position);
  [[nodiscard]] SliceBounds bounds() const;
  Did walk_keys();
  Did walk_large();
  Did walk_ranges();
  // Add to `rows` how many they have looked at.
  Did walk_view(std::size_t& rows);
  Did walk_state(std::size_t& rows);
  Did next_range(std::string from);
  Did finish();
  void suspect(const RowFaults& faults);
  void suspect_unknown(const LentState& state, const std::vector<std::string>& owners);
  [[nodiscard]] bool confirm(const Suspect& suspect);
  void damaged(const google::protobuf::Message& row);
  struct Differing {
    const std::vector<RowFault>& faults;
    std::int64_t count = 0;
    bool by_other_rules = false;  // as KeyRefold has it
  };
  void differ(const std::string& key, const Differing& found);
  void equal(const std::string& key);
  void count();

  const AuditedPartition of_;
  const Parts parts_;
  AuditedView& view_;
  AuditBook& book_;
  const Limits limits_;
  KeyLook look_;
  const std::vector<const google::protobuf::Message*> tables_;  // that are audited
  std::size_t postings_;                                        // of a slice, now
  AuditStanding standing_;
  bool walking_ = false;
  Walk walk_;
  std::deque<Suspect> suspects_;
  std::deque<IndexSlice::Group> large_;     // met and not yet looked at
  std::unique_ptr<LargeKeyLook> at_large_;  // of the first of them; null: not begun
  // How many differences keys have by their last look; of no more than kKeysMax.
  std::map<std::string, std::int64_t, std::less<>> differing_;
  // In keys for which there was no room, and rows that are no key's, in this round.
  std::int64_t beyond_ = 0;
  int told_ = 0;              // lines of the log about differences, in this round
  std::string looked_again_;  // the last of them
};

}  // namespace sluice
