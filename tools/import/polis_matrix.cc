#include "tools/import/polis_matrix.h"

#include <set>
#include <string>

#include "storage/base/errors.h"
#include "tools/import/cell.h"
#include "tools/import/csv.h"
#include "tools/import/vote_sign.h"

namespace sluice {
namespace {

struct CommentColumn {
  std::size_t at;
  std::int64_t comment;
};

// A name with a digit is a comment's, so it must be an id and nothing else: pandas calls the second
// column of a name "5.1", and what was skipped would be votes that are missing.
std::vector<CommentColumn> comment_columns(const CsvFile& file) {
  std::vector<CommentColumn> columns;
  std::set<std::int64_t> seen;
  for (std::size_t at = 0; at < file.header().size(); ++at) {
    const std::string& name = file.header()[at];
    if (name.find_first_of("0123456789") == std::string::npos) continue;
    const auto comment =
        name.find('.') == std::string::npos ? cell::whole_number(name) : std::nullopt;
    if (!comment) {
      throw Misconfigured(file.name() + ": column " + std::to_string(at + 1) + " is named \"" +
                          name + "\", no comment-id: rename it to the id, or take it away");
    }
    if (!seen.insert(*comment).second) {
      throw Misconfigured(file.name() + " has two columns of comment " + std::to_string(*comment) +
                          ", the second is number " + std::to_string(at + 1) + ": keep one");
    }
    columns.push_back({at, *comment});
  }
  return columns;
}

}  // namespace

std::vector<PolisVote> read_matrix(const std::filesystem::path& path, int agree) {
  const CsvFile file = CsvFile::read(path);
  const std::string_view literal =
      file.name() == kParticipantVotes ? kParticipantVotes : kParticipantsVotes;
  const auto participant = file.column("participant");
  const auto columns = comment_columns(file);
  const bool counted = file.has("n-agree") && file.has("n-disagree");
  const auto agrees = counted ? file.column("n-agree") : 0;
  const auto disagrees = counted ? file.column("n-disagree") : 0;
  std::vector<PolisVote> votes;
  std::vector<CountedVotes> counts;
  std::set<std::int64_t> voters;
  for (const CsvFile::Row& row : file.rows()) {
    const std::int64_t voter = file.number(row, participant);
    if (!voters.insert(voter).second) file.fail(row, participant, "who has a row above as well");
    PolisSides sides;
    for (const CommentColumn& column : columns) {
      if (row.fields[column.at].empty()) continue;
      const auto choice = cell::choice(row.fields[column.at], agree);
      if (!choice) file.fail(row, column.at, "not 1, 0 or -1, or empty");
      if (*choice > 0) ++sides.agrees;
      if (*choice < 0) ++sides.disagrees;
      votes.push_back({.comment = column.comment,
                       .voter = voter,
                       .choice = *choice,
                       .time = std::nullopt,
                       .origin = {literal, row.line}});
    }
    if (!counted) continue;
    counts.push_back({"the row of participant " + std::to_string(voter),
                      sides,
                      {file.number(row, agrees), file.number(row, disagrees)}});
  }
  refuse_opposite_sign(counts, file.name(), "its own n-agree and n-disagree");
  return votes;
}

}  // namespace sluice
