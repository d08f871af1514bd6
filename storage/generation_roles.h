#pragma once

// What each generation of a projection is to readers, and what becomes of all of them at a swap:
// every technology goes by it.

#include <optional>
#include <string_view>
#include <vector>

#include "storage/generation_refusal.h"

namespace sluice {

// In the words of sluice.projection.status.
enum class GenerationStatus {
  building,  // folded beside the live one
  ready,     // close enough to the live one to take its place
  live,      // what readers see
  standing,  // was live before the live one, and is folded on
  failed,
  retired,  // folded no more; its tables go as soon as nothing is in their way
};

[[nodiscard]] std::string_view word_of(GenerationStatus status);
// CHECK: there is such a word.
[[nodiscard]] GenerationStatus status_of(std::string_view word);

struct GenerationRole {
  int generation = 0;
  GenerationStatus status = GenerationStatus::building;
  // A program made it and promotes it once, by itself, unless a person decides first.
  bool promotes_itself = false;

  friend bool operator==(const GenerationRole&, const GenerationRole&) = default;
};

enum class SwapKind {
  promote,         // a person asked for it
  promote_itself,  // nobody did: only while the generation promotes itself
  roll_back,
};

// `other` takes the place of `live`.
struct SwappedPair {
  int live = 0;
  int other = 0;
};

using GenerationRoles = std::vector<GenerationRole>;

// Whether `other` is live already: by somebody faster, or by an earlier try whose answer was lost.
[[nodiscard]] bool is_swapped(SwappedPair pair, const GenerationRoles& roles);

// Why the one may not take the place of the other as the generations stand now, at the latest
// moment at which nobody else can swap: "not_ready"; "decided", where it is to promote itself and
// somebody swapped it since it was chosen. nullopt: it may.
[[nodiscard]] std::optional<GenerationRefusal> refuse_roles(SwapKind kind, SwappedPair pair,
                                                            const GenerationRoles& roles);

// What the generations are after the swap: at most one each is live, standing, and building or
// ready. A swap decides for both generations of the pair: neither promotes itself later.
[[nodiscard]] GenerationRoles roles_after(SwapKind kind, SwappedPair pair, GenerationRoles roles);

}  // namespace sluice
