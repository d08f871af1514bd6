#include "tools/sluice/quarantine/request.h"

#include <pwd.h>
#include <simdjson.h>
#include <unistd.h>

#include <array>
#include <thread>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/client/event_line.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kBetweenLooks{50};

// "ada@laptop": for the audit, proves nothing.
std::string who_asks() {
  const passwd* const user = ::getpwuid(::geteuid());
  std::array<char, 256> host{};
  const bool has_host = ::gethostname(host.data(), host.size() - 1) == 0;
  return std::string(user != nullptr ? user->pw_name : std::to_string(::geteuid())) + "@" +
         (has_host ? host.data() : "?");
}

void insert(PgConnection& postgres, const std::string& id, Verdict verdict,
            const QuarantineQuery& what) {
  std::string argument = "{";
  if (what.key) argument += "\"key\":" + json_string(*what.key);
  if (what.offset) {
    argument += std::string(argument.size() > 1 ? "," : "") +
                "\"offset\":" + std::to_string(what.offset->value);
  }
  postgres.run(
      "INSERT INTO sluice.request (id, kind, projection, partition, argument, who) "
      "VALUES ($1, $2, $3, nullif($4, '')::integer, $5::jsonb, $6)",
      {id, verdict == Verdict::discard ? "quarantine.discard" : "quarantine.release",
       what.projection, what.partition ? std::to_string(what.partition->value) : "", argument + "}",
       who_asks()});
}

// Empty: there is none yet.
std::string answer_to(PgConnection& postgres, const std::string& id) {
  const PgResult found = postgres.run("SELECT answer FROM sluice.request WHERE id = $1", {id});
  return found.rows() == 0 || found.null(0, 0) ? std::string() : std::string(found.text(0, 0));
}

std::string token_of(const std::string& answer) {
  simdjson::dom::parser parser;
  const simdjson::dom::element said = parser.parse(answer);
  std::string_view text;
  if (said["token"].get(text) == simdjson::SUCCESS) return std::string(text);
  if (said["reason"].get(text) == simdjson::SUCCESS) throw Misconfigured(std::string(text));
  throw Misconfigured("the request was answered with " + answer + ", which has no token");
}

}  // namespace

std::string request_decision(PgConnection& postgres, Verdict verdict, const QuarantineQuery& what,
                             std::chrono::milliseconds patience) {
  const std::string id = random_id();
  insert(postgres, id, verdict, what);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (const std::string answer = answer_to(postgres, id); !answer.empty())
      return token_of(answer);
    std::this_thread::sleep_for(kBetweenLooks);
  }
  // Unless somebody is answering just now, nobody will.
  const PgResult withdrawn = postgres.run(
      "UPDATE sluice.request SET done_at = now(), answer = '{\"refused\":\"unanswered\"}' "
      "WHERE id = $1 AND done_at IS NULL",
      {id});
  if (withdrawn.changed() == 0) return token_of(answer_to(postgres, id));
  throw Misconfigured("no process that projects " + what.projection +
                      " answered within 10 s, and none will: start sluice up or sluice project, or "
                      "give --data or --brokers while nothing runs");
}

}  // namespace sluice
