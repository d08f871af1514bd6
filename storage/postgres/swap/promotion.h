#pragma once

// Readers are given another generation, and back.

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "storage/generation_swap.h"
#include "storage/postgres/swap/generation_pair.h"

namespace sluice {

struct Promotion {
  int live = 0;
  int was = 0;
  Positions positions;  // at which the one took the place of the other
  // Generations that should have gone, and what is in the way; `sluice retire` takes them later.
  std::vector<GenerationRefusal> left;
};
using Promoted = std::variant<Promotion, GenerationRefusal>;

// What promote() may be asked for: `generation`, else the one that is ready, beside the live one.
// Refused as "not_ready"; as "no_owner"; as "lagging" where a partition is over `records_behind`
// behind; as "columns" where its columns have other types than the views', or its functions for
// readers need what its tables lack. Where it is live already there is nothing to do.
// Misconfigured: there is no such generation.
[[nodiscard]] std::variant<GenerationPair, GenerationRefusal> promotable(
    const std::string& url, const std::string& domain, std::optional<int> generation,
    std::int64_t records_behind);

// Makes readers see the other one of the pair, in one transaction: views, functions for readers,
// statuses. No statement sees both, and no reader waits for over some 100 ms; a snapshot from
// before is told to begin again (40001). The one before stays, standing; one that stood before that
// is retired. A crash at any step leaves all or nothing of it, and the next call goes on.
//
// A key's computed rows that the other has as of an older position than readers saw are those of
// that position too where nothing is due; what is due its owners are told to compute at once, and
// that is waited for.
//
// Refused as "busy" where the two are not at one position within a second, 5 times, or a key that
// readers saw computed is not in time; as "locked" where somebody uses the views through
// `lock_wait`; as "columns"; as "not_ready" where it is not any more; as "log".
[[nodiscard]] Promoted promote(const std::string& url, const GenerationPair& pair,
                               SwapPatience patience = {});

// The same for a program that promotes what it made by itself. Also refused as "decided", where a
// person promoted it or went back from it meanwhile: it is not tried again then.
[[nodiscard]] Promoted promote_itself(const std::string& url, const GenerationPair& pair,
                                      SwapPatience patience = {});

// The same with the standing one, whose place the live one takes. Also refused as "no_owner".
[[nodiscard]] Promoted roll_back(const std::string& url, const std::string& domain,
                                 SwapPatience patience = {});

}  // namespace sluice
