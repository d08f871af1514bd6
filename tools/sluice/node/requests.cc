#include "tools/sluice/node/requests.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "projectors/engine/run/watched_worker.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/cli/pause.h"
#include "tools/sluice/quarantine/decision.h"
#include "tools/sluice/quarantine/quarantined.h"

namespace sluice {
namespace {

using std::chrono::milliseconds;

// A NOTIFY may have been missed; and a stop comes meanwhile.
constexpr milliseconds kBetweenLooks{500};
// While something is asked of an owner here, whose answer is awaited.
constexpr milliseconds kBetweenLooksAtJobs{20};
constexpr milliseconds kBetweenWords{2000};
constexpr milliseconds kAfterFailure{1000};
// A server that stands still must not hold up the end of the process.
constexpr std::chrono::seconds kStatement{4};

constexpr const char* kRelease = "quarantine.release";
constexpr const char* kDiscard = "quarantine.discard";
constexpr const char* kEdit = "quarantine.edit";

// Who asked has been told after 10 seconds that nothing was done.
constexpr const char* kOldest = "interval '30 seconds'";
// A process renews `worked_at` every 2 s while it works on a request. After several renewals were
// missed the process counts as ended, and another takes the request.
constexpr const char* kSilent = "interval '8 seconds'";

// What waits in memory and threads for owners; more of it waits in the table.
constexpr std::size_t kJobsMax = 16;

std::string array_of(const std::vector<std::string>& names) {
  std::string text = "{";
  for (const std::string& name : names) text += (text.size() > 1 ? "," : "") + name;
  return text + "}";
}

// Of words without quotes or commas.
std::string kinds_of(const std::map<std::string, OwnerAnswer>& kinds, bool wanted) {
  std::vector<std::string> names;
  for (const auto& [kind, answer] : kinds) names.push_back(kind);
  return array_of(wanted ? names : std::vector<std::string>());
}

std::string refused(const char* word, const std::string& reason) {
  return "{\"refused\":" + json_string(word) + ",\"reason\":" + json_string(reason) + "}";
}

std::vector<std::string> names_of(std::span<const Projection> projections) {
  std::vector<std::string> names;
  for (const Projection& projection : projections) names.emplace_back(projection.name);
  return names;
}

// Of other kinds it means nothing.
Verdict verdict_asked(const std::string& kind) {
  const auto dot = kind.find('.');
  return verdict_of(dot == std::string::npos ? kind : kind.substr(dot + 1))
      .value_or(Verdict::release);
}

}  // namespace

struct Requests::Asked {
  std::string id;
  std::string kind;
  int generation = 0;  // 0: the live one
  std::string argument;
  QuarantineDecision decision;
  QuarantineQuery what;
  bool is_malformed = false;
  bool is_late = false;
};

// Its thread is waited for at its end.
struct Requests::Job {
  OwnerRequest request;
  std::future<std::optional<std::string>> answer;
  std::optional<std::string> answered = std::nullopt;  // not yet written
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

Requests::Requests(const std::string& postgres, std::vector<std::string> projections, Log& log,
                   const Workers& workers, OwnerKinds kinds)
    : connection_(postgres, kStatement),
      projections_(array_of(projections)),
      log_(log),
      workers_(workers),
      kinds_(std::move(kinds)) {}

Requests::~Requests() { stopping_.request_stop(); }

void Requests::run(const std::stop_token& stop) {
  Failing failing;
  while (!stop.stop_requested()) {
    try {
      listen();
      while (!stop.stop_requested() && answer_one()) {
      }
      answer_finished();
      say_at_work();
      failing.works();
      (void)connection_.notified(jobs_.empty() ? kBetweenLooks : kBetweenLooksAtJobs);
    } catch (const Error& failure) {
      failing.failed(failure.what());
      connection_.disconnect();
      pause(kAfterFailure, stop);
    }
  }
  // A request that is not answered now is left to the process that takes over the partition.
  stopping_.request_stop();
  try {
    for (Job& job : jobs_) job.answer.wait();
    answer_finished();
  } catch (const Error& failure) {
    failing.failed(failure.what());
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
  if (!asked->is_late && owner_answer(asked->kind) != nullptr) {
    connection_.run("UPDATE sluice.request SET worked_at = clock_timestamp() WHERE id = $1",
                    {asked->id});
    // In doubt it is another's after a while.
    if (connection_.commit() == PgConnection::Commit::done) begin(*asked);
    return true;
  }
  answer(asked->id, answer_to(*asked));
  // In doubt it is looked for again, and carried out again under the same id.
  (void)connection_.commit();
  return true;
}

void Requests::answer(const std::string& id, const std::string& answer) {
  // The event of an edit is a user's: from here on the log has it, where it is erased as all
  // others.
  connection_.run(
      "UPDATE sluice.request SET answer = $2::jsonb, done_at = now(), argument = CASE "
      "jsonb_typeof(argument) WHEN 'object' THEN argument - 'event' ELSE argument END "
      "WHERE id = $1 AND done_at IS NULL",
      {id, answer});
  // Not what lists hold, which may be users' rows.
  constexpr std::size_t kShown = 200;
  const std::size_t shown = std::min(kShown, answer.find('['));
  spdlog::info("request answered id={} answer={}", id, std::string_view(answer).substr(0, shown));
}

const OwnerAnswer* Requests::owner_answer(const std::string& kind) const {
  for (const auto* kinds : {&kinds_.of_partition, &kinds_.of_process}) {
    if (const auto found = kinds->find(kind); found != kinds->end()) return &found->second;
  }
  return nullptr;
}

// As an array of "deliberation/2/3": projection, generation, partition; of the live one as
// generation 0, too.
std::string Requests::owned_places() const {
  std::vector<std::string> all;
  for (const auto& [name, worker] : workers_.probe().workers()) {
    for (const HeldPartition& held : worker.held) {
      if (!held.position) continue;
      const std::string partition = "/" + std::to_string(held.partition.value);
      all.push_back(worker.projection + "/" + std::to_string(worker.generation) + partition);
      if (worker.live) all.push_back(worker.projection + "/0" + partition);
    }
  }
  return array_of(all);
}

bool Requests::owns(const ErrandPlace& place) const {
  for (const auto& [name, worker] : workers_.probe().workers()) {
    if (worker.projection != place.projection || worker.generation != place.generation) continue;
    const auto held = std::ranges::find(worker.held, place.partition, &HeldPartition::partition);
    if (held != worker.held.end() && held->position) return true;
  }
  return false;
}

void Requests::begin(const Asked& asked) {
  OwnerRequest request{.id = asked.id,
                       .place = {.projection = asked.what.projection,
                                 .generation = asked.generation,
                                 .partition = asked.what.partition.value_or(Partition{0})},
                       .argument = asked.argument};
  for (const auto& [name, worker] : workers_.probe().workers()) {
    if (request.place.generation != 0) break;
    if (worker.projection == request.place.projection && worker.live) {
      request.place.generation = worker.generation;
    }
  }
  auto answer =
      std::async(std::launch::async, *owner_answer(asked.kind), request, stopping_.get_token());
  jobs_.push_back({.request = std::move(request), .answer = std::move(answer)});
}

// An answer that could not be written is kept until the database takes it.
void Requests::answer_finished() {
  const auto unfinished = [](const Job& job) {
    return !job.answered && job.answer.wait_for(milliseconds{0}) != std::future_status::ready;
  };
  for (auto job = jobs_.begin(); job != jobs_.end();) {
    if (unfinished(*job)) {
      ++job;
      continue;
    }
    if (!job->answered) {
      try {
        job->answered = job->answer.get().value_or("");
      } catch (const Error& failure) {
        job->answered = refused("not_possible", failure.what());
      } catch (const std::exception& failure) {
        job->answered = refused("failed", failure.what());
      }
    }
    // Who owns it and does not answer folds nothing of it either: nobody else is to wait for that.
    if (job->answered->empty() && owns(job->request.place)) {
      job->answered = refused("stands_still",
                              "the partition stands still in the process that has it: sluice "
                              "status says why");
    }
    if (job->answered->empty()) {
      connection_.run(
          "UPDATE sluice.request SET worked_at = NULL WHERE id = $1 AND done_at IS NULL",
          {job->request.id});
    } else {
      answer(job->request.id, *job->answered);
    }
    job = jobs_.erase(job);
  }
}

void Requests::say_at_work() {
  const auto now = std::chrono::steady_clock::now();
  if (jobs_.empty() || now < next_word_) return;
  next_word_ = now + kBetweenWords;
  connection_.run("UPDATE sluice.request SET worked_at = now() WHERE id = ANY($1::text[])",
                  {ids_of_jobs()});
}

std::string Requests::ids_of_jobs() const {
  std::vector<std::string> ids;
  for (const Job& job : jobs_) ids.push_back(job.request.id);
  return array_of(ids);
}

// The oldest that nobody is answering. Kinds that only a later program knows are left to it, and
// partitions to their owners.
std::optional<Requests::Asked> Requests::take() {
  const bool has_room = jobs_.size() < kJobsMax;
  const PgResult found = connection_.run(
      "SELECT id, kind, projection, partition, argument->>'key', "
      "CASE WHEN argument->>'offset' ~ '^-?[0-9]{1,18}$' THEN argument->>'offset' END, "
      "argument->>'offset' !~ '^-?[0-9]{1,18}$', greatest(made_at, worked_at) < now() - " +
          std::string(kOldest) +
          ", generation, argument, argument->>'why', argument->>'event', who "
          "FROM sluice.request WHERE done_at IS NULL "
          "AND (worked_at IS NULL OR worked_at < now() - " +
          kSilent +
          ") AND id <> ALL($7::text[]) AND (projection = ANY($1::text[]) AND kind IN ($2, $3, $8) "
          "OR "
          "kind = ANY($4::text[]) "
          "OR kind = ANY($5::text[]) AND concat_ws('/', projection, coalesce(generation, 0), "
          "partition) = ANY($6::text[])) ORDER BY made_at, id LIMIT 1 FOR UPDATE SKIP LOCKED",
      {projections_, kRelease, kDiscard, kinds_of(kinds_.of_process, has_room),
       kinds_of(kinds_.of_partition, has_room), owned_places(), ids_of_jobs(), kEdit});
  if (found.rows() == 0) return std::nullopt;
  Asked asked;
  asked.id = found.text(0, 0);
  asked.kind = found.text(0, 1);
  asked.generation = found.null(0, 8) ? 0 : static_cast<int>(found.number(0, 8));
  asked.argument = found.text(0, 9);
  asked.decision = {.verdict = verdict_asked(asked.kind),
                    .id = asked.id,
                    .projection = std::string(found.text(0, 2)),
                    .event = std::string(found.null(0, 11) ? "" : found.text(0, 11)),
                    .who = std::string(found.text(0, 12)),
                    .why = std::string(found.null(0, 10) ? "" : found.text(0, 10))};
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
  const Verdict verdict = asked.decision.verdict;
  const bool edits = verdict == Verdict::edit;
  if (asked.is_malformed || (verdict != Verdict::discard && !asked.what.key) ||
      (edits && (!asked.what.offset || asked.decision.event.empty()))) {
    throw Misconfigured(
        "the argument is {\"key\": text, \"offset\": number, \"why\": text}; release needs a key, "
        "edit all of these and \"event\": text");
  }
  QuarantineDecision decision = asked.decision;
  locate(decision, find_decided(connection_, verdict, asked.what));
  return append_decision(log_, decision);
}

RequestThread::RequestThread(const std::string& postgres, std::span<const Projection> projections,
                             Log& log, const Workers& workers, OwnerKinds kinds)
    : requests_(postgres, names_of(projections), log, workers, std::move(kinds)),
      thread_([this](const std::stop_token& stop) { requests_.run(stop); }) {}

}  // namespace sluice
