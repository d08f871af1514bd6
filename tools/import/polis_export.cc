#include "tools/import/polis_export.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>
#include <tuple>

#include "storage/base/errors.h"
#include "tools/import/csv.h"
#include "tools/import/polis_api.h"

namespace sluice {
namespace {

// Some exports count seconds. No Polis is older than 2012, so what is this small cannot be
// milliseconds.
constexpr std::int64_t kLeastMilliseconds = 100'000'000'000;

std::int64_t time_of(const CsvFile& file, const CsvFile::Row& row, std::size_t column) {
  const std::int64_t value = file.number(row, column);
  return value < kLeastMilliseconds ? value * 1000 : value;
}

int choice_of(const CsvFile& file, const CsvFile::Row& row, std::size_t column) {
  const std::int64_t value = file.number(row, column);
  if (value < -1 || value > 1) {
    throw Misconfigured("line " + std::to_string(row.line) + ": a vote is 1, 0 or -1, not " +
                        row.fields[column]);
  }
  return static_cast<int>(value);
}

// Lines of key and value; what has another form says nothing here.
void read_summary(const std::filesystem::path& path, PolisExport& into) {
  std::ifstream in(path, std::ios::binary);
  if (!in) return;
  std::ostringstream text;
  text << in.rdbuf();
  const std::string whole = text.str();
  CsvRows rows(whole, path.filename().string());
  for (std::vector<std::string> fields; rows.next(fields);) {
    if (fields.size() != 2) continue;
    if (fields[0] == "topic") into.topic = fields[1];
    if (fields[0] == "conversation-description") into.description = fields[1];
  }
}

std::vector<PolisComment> read_comments(const std::filesystem::path& path) {
  const CsvFile file = CsvFile::read(path);
  const auto time = file.column("timestamp");
  const auto id = file.column("comment-id");
  const auto author = file.column("author-id");
  const auto moderated = file.column("moderated");
  const auto body = file.column("comment-body");
  const auto is_true = [&](const CsvFile::Row& row, std::string_view column) {
    return file.has(column) && row.fields[file.column(column)] == "true";
  };
  std::vector<PolisComment> comments;
  for (const CsvFile::Row& row : file.rows()) {
    comments.push_back({.id = file.number(row, id),
                        .author = std::to_string(file.number(row, author)),
                        .body = row.fields[body],
                        .time = time_of(file, row, time),
                        .moderated_out = file.number(row, moderated) == -1,
                        .is_meta = is_true(row, "is-meta"),
                        .is_seed = is_true(row, "is-seed"),
                        .row = comments.size() + 1});
  }
  std::ranges::stable_sort(comments, {}, &PolisComment::id);
  return comments;
}

// Every vote that was cast, in the order (time, comment, voter): the file has another.
std::vector<PolisVote> read_votes(const std::filesystem::path& path) {
  const CsvFile file = CsvFile::read(path);
  const auto time = file.column("timestamp");
  const auto comment = file.column("comment-id");
  const auto voter = file.column("voter-id");
  const auto vote = file.column("vote");
  std::vector<PolisVote> votes;
  for (const CsvFile::Row& row : file.rows()) {
    votes.push_back({.origin = "votes.csv/" + std::to_string(votes.size() + 1),
                     .comment = file.number(row, comment),
                     .voter = file.number(row, voter),
                     .choice = choice_of(file, row, vote),
                     .time = time_of(file, row, time)});
  }
  std::ranges::stable_sort(
      votes, {}, [](const PolisVote& v) { return std::tuple(v.time, v.comment, v.voter); });
  return votes;
}

// The last vote of each participant on each comment, a row a participant and a column a comment.
std::vector<PolisVote> read_matrix(const std::filesystem::path& path) {
  const CsvFile file = CsvFile::read(path);
  const auto participant = file.column("participant");
  std::vector<PolisVote> votes;
  for (std::size_t r = 0; r < file.rows().size(); ++r) {
    const CsvFile::Row& row = file.rows()[r];
    for (std::size_t c = 0; c < row.fields.size(); ++c) {
      const std::string& name = file.header()[c];
      std::int64_t comment = 0;
      const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), comment);
      const bool is_comment = error == std::errc{} && end == name.data() + name.size();
      if (!is_comment || row.fields[c].empty()) continue;
      votes.push_back({.origin = "participants-votes.csv/" + std::to_string(r + 1) + "/" + name,
                       .comment = comment,
                       .voter = file.number(row, participant),
                       .choice = choice_of(file, row, c),
                       .time = std::nullopt});
    }
  }
  return votes;
}

}  // namespace

PolisExport read_polis_export(const std::filesystem::path& folder) {
  const auto absolute = std::filesystem::absolute(folder).lexically_normal();
  PolisExport found;
  const bool from_api = !std::filesystem::exists(folder / "comments.csv") &&
                        std::filesystem::exists(folder / "comments.json");
  if (from_api) found = read_polis_api(folder);
  found.name = (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
  if (from_api) return found;
  if (!std::filesystem::exists(folder / "comments.csv")) {
    throw Misconfigured(folder.string() +
                        " has no comments.csv or comments.json: give the folder of a Polis export");
  }
  read_summary(folder / "summary.csv", found);
  found.comments = read_comments(folder / "comments.csv");
  if (std::filesystem::exists(folder / "votes.csv")) {
    found.votes = read_votes(folder / "votes.csv");
  } else if (std::filesystem::exists(folder / "participants-votes.csv")) {
    found.votes = read_matrix(folder / "participants-votes.csv");
  } else {
    throw Misconfigured(folder.string() + " has neither votes.csv nor participants-votes.csv");
  }
  return found;
}

}  // namespace sluice
