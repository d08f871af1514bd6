#include "tools/import/polis_events.h"

#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <unordered_map>

#include "schemas/descriptors/rules.h"
#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/client/rfc3339.h"

namespace sluice {
namespace {

constexpr std::size_t kMostTitle = 140;
constexpr std::size_t kMostBody = 1000;
constexpr std::size_t kMostDescription = 5000;

bool begins_point(char byte) { return (static_cast<unsigned char>(byte) & 0xc0) != 0x80; }

// Code points of UTF-8 text.
std::size_t points_in(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_point));
}

// The first `most` of them.
std::string_view cut(std::string_view text, std::size_t most) {
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (begins_point(text[i]) && points++ == most) return text.substr(0, i);
  }
  return text;
}

const char* word(int choice) { return choice > 0 ? "agree" : choice < 0 ? "disagree" : "pass"; }

// Fields of `data` behind conversation_id.
std::string field(const char* name, std::string_view value) {
  return std::string(",\"") + name + "\":" + json_string(value);
}

// A fact of the import, without what all of them have.
struct Fact {
  const char* type;
  std::string name;        // in its id
  bool of_export = false;  // what the export as a whole says: its id changes with anything in it
  std::optional<std::int64_t> time;
  std::string fields;
  PolisOrigin origin;
};

Fact created(const PolisComment& comment) {
  const std::string id = std::to_string(comment.id);
  // A body is required; the export has comments without.
  const std::string_view body =
      comment.body.empty() ? std::string_view("-") : cut(comment.body, kMostBody);
  return {.type = "opinion.created",
          .name = "comment/" + id,
          .time = comment.time,
          .fields = field("opinion_id", id) + field("author_id", comment.author) +
                    field("body", body) + ",\"auto_vote\":false" +
                    (comment.is_seed ? ",\"is_seed\":true" : ""),
          .origin = comment.origin};
}

Fact cast(const PolisVote& vote, std::string name) {
  return {.type = "vote.set",
          .name = std::move(name),
          .time = vote.time,
          .fields = field("opinion_id", std::to_string(vote.comment)) +
                    field("participant_id", std::to_string(vote.voter)) +
                    field("choice", word(vote.choice)),
          .origin = vote.origin};
}

// Each export says anew what holds: a comment that was hidden in an earlier one may be accepted
// now.
Fact moderated(const PolisComment& comment) {
  const std::string id = std::to_string(comment.id);
  return {
      .type = "opinion.moderated",
      .name = "moderated/" + id,
      .of_export = true,
      .time = std::nullopt,
      .fields = field("opinion_id", id) + field("state", comment.moderated_out() ? "hide" : "none"),
      .origin = comment.origin};
}

Fact marked_meta(const PolisComment& comment) {
  const std::string id = std::to_string(comment.id);
  return {.type = "opinion.marked_meta",
          .name = "is-meta/" + id,
          .of_export = true,
          .time = std::nullopt,
          .fields = field("opinion_id", id) + ",\"meta\":" + (*comment.is_meta ? "true" : "false"),
          .origin = comment.origin};
}

// Names votes by their content. Equal ones follow each other, as they are sorted by it where they
// have times; in a matrix there are none.
class VoteNames {
 public:
  std::string next(const PolisVote& vote) {
    std::string name = "vote/" + std::to_string(vote.comment) + "/" + std::to_string(vote.voter) +
                       "/" + (vote.time ? std::to_string(*vote.time) : word(vote.choice));
    repeats_ = name == last_ ? repeats_ + 1 : 1;
    last_ = name;
    return repeats_ == 1 ? name : name + "/" + std::to_string(repeats_);
  }

 private:
  std::string last_;
  int repeats_ = 0;
};

bool is_decided(const PolisComment& comment) {
  return comment.moderation != PolisModeration::unseen;
}

bool says_meta(const PolisComment& comment) { return comment.is_meta.has_value(); }

// Those inside of the import, in their order.
void for_each_fact(const PolisExport& from, const std::function<void(const Fact&)>& visit) {
  for (const PolisComment& comment : from.comments) visit(created(comment));
  VoteNames names;
  for (const PolisVote& vote : from.votes) visit(cast(vote, names.next(vote)));
  for (const PolisComment& comment : from.comments) {
    if (is_decided(comment)) visit(moderated(comment));
  }
  for (const PolisComment& comment : from.comments) {
    if (says_meta(comment)) visit(marked_meta(comment));
  }
}

