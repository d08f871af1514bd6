#include "tools/import/polis_api.h"

#include <simdjson.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "ingest/timestamp.h"
#include "storage/base/errors.h"
#include "tools/import/cell.h"
#include "tools/import/text_file.h"
#include "tools/import/vote_sign.h"

namespace sluice {
namespace {

using simdjson::dom::element;
using Keys = std::initializer_list<std::string_view>;

constexpr const char* kComments = "comments.json";
constexpr const char* kVotes = "votes.json";
constexpr const char* kMissing = "votes-missing.json";
constexpr const char* kConversation = "conversation.json";

// One object of a list of a file. A value is sought under the first of some keys that is there.
class Entry {
 public:
  Entry(element value, PolisOrigin origin) : value_(value), origin_(origin) {}

  [[nodiscard]] const PolisOrigin& origin() const { return origin_; }

  [[nodiscard]] std::int64_t number(Keys keys) const {
    if (const auto number = whole(need(keys))) return *number;
    throw fault(keys, "no whole number");
  }

  // Of a number, or of text such as "2023-08-11T06:33:28.174Z".
  [[nodiscard]] std::int64_t time(Keys keys) const {
    const element value = need(keys);
    std::optional<std::int64_t> time;
    std::string_view text;
    if (const auto count = whole(value)) {
      time = cell::milliseconds(*count);
    } else if (value.get(text) == simdjson::SUCCESS) {
      if (const auto at = parse_timestamp(text)) time = at->time_since_epoch().count();
    }
    if (!time) throw fault(keys, "no time since 1970");
    return *time;
  }

  // None where the key is missing or null.
  [[nodiscard]] std::optional<bool> truth(std::string_view key) const {
    const auto value = find({key});
    if (!value || value->is_null()) return std::nullopt;
    if (bool plain = false; value->get(plain) == simdjson::SUCCESS) return plain;
    std::string_view text;
    auto found = value->get(text) == simdjson::SUCCESS ? cell::flag(text) : std::nullopt;
    if (const auto number = whole(*value); number && (*number == 0 || *number == 1)) {
      found = *number == 1;
    }
    if (!found) throw fault({key}, "neither true nor false");
    return found;
  }

  [[nodiscard]] std::optional<std::int64_t> count(std::string_view key) const {
    const auto value = find({key});
    if (!value || value->is_null()) return std::nullopt;
    return number({key});
  }

  [[nodiscard]] std::string text(std::string_view key) const {
    std::string_view value;
    return value_[key].get(value) == simdjson::SUCCESS ? std::string(value) : std::string();
  }

  [[nodiscard]] int choice(int agree) const {
    std::string_view text;
    const std::string number =
        need({"vote"}).get(text) == simdjson::SUCCESS ? "" : std::to_string(this->number({"vote"}));
    const auto choice = cell::choice(number.empty() ? text : number, agree);
    if (!choice) throw fault({"vote"}, "not 1, 0 or -1");
    return *choice;
  }

  [[nodiscard]] PolisModeration moderation() const {
    const std::int64_t value = number({"mod", "moderated"});
    if (value < -1 || value > 1) {
      throw fault({"mod", "moderated"}, "not 1 (accepted), 0 (unseen) or -1 (moderated out)");
    }
    return static_cast<PolisModeration>(value);
  }

 private:
  [[nodiscard]] std::optional<element> find(Keys keys) const {
    for (const std::string_view key : keys) {
      if (element found; value_[key].get(found) == simdjson::SUCCESS) return found;
    }
    return std::nullopt;
  }

  [[nodiscard]] element need(Keys keys) const {
    if (const auto found = find(keys)) return *found;
    throw Misconfigured(where() + " has no " + std::string(*keys.begin()));
  }

  static std::optional<std::int64_t> whole(element value) {
    if (std::int64_t number = 0; value.get(number) == simdjson::SUCCESS) return number;
    if (double real = 0; value.get(real) == simdjson::SUCCESS) {
      const bool exact = std::abs(real) < 0x1p53 && std::trunc(real) == real;
      return exact ? std::optional(static_cast<std::int64_t>(real)) : std::nullopt;
    }
    std::string_view text;
    return value.get(text) == simdjson::SUCCESS ? cell::whole_number(text) : std::nullopt;
  }

