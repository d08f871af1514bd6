#pragma once

// A conversation as Polis exports it: a folder of summary.csv, comments.csv and votes.csv, or
// (where the votes were left out) participants-votes.csv, which newer servers call
// participant-votes.csv. A folder of what the public API answers (polis_api.h) is read as well.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace sluice {

// The number that an agreement has in the producer's files. Polis's exports have 1, its API and its
// database -1.
enum class Agree { declared, plus_one, minus_one };

// What a moderator of Polis decided; unseen: nothing yet.
enum class PolisModeration { out = -1, unseen = 0, accepted = 1 };

// Where something stood, for messages. `line` is an entry's number in JSON.
struct PolisOrigin {
  std::string_view file;  // a literal
  std::uint64_t line = 0;
};
[[nodiscard]] std::string describe(const PolisOrigin& origin);  // "votes.csv line 17"

struct PolisSides {
  std::int64_t agrees = 0;
  std::int64_t disagrees = 0;
};

struct PolisComment {
  std::int64_t id;
  std::string author;
  std::string body;
  std::int64_t time;  // milliseconds since 1970, UTC
  PolisModeration moderation = PolisModeration::unseen;
  std::optional<bool> is_meta;  // none: the files do not say
  bool is_seed = false;
  std::optional<PolisSides> counted;  // as the producer counted its votes
  PolisOrigin origin;

  [[nodiscard]] bool moderated_out() const { return moderation == PolisModeration::out; }
};

struct PolisVote {
  std::int64_t comment;
  std::int64_t voter;
  int choice;                        // 1 agree, 0 pass, -1 disagree
  std::optional<std::int64_t> time;  // a matrix of votes has none
  PolisOrigin origin;
};

struct PolisExport {
  std::string name;  // the folder's
  std::string topic;
  std::string description;
  std::vector<PolisComment> comments;  // by id, each once
  std::vector<PolisVote> votes;        // in the order in which they were cast, as far as is known
};

// `agree` wins over what the files declare (the line vote-convention of summary.csv); without both
// it is 1 in CSV. Misconfigured, with file, line and column, when the folder is no such export,
// says what is not understood, or has votes whose sign contradicts counts that stand beside them.
[[nodiscard]] PolisExport read_polis_export(const std::filesystem::path& folder, Agree agree);

}  // namespace sluice
