#include <xxhash.h>

#include <algorithm>
#include <cstdio>

#include "storage/base/errors.h"
#include "tools/import/polis_export.h"
#include "tools/sluice/cli/json.h"
#include "tools/sluice/client/rfc3339.h"

namespace sluice {
namespace {

constexpr std::size_t kMostId = 64;
constexpr std::size_t kMostTitle = 140;
constexpr std::size_t kMostBody = 1000;
constexpr std::size_t kMostDescription = 5000;

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kMostId &&
         text.find_first_not_of(
             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~-") ==
             std::string_view::npos;
}

// The first `most` code points of UTF-8 text.
std::string_view cut(std::string_view text, std::size_t most) {
  std::size_t points = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool begins = (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80;
    if (begins && points++ == most) return text.substr(0, i);
  }
  return text;
}

const char* word(int choice) { return choice > 0 ? "agree" : choice < 0 ? "disagree" : "pass"; }

// Fields of `data` behind conversation_id.
std::string field(const char* name, std::string_view value) {
  return std::string(",\"") + name + "\":" + json_string(value);
}

class Events {
 public:
  using Post = std::function<void(const std::string&, std::string)>;

  Events(const PolisExport& from, const std::string& conversation_id, const Post& post)
      : conversation_("\"conversation_id\":" + json_string(conversation_id)), post_(post) {
    // Part of every id, so it must be printable and short whatever the folder is called.
    char hash[17];
    std::snprintf(hash, sizeof hash, "%016llx",
                  static_cast<unsigned long long>(XXH3_64bits(from.name.data(), from.name.size())));
    folder_ = is_id(from.name) ? from.name : hash;
  }

  void post(const char* type, const std::string& origin, std::optional<std::int64_t> time,
            const std::string& fields) const {
    const std::string id = folder_ + "/" + origin;
    std::string event = "{\"specversion\":\"1.0\",\"id\":" + json_string(id) +
                        ",\"source\":\"sluice/import/polis\",\"type\":\"" + type +
                        "\",\"actor\":\"import\",\"actorrole\":\"service\"";
    if (time) event += ",\"time\":\"" + rfc3339(*time) + "\"";
    event += ",\"data\":{" + conversation_ + fields + "}}";
    post_(event, id);
  }

 private:
  std::string conversation_;
  std::string folder_;
  const Post& post_;
};

std::size_t facts_inside(const PolisExport& from) {
  const auto hidden = std::ranges::count_if(from.comments, &PolisComment::moderated_out);
  const auto meta = std::ranges::count_if(from.comments, &PolisComment::is_meta);
  return from.comments.size() + from.votes.size() + static_cast<std::size_t>(hidden + meta);
}

void post_comment(const Events& events, const PolisComment& comment) {
  // A body is required; the export has comments without.
  const std::string_view body =
      comment.body.empty() ? std::string_view("-") : cut(comment.body, kMostBody);
  events.post("opinion.created", "comments.csv/" + std::to_string(comment.row), comment.time,
              field("opinion_id", std::to_string(comment.id)) + field("author_id", comment.author) +
                  field("body", body) + ",\"auto_vote\":false" +
                  (comment.is_seed ? ",\"is_seed\":true" : ""));
}

}  // namespace

std::size_t polis_event_count(const PolisExport& from) {
  constexpr std::size_t kAround = 3;  // created, import started and completed
  return facts_inside(from) + kAround;
}

void polis_events(const PolisExport& from, const std::string& conversation_id,
                  const std::function<void(const std::string&, std::string)>& post) {
  if (!is_id(conversation_id)) {
    throw Misconfigured(
        "\"" + conversation_id +
        "\" cannot be an id (1 to 64 of A-Z a-z 0-9 . _ ~ -): name one with --conversation-id");
  }
  const Events events(from, conversation_id, post);
  const std::string import =
      field("import_id", conversation_id) + ",\"total\":" + std::to_string(facts_inside(from));
  events.post("conversation.created", "conversation.created", std::nullopt,
              field("owner_id", "import") +
                  field("title", cut(from.topic.empty() ? from.name : from.topic, kMostTitle)) +
                  field("body", cut(from.description, kMostDescription)));
  events.post("import.started", "import.started", std::nullopt, import);
  for (const PolisComment& comment : from.comments) post_comment(events, comment);
  for (const PolisVote& vote : from.votes) {
    events.post("vote.set", vote.origin, vote.time,
                field("opinion_id", std::to_string(vote.comment)) +
                    field("participant_id", std::to_string(vote.voter)) +
                    field("choice", word(vote.choice)));
  }
  for (const PolisComment& comment : from.comments) {
    if (!comment.moderated_out) continue;
    events.post("opinion.moderated", "comments.csv/" + std::to_string(comment.row) + "/moderated",
                std::nullopt,
                field("opinion_id", std::to_string(comment.id)) + field("state", "hide"));
  }
  for (const PolisComment& comment : from.comments) {
    if (!comment.is_meta) continue;
    events.post("opinion.marked_meta", "comments.csv/" + std::to_string(comment.row) + "/is-meta",
                std::nullopt, field("opinion_id", std::to_string(comment.id)) + ",\"meta\":true");
  }
  events.post("import.completed", "import.completed", std::nullopt, import);
}

}  // namespace sluice
