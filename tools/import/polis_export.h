#pragma once

// A conversation as Polis exports it: a folder of summary.csv, comments.csv and votes.csv, or
// (where the votes were left out) participants-votes.csv. A folder of what the public API answers
// (polis_api.h) is read as well.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace sluice {

struct PolisComment {
  std::int64_t id;
  std::string author;
  std::string body;
  std::int64_t time;  // milliseconds since 1970, UTC
  bool moderated_out = false;
  bool is_meta = false;
  bool is_seed = false;
  std::uint64_t row;  // of the file, from 1 behind the header
};

struct PolisVote {
  std::string origin;  // file and row, unique in the export: "votes.csv/17"
  std::int64_t comment;
  std::int64_t voter;
  int choice;                        // 1 agree, 0 pass, -1 disagree
  std::optional<std::int64_t> time;  // participants-votes.csv has none
};

struct PolisExport {
  std::string name;  // the folder's
  std::string topic;
  std::string description;
  std::vector<PolisComment> comments;  // by id
  std::vector<PolisVote> votes;        // in the order in which they were cast, as far as is known
};

// Misconfigured, with file and line, when the folder is no such export.
[[nodiscard]] PolisExport read_polis_export(const std::filesystem::path& folder);

// The export as CloudEvents of the domain deliberation, one call each, in the order in which they
// must be posted. Ids are made of folder, file and row, so importing twice changes nothing.
// Misconfigured when `conversation_id` is no id.
void polis_events(const PolisExport& from, const std::string& conversation_id,
                  const std::function<void(const std::string& event, std::string id)>& post);

// How many events that is.
[[nodiscard]] std::size_t polis_event_count(const PolisExport& from);

}  // namespace sluice
