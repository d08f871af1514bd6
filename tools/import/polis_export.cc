#include "tools/import/polis_export.h"

#include <algorithm>
#include <tuple>

#include "storage/base/errors.h"
#include "tools/import/cell.h"
#include "tools/import/csv.h"
#include "tools/import/polis_api.h"
#include "tools/import/polis_matrix.h"
#include "tools/import/text_file.h"
#include "tools/import/vote_sign.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;

constexpr const char* kComments = "comments.csv";
constexpr const char* kVotes = "votes.csv";
constexpr const char* kSummary = "summary.csv";

std::int64_t time_of(const CsvFile& file, const CsvFile::Row& row, std::size_t column) {
  const auto time = cell::milliseconds(file.number(row, column));
  if (!time) file.fail(row, column, "no time in milliseconds or seconds since 1970");
  return *time;
}

bool flag_of(const CsvFile& file, const CsvFile::Row& row, std::size_t column) {
  const auto value = cell::flag(row.fields[column]);
  if (!value) file.fail(row, column, "neither true nor false");
  return *value;
}

PolisModeration moderation_of(const CsvFile& file, const CsvFile::Row& row, std::size_t column) {
  const std::int64_t value = file.number(row, column);
  if (value < -1 || value > 1) {
    file.fail(row, column, "not 1 (accepted), 0 (unseen) or -1 (moderated out)");
  }
  return static_cast<PolisModeration>(value);
}

// What summary.csv says. Its lines are key and value; others say nothing here.
struct Summary {
  std::string topic;
  std::string description;
  std::optional<int> agree;
};

bool is_convention(std::string_view key) {
  return key.find("convention") != std::string_view::npos ||
         key.find("vote-sign") != std::string_view::npos || key == "agree";
}

int agree_of(const std::string& key, const std::string& value, std::uint64_t line) {
  const auto agree = declared_agree(key == "agree" ? "agree=" + value : value);
  if (agree) return *agree;
  throw Misconfigured(std::string(kSummary) + " line " + std::to_string(line) + ": " + key +
                      " is \"" + value +
                      "\", not understood: say which number agree is with --agree 1 or --agree -1");
}

Summary read_summary(const fs::path& path, Agree agree) {
  Summary summary;
  if (!fs::exists(path)) return summary;
  const std::string text = read_text(path);
  CsvRows rows(text, kSummary);
  for (std::vector<std::string> fields; rows.next(fields);) {
    // A comma that should have been quoted parts a value.
    std::string value;
    for (std::size_t i = 1; i < fields.size(); ++i) value += (i > 1 ? "," : "") + fields[i];
    if (fields[0] == "topic") summary.topic = value;
    if (fields[0] == "conversation-description") summary.description = value;
    if (is_convention(fields[0]) && agree == Agree::declared) {
      summary.agree = agree_of(fields[0], value, rows.line());
    }
  }
  return summary;
}

// Where the columns stand; agrees and disagrees may be missing.
struct CommentColumns {
  explicit CommentColumns(const CsvFile& file)
      : time(file.column("timestamp")),
        id(file.column("comment-id")),
        author(file.column("author-id")),
        moderated(file.column("moderated")),
        body(file.column("comment-body")) {
    if (file.has("is-meta")) meta = file.column("is-meta");
    if (file.has("is-seed")) seed = file.column("is-seed");
    if (file.has("agrees") && file.has("disagrees")) {
      agrees = file.column("agrees");
      disagrees = file.column("disagrees");
    }
  }
  std::size_t time, id, author, moderated, body;
  std::optional<std::size_t> meta, seed, agrees, disagrees;
};

PolisComment comment_of(const CsvFile& file, const CsvFile::Row& row, const CommentColumns& at) {
  PolisComment comment{.id = file.number(row, at.id),
                       .author = std::to_string(file.number(row, at.author)),
                       .body = row.fields[at.body],
                       .time = time_of(file, row, at.time),
                       .moderation = moderation_of(file, row, at.moderated),
                       .is_meta = std::nullopt,
                       .counted = std::nullopt,
                       .origin = {kComments, row.line}};
  if (at.meta) comment.is_meta = flag_of(file, row, *at.meta);
  if (at.seed) comment.is_seed = flag_of(file, row, *at.seed);
  if (at.agrees && !row.fields[*at.agrees].empty() && !row.fields[*at.disagrees].empty()) {
    comment.counted = {file.number(row, *at.agrees), file.number(row, *at.disagrees)};
  }
  return comment;
}