std::size_t facts_inside(const PolisExport& from) {
  const auto decided = std::ranges::count_if(from.comments, is_decided);
  const auto meta = std::ranges::count_if(from.comments, says_meta);
  return from.comments.size() + from.votes.size() + static_cast<std::size_t>(decided + meta);
}

// Of everything that the import holds, whatever the order of the rows in the files: 16 hexadecimal
// digits.
std::string digest_of(const PolisExport& from) {
  const std::unique_ptr<XXH3_state_t, decltype(&XXH3_freeState)> state(XXH3_createState(),
                                                                       &XXH3_freeState);
  XXH3_64bits_reset(state.get());
  for_each_fact(from, [&](const Fact& fact) {
    const std::string whole = fact.name + '\n' + fact.fields + '\n' +
                              (fact.time ? std::to_string(*fact.time) : std::string()) + '\n';
    XXH3_64bits_update(state.get(), whole.data(), whole.size());
  });
  char digits[17];
  std::snprintf(digits, sizeof digits, "%016llx",
                static_cast<unsigned long long>(XXH3_64bits_digest(state.get())));
  return digits;
}

class Events {
 public:
  Events(const std::string& conversation_id, std::string digest, const PostEvent& post)
      : ids_("polis/" + conversation_id + "/"),
        digest_(std::move(digest)),
        conversation_("\"conversation_id\":" + json_string(conversation_id)),
        post_(post) {}

  void post(const Fact& fact) const {
    const std::string id = ids_ + (fact.of_export ? digest_ + "/" : "") + fact.name;
    std::string event = "{\"specversion\":\"1.0\",\"id\":" + json_string(id) +
                        ",\"source\":\"sluice/import/polis\",\"type\":\"" + fact.type +
                        "\",\"actor\":\"import\",\"actorrole\":\"service\"";
    if (fact.time) event += ",\"time\":\"" + rfc3339(*fact.time) + "\"";
    event += ",\"data\":{" + conversation_ + fact.fields + "}}";
    post_(event, fact.origin.file.empty() ? fact.type : describe(fact.origin));
  }

 private:
  const std::string ids_;
  const std::string digest_;
  const std::string conversation_;
  const PostEvent& post_;
};

Fact conversation_created(const PolisExport& from) {
  return {.type = "conversation.created",
          .name = "created",
          .time = std::nullopt,
          .fields = field("owner_id", "import") +
                    field("title", cut(from.topic.empty() ? from.name : from.topic, kMostTitle)) +
                    field("body", cut(from.description, kMostDescription)),
          .origin = {}};
}

}  // namespace

std::vector<std::string> shortened_texts(const PolisExport& from) {
  std::vector<std::string> all;
  const auto look = [&](const std::string& what, std::string_view text, std::size_t most) {
    if (cut(text, most).size() == text.size()) return;
    all.push_back(what + " has " + std::to_string(points_in(text)) + " characters: the first " +
                  std::to_string(most) + " are imported");
  };
  look("the topic", from.topic, kMostTitle);
  look("the description", from.description, kMostDescription);
  for (const PolisComment& comment : from.comments) {
    look(describe(comment.origin) + ": comment " + std::to_string(comment.id), comment.body,
         kMostBody);
  }
  return all;
}

std::size_t polis_event_count(const PolisExport& from) {
  constexpr std::size_t kAround = 3;  // created, import started and completed
  return facts_inside(from) + kAround;
}

void polis_events(const PolisExport& from, const std::string& conversation_id,
                  const PostEvent& post) {
  if (!is_id(conversation_id)) {
    throw Misconfigured(
        "\"" + conversation_id +
        "\" cannot be an id (1 to 64 of A-Z a-z 0-9 . _ ~ -): name one with --conversation-id");
  }
  const std::string digest = digest_of(from);
  const Events events(conversation_id, digest, post);
  Fact around{.type = "import.started",
              .name = "started",
              .of_export = true,
              .time = std::nullopt,
              .fields = field("import_id", "polis-" + digest) +
                        ",\"total\":" + std::to_string(facts_inside(from)),
              .origin = {}};
  events.post(conversation_created(from));
  events.post(around);
  for_each_fact(from, [&](const Fact& fact) { events.post(fact); });
  around.type = "import.completed";
  around.name = "completed";
  events.post(around);
}

}  // namespace sluice