  [[nodiscard]] std::string where() const {
    return std::string(origin_.file) + ", entry " + std::to_string(origin_.line);
  }

  [[nodiscard]] Misconfigured fault(Keys keys, const std::string& what) const {
    for (const std::string_view key : keys) {
      if (element found; value_[key].get(found) == simdjson::SUCCESS) {
        return Misconfigured(where() + ": " + std::string(key) + " is " + simdjson::minify(found) +
                             ", " + what);
      }
    }
    return Misconfigured(where() + ": " + what);
  }

  element value_;
  PolisOrigin origin_;
};

// `file` is a literal.
template <class Visit>
void for_each_entry(const std::filesystem::path& folder, std::string_view file, Visit visit) {
  simdjson::dom::parser parser;
  simdjson::dom::array entries;
  const std::string text = read_text(folder / file);
  if (const auto error = parser.parse(text).get(entries)) {
    throw Misconfigured((folder / file).string() + " is no list in JSON (" +
                        simdjson::error_message(error) +
                        "): give the folder of what a Polis server's API answered");
  }
  std::uint64_t at = 0;
  for (const element value : entries) visit(Entry(value, {file, ++at}));
}

void read_comments(const std::filesystem::path& folder, PolisExport& into) {
  for_each_entry(folder, kComments, [&](const Entry& entry) {
    PolisComment comment{.id = entry.number({"tid", "statement_id"}),
                         .author = std::to_string(entry.number({"pid", "participant_id"})),
                         .body = entry.text("txt"),
                         .time = entry.time({"created"}),
                         .moderation = entry.moderation(),
                         .is_meta = entry.truth("is_meta"),
                         .is_seed = entry.truth("is_seed").value_or(false),
                         .counted = std::nullopt,
                         .origin = entry.origin()};
    const auto agrees = entry.count("agree_count");
    const auto disagrees = entry.count("disagree_count");
    if (agrees && disagrees) comment.counted = {*agrees, *disagrees};
    into.comments.push_back(std::move(comment));
  });
}

void read_votes(const std::filesystem::path& folder, std::string_view file, int agree,
                PolisExport& into) {
  for_each_entry(folder, file, [&](const Entry& entry) {
    into.votes.push_back({.comment = entry.number({"tid", "statement_id"}),
                          .voter = entry.number({"pid", "participant_id"}),
                          .choice = entry.choice(agree),
                          .time = entry.time({"modified"}),
                          .origin = entry.origin()});
  });
}

// Nothing in these files declares the sign: the counts must tell it, or a person.
void check_sign_of(const PolisExport& read, Agree agree) {
  const auto counts = counted_by_comment(read);
  refuse_opposite_sign(counts, kVotes, kComments);
  const bool has_sides =
      std::ranges::any_of(read.votes, [](const PolisVote& vote) { return vote.choice != 0; });
  if (agree == Agree::declared && has_sides && check_sign(counts) == SignCheck::undecided) {
    throw Misconfigured(std::string(kVotes) +
                        " does not say which number agree is, and agree_count of " + kComments +
                        " does not tell: say it with --agree 1 or --agree -1");
  }
}

}  // namespace

PolisExport read_polis_api(const std::filesystem::path& folder, Agree agree) {
  const int number = agree == Agree::minus_one ? -1 : 1;
  PolisExport found;
  read_comments(folder, found);
  read_votes(folder, kVotes, number, found);
  if (std::filesystem::exists(folder / kMissing)) read_votes(folder, kMissing, number, found);
  check_sign_of(found, agree);
  std::ranges::stable_sort(
      found.votes, {}, [](const PolisVote& v) { return std::tuple(v.time, v.comment, v.voter); });
  if (!std::filesystem::exists(folder / kConversation)) return found;
  simdjson::dom::parser parser;
  element about;
  const std::string text = read_text(folder / kConversation);
  if (parser.parse(text).get(about) != simdjson::SUCCESS) {
    throw Misconfigured((folder / kConversation).string() + " is no JSON: mend it or take it away");
  }
  const Entry conversation(about, {kConversation, 1});
  found.topic = conversation.text("topic");
  found.description = conversation.text("description");
  return found;
}

}  // namespace sluice
