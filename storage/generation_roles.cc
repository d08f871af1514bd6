#include "storage/generation_roles.h"

#include <algorithm>
#include <array>
#include <string>

#include "storage/base/check.h"

namespace sluice {
namespace {

constexpr std::array<std::string_view, 6> kWords{"building", "ready",  "live",
                                                 "standing", "failed", "retired"};

const GenerationRole* find(const GenerationRoles& roles, int generation) {
  const auto found = std::ranges::find(roles, generation, &GenerationRole::generation);
  return found == roles.end() ? nullptr : &*found;
}

std::string text(const GenerationRoles& roles, int generation) {
  const GenerationRole* const role = find(roles, generation);
  return "generation " + std::to_string(generation) + " is " +
         (role == nullptr ? "not there any more" : std::string(word_of(role->status)));
}

bool is_in_the_making(const GenerationRole& role) {
  return role.status == GenerationStatus::building || role.status == GenerationStatus::ready;
}

}  // namespace

std::string_view word_of(GenerationStatus status) {
  return kWords[static_cast<std::size_t>(status)];
}

GenerationStatus status_of(std::string_view word) {
  const auto found = std::ranges::find(kWords, word);
  CHECK(found != kWords.end(), "the schema allows no other word");
  return static_cast<GenerationStatus>(found - kWords.begin());
}

bool is_swapped(SwappedPair pair, const GenerationRoles& roles) {
  const GenerationRole* const other = find(roles, pair.other);
  return other != nullptr && other->status == GenerationStatus::live;
}

std::optional<GenerationRefusal> refuse_roles(SwapKind kind, SwappedPair pair,
                                              const GenerationRoles& roles) {
  const GenerationRole* const live = find(roles, pair.live);
  const GenerationRole* const other = find(roles, pair.other);
  const bool is_ready = other != nullptr && other->status == GenerationStatus::ready;
  const bool stands = other != nullptr && other->status == GenerationStatus::standing;
  const bool may = kind == SwapKind::promote     ? is_ready || stands
                   : kind == SwapKind::roll_back ? stands
                                                 : is_ready;
  // Between the choice and now lies a comparison, which may take hours.
  if (kind == SwapKind::promote_itself && other != nullptr && !other->promotes_itself) {
    return GenerationRefusal{"decided", "somebody has decided on generation " +
                                            std::to_string(pair.other) +
                                            " meanwhile: it does not promote itself any more"};
  }
  if (live != nullptr && live->status == GenerationStatus::live && may) return std::nullopt;
  return GenerationRefusal{"not_ready", text(roles, pair.other) + ", " + text(roles, pair.live)};
}

GenerationRoles roles_after(SwapKind kind, SwappedPair pair, GenerationRoles roles) {
  const bool another_is_made = std::ranges::any_of(roles, [&](const GenerationRole& role) {
    return role.generation != pair.other && is_in_the_making(role);
  });
  for (GenerationRole& role : roles) {
    const bool swapped = role.generation == pair.live || role.generation == pair.other;
    if (swapped) role.promotes_itself = false;
    if (role.generation == pair.other) {
      role.status = GenerationStatus::live;
    } else if (role.generation == pair.live) {
      // What was rolled back may be promoted again, where one in the making does not come first.
      const bool again = kind == SwapKind::roll_back && !another_is_made;
      role.status = again ? GenerationStatus::ready : GenerationStatus::standing;
    } else if (role.status == GenerationStatus::standing) {
      role.status = GenerationStatus::retired;
    }
  }
  return roles;
}

}  // namespace sluice
