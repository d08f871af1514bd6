#pragma once

// What ingest makes of a body, without HTTP and without a log.

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "ingest/decoder.h"
#include "sluice/envelope.pb.h"

namespace sluice::testing {

using Decoded = std::variant<AdmittedBatch, Refusal>;
using Header = std::pair<std::string, std::string>;

// As deliberation's, with batches of 3 events and events of 2,000 bytes at most.
Decoded decode(const std::vector<Header>& fields, std::string body);
Decoded structured(const std::string& body);

inline const std::string kData =
    R"({"conversation_id":"c","opinion_id":"o","participant_id":"p","choice":"agree"})";
// A vote.set event with further members, each followed by a comma.
std::string vote(const std::string& members, const std::string& data = kData);

std::string_view value_of(const AdmittedBatch& batch, std::size_t index);
// Fails the test where `decoded` is a refusal.
Envelope envelope_of(const Decoded& decoded, std::size_t index = 0);

// "0 data.choice", one a fault; or the status of another refusal.
std::string faults_of(const Decoded& decoded);

}  // namespace sluice::testing
