#include "tools/sluice/quarantine/request.h"

#include <simdjson.h>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "storage/postgres/copy_text.h"
#include "tools/sluice/asking/asking.h"

namespace sluice {
namespace {

std::string argument_of(const QuarantineDecision& decision, const QuarantineQuery& what,
                        const char* verdict = nullptr) {
  JsonWriter json;
  json.begin_object();
  if (what.key) json.field("key", storable_text(*what.key));
  if (what.offset) json.field("offset", what.offset->value);
  if (!decision.why.empty()) json.field("why", decision.why);
  if (!decision.event.empty()) json.field("event", decision.event);
  if (verdict != nullptr) json.field("verdict", verdict);
  return json.end_object().take();
}

std::string answer_to(PgConnection& postgres, const Question& question,
                      std::chrono::milliseconds patience) {
  return require_answer(
      ask_processes(postgres, {question}, patience).front(),
      "no process that projects " + question.projection +
          " answered within 10 s, and none will: start sluice up or sluice project, or give --data "
          "or --brokers while nothing runs");
}

std::string kind_of(Verdict verdict) {
  return std::string("quarantine.") + std::string(word_of(verdict));
}

}  // namespace

std::string request_decision(PgConnection& postgres, const QuarantineDecision& decision,
                             const QuarantineQuery& what, std::chrono::milliseconds patience) {
  const std::string answer = answer_to(postgres,
                                       {.kind = kind_of(decision.verdict),
                                        .projection = what.projection,
                                        .partition = what.partition,
                                        .argument = argument_of(decision, what)},
                                       patience);
  simdjson::dom::parser parser;
  std::string_view token;
  if (parser.parse(answer)["token"].get(token) == simdjson::SUCCESS) return std::string(token);
  throw Misconfigured("the request was answered with " + answer + ", which has no token");
}

std::string request_preview(PgConnection& postgres, const QuarantineDecision& decision,
                            const QuarantineQuery& what, std::chrono::milliseconds patience) {
  const std::string verdict(word_of(decision.verdict));
  return answer_to(postgres,
                   {.kind = "quarantine.preview",
                    .projection = what.projection,
                    .partition = what.partition,
                    .argument = argument_of(decision, what, verdict.c_str()),
                    .personal = true},
                   patience);
}

}  // namespace sluice