std::vector<PolisComment> read_comments(const fs::path& path) {
  const CsvFile file = CsvFile::read(path);
  const CommentColumns columns(file);
  std::vector<PolisComment> comments;
  for (const CsvFile::Row& row : file.rows()) comments.push_back(comment_of(file, row, columns));
  return comments;
}

// Every vote that was cast, in the order (time, comment, voter): the file has another.
std::vector<PolisVote> read_votes(const fs::path& path, int agree) {
  const CsvFile file = CsvFile::read(path);
  const auto time = file.column("timestamp");
  const auto comment = file.column("comment-id");
  const auto voter = file.column("voter-id");
  const auto vote = file.column("vote");
  std::vector<PolisVote> votes;
  for (const CsvFile::Row& row : file.rows()) {
    const auto choice = cell::choice(row.fields[vote], agree);
    if (!choice) file.fail(row, vote, "not 1, 0 or -1");
    votes.push_back({.comment = file.number(row, comment),
                     .voter = file.number(row, voter),
                     .choice = *choice,
                     .time = time_of(file, row, time),
                     .origin = {kVotes, row.line}});
  }
  std::ranges::stable_sort(
      votes, {}, [](const PolisVote& v) { return std::tuple(v.time, v.comment, v.voter); });
  return votes;
}

// Where the matrix stands, under either of its names; empty: nowhere.
fs::path matrix_in(const fs::path& folder) {
  const fs::path older = folder / kParticipantsVotes;
  const fs::path newer = folder / kParticipantVotes;
  if (fs::exists(older) && fs::exists(newer)) {
    throw Misconfigured(folder.string() + " has both " + kParticipantsVotes + " and " +
                        kParticipantVotes + ": take the older export away");
  }
  if (fs::exists(older)) return older;
  return fs::exists(newer) ? newer : fs::path();
}

PolisExport read_csv(const fs::path& folder, Agree agree) {
  PolisExport found;
  Summary summary = read_summary(folder / kSummary, agree);
  int number = summary.agree.value_or(1);
  if (agree != Agree::declared) number = agree == Agree::minus_one ? -1 : 1;
  found.topic = std::move(summary.topic);
  found.description = std::move(summary.description);
  found.comments = read_comments(folder / kComments);
  const fs::path matrix = matrix_in(folder);
  if (fs::exists(folder / kVotes)) {
    found.votes = read_votes(folder / kVotes, number);
    refuse_opposite_sign(counted_by_comment(found), kVotes, kComments);
  } else if (!matrix.empty()) {
    found.votes = read_matrix(matrix, number);
    refuse_opposite_sign(counted_by_comment(found), matrix.filename().string(), kComments);
  } else {
    throw Misconfigured(folder.string() + " has neither " + kVotes + " nor " + kParticipantsVotes +
                        " nor " + kParticipantVotes);
  }
  return found;
}

bool same(const PolisComment& a, const PolisComment& b) {
  return a.author == b.author && a.body == b.body && a.time == b.time &&
         a.moderation == b.moderation && a.is_meta == b.is_meta && a.is_seed == b.is_seed;
}

// By id. A comment that the export has twice is taken once.
void sort_comments(std::vector<PolisComment>& comments) {
  std::ranges::stable_sort(comments, {}, &PolisComment::id);
  for (std::size_t i = 1; i < comments.size(); ++i) {
    const PolisComment& one = comments[i - 1];
    const PolisComment& next = comments[i];
    if (one.id == next.id && !same(one, next)) {
      throw Misconfigured(describe(next.origin) + ": comment-id " + std::to_string(next.id) +
                          " is also another comment's, of line " + std::to_string(one.origin.line));
    }
  }
  const auto repeated = std::ranges::unique(comments, {}, &PolisComment::id);
  comments.erase(repeated.begin(), repeated.end());
}

}  // namespace

std::string describe(const PolisOrigin& origin) {
  return std::string(origin.file) + " line " + std::to_string(origin.line);
}

PolisExport read_polis_export(const fs::path& folder, Agree agree) {
  const auto absolute = fs::absolute(folder).lexically_normal();
  const bool has_csv = fs::exists(folder / kComments);
  if (!has_csv && !fs::exists(folder / "comments.json")) {
    throw Misconfigured(folder.string() + " has no " + kComments +
                        " or comments.json: give the folder of a Polis export");
  }
  PolisExport found = has_csv ? read_csv(folder, agree) : read_polis_api(folder, agree);
  found.name = (absolute.has_filename() ? absolute : absolute.parent_path()).filename().string();
  sort_comments(found.comments);
  return found;
}

}  // namespace sluice
