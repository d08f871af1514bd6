#include "tools/sluice/node/preview_answers.h"

#include <simdjson.h>

#include <optional>
#include <string_view>
#include <utility>

#include "storage/base/errors.h"
#include "tools/sluice/quarantine/preview.h"

namespace sluice {
namespace {

struct Wanted {
  QuarantineDecision decision;
  QuarantineQuery what;
};

Wanted wanted_by(const OwnerRequest& request) {
  simdjson::dom::parser parser;
  simdjson::dom::element asked;
  std::string_view verdict;
  const bool read = parser.parse(request.argument).get(asked) == simdjson::SUCCESS &&
                    asked["verdict"].get(verdict) == simdjson::SUCCESS;
  const auto known = read ? verdict_of(verdict) : std::nullopt;
  if (!known) {
    throw Misconfigured(
        "the argument is {\"verdict\": \"release\", \"discard\" or \"edit\", \"key\": text, "
        "\"offset\": number, \"event\": text}");
  }
  Wanted wanted{{.verdict = *known, .projection = request.place.projection},
                {.projection = request.place.projection,
                 .partition = request.place.partition,
                 .key = std::nullopt,
                 .offset = std::nullopt}};
  std::string_view text;
  if (asked["key"].get(text) == simdjson::SUCCESS) wanted.what.key = std::string(text);
  if (asked["event"].get(text) == simdjson::SUCCESS) wanted.decision.event = std::string(text);
  std::int64_t offset = 0;
  if (asked["offset"].get(offset) == simdjson::SUCCESS) wanted.what.offset = Offset{offset};
  return wanted;
}

}  // namespace

void add_preview_kind(OwnerKinds& kinds, std::string postgres, Log& log) {
  kinds.of_partition.emplace(
      "quarantine.preview",
      [url = std::move(postgres), &log](const OwnerRequest& request, const std::stop_token&) {
        Wanted wanted = wanted_by(request);
        PgConnection connection(url);
        const QuarantinedPlace place =
            find_decided(connection, wanted.decision.verdict, wanted.what);
        locate(wanted.decision, place);
        const std::string asked_of_owner;
        return std::optional(preview_of({url, asked_of_owner, log}, wanted.decision, place));
      });
}

}  // namespace sluice
