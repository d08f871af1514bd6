#include "tools/sluice/node/requests.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <condition_variable>
#include <mutex>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/quarantine/quarantined.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A NOTIFY may have been missed; and a stop comes meanwhile.
constexpr milliseconds kBetweenLooks{500};
constexpr milliseconds kAfterFailure{1000};
// A server that stands still must not hold up the end of the process.
constexpr std::chrono::seconds kStatement{4};

constexpr const char* kRelease = "quarantine.release";
constexpr const char* kDiscard = "quarantine.discard";

// Who asked has been told after 10 seconds that nothing was done.
constexpr const char* kOldest = "interval '30 seconds'";

std::string array_of(const std::vector<std::string>& names) {
  std::string text = "{";
  for (const std::string& name : names) text += (text.size() > 1 ? "," : "") + name;
  return text + "}";
}

std::string refused(const char* word, const std::string& reason) {
  return "{\"refused\":" + json_string(word) + ",\"reason\":" + json_string(reason) + "}";
}

std::vector<std::string> names_of(std::span<const Projection> projections) {
  std::vector<std::string> names;
  for (const Projection& projection : projections) names.emplace_back(projection.name);
  return names;
}

// Returns early when stopped.
void pause(milliseconds length, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any changed;
  std::unique_lock lock(mutex);
  changed.wait_for(lock, stop, length, [] { return false; });
}

}  // namespace

struct Requests::Asked {
  std::string id;
  Verdict verdict = Verdict::release;
  QuarantineQuery what;
  bool is_malformed = false;
  bool is_late = false;
};

// Tells of a failure once, and of its end.
struct Requests::Failing {
  void failed(const std::string& why) {
    if (last != why) spdlog::warn("requests wait error=\"{}\"", why);
    last = why;
  }
  void works() {
    if (!last.empty()) spdlog::info("requests are answered again");
    last.clear();
  }
  std::string last;
};

Requests::Requests(const std::string& postgres, std::vector<std::string> projections, Log& log)
    : connection_(postgres, kStatement), projections_(array_of(projections)), log_(log) {}

void Requests::run(const std::stop_token& stop) {
  Failing failing;
  while (!stop.stop_requested()) {
    try {
      listen();
      while (!stop.stop_requested() && answer_one()) {
      }
      failing.works();
      (void)connection_.notified(kBetweenLooks);
    } catch (const Error& failure) {
      failing.failed(failure.what());
      connection_.disconnect();
      pause(kAfterFailure, stop);
    }
  }
}

void Requests::listen() {
  if (connection_.connect()) connection_.run("LISTEN sluice_request");
}

bool Requests::answer_one() {
  connection_.run("BEGIN");
  const std::optional<Asked> asked = take();
  if (!asked) {
    connection_.run("COMMIT");
    return false;
  }
  const std::string answer = answer_to(*asked);
  connection_.run("UPDATE sluice.request SET answer = $2::jsonb, done_at = now() WHERE id = $1",
                  {asked->id, answer});
  // In doubt it is looked for again, and carried out again under the same id.
  (void)connection_.commit();
  spdlog::info("request answered id={} projection={} answer={}", asked->id, asked->what.projection,
               answer);
  return true;
}

// The oldest that nobody is answering. Kinds that only a later program knows are left to it.
std::optional<Requests::Asked> Requests::take() {
  const PgResult found = connection_.run(
      "SELECT id, kind, projection, partition, argument->>'key', "
      "CASE WHEN argument->>'offset' ~ '^-?[0-9]{1,18}$' THEN argument->>'offset' END, "
      "argument->>'offset' !~ '^-?[0-9]{1,18}$', made_at < now() - " +
          std::string(kOldest) +
          " FROM sluice.request "
          "WHERE done_at IS NULL AND projection = ANY($1::text[]) AND kind IN ($2, $3) "
          "ORDER BY made_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
      {projections_, kRelease, kDiscard});
  if (found.rows() == 0) return std::nullopt;
  Asked asked;
  asked.id = found.text(0, 0);
  asked.verdict = found.text(0, 1) == kDiscard ? Verdict::discard : Verdict::release;
  asked.what.projection = found.text(0, 2);
  asked.is_malformed = found.text(0, 6) == "t";
  asked.is_late = found.text(0, 7) == "t";
  if (!found.null(0, 3)) asked.what.partition = Partition{static_cast<int>(found.number(0, 3))};
  if (!found.null(0, 4)) asked.what.key = std::string(found.text(0, 4));
  if (!found.null(0, 5)) asked.what.offset = Offset{found.number(0, 5)};
  return asked;
}

std::string Requests::answer_to(const Asked& asked) {
  if (asked.is_late) return refused("late", "nobody answered it in time: ask again");
  try {
    return "{\"token\":" + json_string(carry_out(asked)) + "}";
  } catch (const Misconfigured& fault) {
    // Postgres aborts the transaction of a statement that it refuses: then there is nothing to
    // answer in.
    connection_.run("SELECT 1");
    return refused("not_possible", fault.what());
  }
}

std::string Requests::carry_out(const Asked& asked) {
  const bool discards = asked.verdict == Verdict::discard;
  if (asked.is_malformed || (!discards && !asked.what.key)) {
    throw Misconfigured("the argument is {\"key\": text, \"offset\": number}; release needs a key");
  }
  const QuarantinedPlace place =
      discards ? find_discarded(connection_, asked.what) : find_released(connection_, asked.what);
  const bool says_offset = discards || place.aged_out;
  return append_decision(log_,
                         {.verdict = asked.verdict,
                          .id = asked.id,
                          .projection = asked.what.projection,
                          .partition = place.partition,
                          .key = place.key,
                          .offset = says_offset ? std::optional(place.offset) : std::nullopt});
}

RequestThread::RequestThread(const std::string& postgres, std::span<const Projection> projections,
                             Log& log)
    : requests_(postgres, names_of(projections), log),
      thread_([this](const std::stop_token& stop) { requests_.run(stop); }) {}

}  // namespace sluice
