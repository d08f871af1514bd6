#include "tools/sluice/asking/asking.h"

#include <pwd.h>
#include <simdjson.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <thread>

#include "storage/base/errors.h"
#include "tools/sluice/cli/program.h"
#include "tools/sluice/client/event_line.h"

namespace sluice {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds kBetweenLooks{20};

// One that awaits its answer.
struct Asked {
  std::string id;
  std::optional<std::string> answer = std::nullopt;
  std::string word = {};  // when somebody was at it last, by the database's clock
  Clock::time_point deadline = {};
  bool given_up = false;

  [[nodiscard]] bool open() const { return !answer && !given_up; }
};

void insert(PgConnection& postgres, const std::string& id, const Question& question) {
  const auto number = [](const auto& given) { return given ? std::to_string(*given) : ""; };
  const std::optional<int> partition =
      question.partition ? std::optional(question.partition->value) : std::nullopt;
  postgres.run(
      "INSERT INTO sluice.request (id, kind, projection, generation, partition, argument, who) "
      "VALUES ($1, $2, $3, nullif($4, '')::integer, nullif($5, '')::integer, $6::jsonb, $7)",
      {id, question.kind, question.projection, number(question.generation), number(partition),
       question.argument, who_asks()});
}

// True when the answer came, or the process that works on the request has renewed `worked_at`.
bool look(PgConnection& postgres, Asked& asked) {
  const PgResult found =
      postgres.run("SELECT answer, worked_at FROM sluice.request WHERE id = $1", {asked.id});
  if (found.rows() == 0) return false;
  if (!found.null(0, 0)) {
    asked.answer = std::string(found.text(0, 0));
    return true;
  }
  std::string word(found.null(0, 1) ? "" : found.text(0, 1));
  const bool news = !word.empty() && word != asked.word;
  asked.word = std::move(word);
  return news;
}

// A process does some requests at a time: one that it has not begun waits its turn as long as the
// partition has an owner.
bool may_wait_its_turn(PgConnection& postgres, const Question& question) {
  if (!question.partition) return true;
  const std::string generation = question.generation ? std::to_string(*question.generation) : "";
  return postgres
             .run(
                 "SELECT FROM sluice.heartbeat JOIN sluice.projection g USING (projection, "
                 "generation) WHERE projection = $1 AND partition = $2 "
                 "AND CASE $3 WHEN '' THEN g.live ELSE generation::text = $3 END "
                 "AND NOT released AND seen_at > now() - interval '5 seconds'",
                 {question.projection, std::to_string(question.partition->value), generation})
             .rows() > 0;
}

// Unless somebody is answering just now, nobody will.
void withdraw(PgConnection& postgres, Asked& asked) {
  const PgResult withdrawn = postgres.run(
      "UPDATE sluice.request SET done_at = now(), answer = '{\"refused\":\"unanswered\"}', "
      "argument = argument - 'event' WHERE id = $1 AND done_at IS NULL",
      {asked.id});
  if (withdrawn.changed() == 0) look(postgres, asked);
  asked.given_up = !asked.answer;
}

// When one is given up the others are no longer awaited: what is asked of all is not to be had.
// What somebody has begun is left to go on.
void leave(PgConnection& postgres, Asked& asked) {
  if (asked.word.empty()) return withdraw(postgres, asked);
  asked.answer = R"({"refused":"unfinished","reason":"it goes on, and was not awaited"})";
}

void await_answers(PgConnection& postgres, const std::vector<Question>& questions,
                   std::vector<Asked>& all, std::chrono::milliseconds patience) {
  Clock::time_point news = Clock::now();  // of any
  while (std::ranges::any_of(all, &Asked::open) && std::ranges::none_of(all, &Asked::given_up)) {
    for (std::size_t i = 0; i < all.size(); ++i) {
      Asked& asked = all[i];
      if (!asked.open()) continue;
      const bool told = look(postgres, asked);
      const auto now = Clock::now();
      if (told) {
        news = now;
        asked.deadline = now + patience;
      } else if (now >= asked.deadline) {
        const bool waits = now < news + patience && asked.word.empty() &&
                           may_wait_its_turn(postgres, questions[i]);
        if (waits) {
          asked.deadline = news + patience;
        } else {
          withdraw(postgres, asked);
        }
      }
    }
    std::this_thread::sleep_for(kBetweenLooks);
  }
  for (Asked& asked : all) {
    if (asked.open()) leave(postgres, asked);
  }
}

}  // namespace

std::string who_asks() {
  const passwd* const user = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  const bool has_host = ::gethostname(host.data(), host.size() - 1) == 0;
  return std::string(user != nullptr ? user->pw_name : std::to_string(::geteuid())) + "@" +
         (has_host ? host.data() : "?");
}

std::vector<std::optional<std::string>> ask_processes(PgConnection& postgres,
                                                      const std::vector<Question>& questions,
                                                      std::chrono::milliseconds patience) {
  std::vector<Asked> all;
  for (const Question& question : questions) {
    all.push_back({.id = random_id(), .deadline = Clock::now() + patience});
    insert(postgres, all.back().id, question);
  }
  await_answers(postgres, questions, all, patience);
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!questions[i].personal || !all[i].answer) continue;
    postgres.run("UPDATE sluice.request SET answer = '{}' WHERE id = $1", {all[i].id});
  }
  std::vector<std::optional<std::string>> answers;
  for (Asked& asked : all) answers.push_back(std::move(asked.answer));
  return answers;
}

std::string require_answer(const std::optional<std::string>& answer, const std::string& nobody,
                           const std::string& of) {
  if (!answer) throw Misconfigured(nobody);
  simdjson::dom::parser parser;
  simdjson::dom::element said;
  std::string_view word;
  if (parser.parse(*answer).get(said) != simdjson::SUCCESS ||
      said["refused"].get(word) != simdjson::SUCCESS) {
    return *answer;
  }
  std::string_view told;
  const bool why = said["reason"].get(told) == simdjson::SUCCESS;
  const std::string reason =
      of + (of.empty() ? "" : ": ") + (why ? std::string(told) : "refused as " + std::string(word));
  if (word == "not_possible") throw Misconfigured(reason);
  throw CommandRefused(std::string(word), reason);
}

}  // namespace sluice
