#pragma once

// A snapshot as one JSON document, shaped as Polis publishes it. Every id is a JSON string.
// Source: the specification, section 10.

#include <cstdint>
#include <span>
#include <string>

#include "projectors/deliberation/math/snapshot.h"

namespace sluice::math {

// What the caller calls the numbers of the conversation. Borrowed.
struct Names {
  std::span<const std::string> participants;
  std::span<const std::string> opinions;
};

struct DocumentParts {
  // Where everybody stands, clustered or not, and each grouping that was tried: a number or two for
  // every participant. Without them `rows` has the participants' ids in row order.
  bool participants = true;
};

// Appends the document in our sign: agree is +1. It has votes-base when the snapshot has.
void write_document(const Snapshot& snapshot, const Names& names, const DocumentParts& parts,
                    std::string& out);

// Appends the list of the opinions that stand for one group, as the document has it.
void write_representatives(const Snapshot& snapshot, const Names& names, Group group,
                           std::string& out);

// What else a client of Polis expects of a conversation.
struct PolisFields {
  std::string conversation_id;
  std::int64_t tick = 0;
  std::int64_t last_vote_ms = 0;
};

// Appends the document in Polis's sign: agree is -1. Its keys are those that Polis publishes.
void write_polis_document(const Snapshot& snapshot, const Names& names, const PolisFields& fields,
                          std::string& out);

}  // namespace sluice::math
