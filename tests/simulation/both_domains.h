#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "people/events.pb.h"
#include "projectors/deliberation/projection.h"
#include "projectors/people/projection.h"
#include "schemas/descriptors/rules.h"
#include "tests/simulation/folded_domain.h"
#include "tests/support/deliberation_facts.h"

namespace sluice {

// Deliberation and people on each other's derived records. Olga owns "c", in which eve wrote "o0".
struct Both {
  static constexpr std::int64_t kGarbage = 2;  // the offset of what park() appends first

  Both();

  void post(const deliberation::Event& event) { deliberation.post(key_of(event), event); }
  void post(const people::Event& event) { people.post(key_of(event), event); }
  // Until nobody has anything to tell any more.
  void finish();

  void park() { deliberation.append("c", "\xff\xffgarbage"); }
  void delete_user(const std::string& id);
  void merge_user(const std::string& id, const std::string& into);
  // Drops what could not be folded, of this conversation.
  void discard(std::int64_t offset, const std::string& key = "c");

  // Neither tables nor quarantine hold the text, also after a refold, which comes to the same.
  void require_gone(const std::string& text);

  FoldedDomain deliberation{describe<Deliberation>("deliberation")};
  FoldedDomain people{describe<People>("people")};

 private:
  // Whether there is anything.
  bool deliver(const std::vector<DerivedRecord>& derived);
  [[nodiscard]] std::string where_is(const std::string& text);
};

// An opinion in "c" with the text "the secret".
facts::Event secret(const std::string& id, const std::string& author);

}  // namespace sluice
