#pragma once

// The live generation of a projection and one beside it, which stand at one position now and then.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <variant>

#include "storage/pair_session.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/generations.h"

namespace sluice {

struct GenerationPair {
  std::string domain;
  int live = 0;
  int other = 0;
  int other_version = 0;     // of its rules
  std::string other_status;  // "live": it took the place of `live`, which then is the one before
};

// The one beside the live one that is asked for; else the one that is ready or building, else where
// `or_standing` the standing one. Refused as "not_ready": there is none, or it is not filled yet.
// Misconfigured: there is no such generation, or no live one.
[[nodiscard]] std::variant<GenerationPair, GenerationRefusal> choose_pair(
    PgConnection& connection, const std::string& domain, std::optional<int> generation,
    bool or_standing);

// The live one and the standing one; refused as "not_ready".
[[nodiscard]] std::variant<GenerationPair, GenerationRefusal> standing_pair(
    PgConnection& connection, const std::string& domain);

// The longest that Kafka's group takes to give partitions to other processes: the session of one
// that was killed, and the dealing.
inline constexpr std::chrono::seconds kDealtAnew{15};

// Refused as "no_owner" where a partition of `other` has no process. Waits while partitions are
// dealt anew, for at most kDealtAnew.
[[nodiscard]] std::optional<GenerationRefusal> await_owners(PgConnection& connection,
                                                            const GenerationPair& pair);

// Refused as "lagging" where a partition of `other` is more records behind the live one's.
[[nodiscard]] std::optional<GenerationRefusal> require_near(PgConnection& connection,
                                                            const GenerationPair& pair,
                                                            std::int64_t records);

// Where the two stand, in one snapshot.
[[nodiscard]] PairStand look(PgConnection& connection, const GenerationPair& pair);

// The one beside the live one, for people.
[[nodiscard]] std::string name_of(const GenerationPair& pair);

// Locks the rows of sluice.position of a generation in the order of partitions, in the transaction
// at hand: flushes wait. Retryable where a flush does not end within the session's lock_timeout.
void lock_positions(PgConnection& connection, const std::string& domain, int generation);

// Begins a transaction that holds up others only for moments: what waits in it gives up in time,
// and the server ends it when nothing comes of it for 2 s.
void begin_holding(PgConnection& connection);

// Whether it says that something was not there in time, to be tried again.
[[nodiscard]] bool timed_out(const std::exception& failure);

// Takes the steps of a protocol to their end, waiting in between.
template <class Protocol>
auto run_to_end(Protocol& protocol) {
  for (;;) {
    if (auto ended = protocol.step(std::chrono::steady_clock::now())) return *std::move(ended);
    if (protocol.wait() > std::chrono::milliseconds{0}) {
      std::this_thread::sleep_for(protocol.wait());
    }
  }
}

}  // namespace sluice
