#include "tools/import/vote_sign.h"

#include <algorithm>
#include <cstdlib>
#include <unordered_map>

#include "storage/base/errors.h"
#include "tools/import/cell.h"

namespace sluice {
namespace {

std::int64_t distance(const PolisSides& a, const PolisSides& b) {
  return std::abs(a.agrees - b.agrees) + std::abs(a.disagrees - b.disagrees);
}

PolisSides exchanged(const PolisSides& sides) { return {sides.disagrees, sides.agrees}; }

// How much better the counts of one thing fit when the sign is the opposite.
std::int64_t contradiction(const CountedVotes& votes) {
  return distance(votes.read, votes.counted) - distance(exchanged(votes.read), votes.counted);
}

std::int64_t contradiction(const std::vector<CountedVotes>& counts) {
  std::int64_t sum = 0;
  for (const CountedVotes& votes : counts) sum += contradiction(votes);
  return sum;
}

std::string in_words(const PolisSides& sides) {
  return std::to_string(sides.agrees) + " agree and " + std::to_string(sides.disagrees) +
         " disagree";
}

// "agree" of "agree=-1".
std::optional<int> number_of(std::string_view convention, std::string_view word) {
  for (std::string_view rest = convention; !rest.empty();) {
    const auto end = std::min(rest.find_first_of(";,"), rest.size());
    std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (part.size() > word.size() && part.starts_with(word) && part[word.size()] == '=') {
      return cell::choice(part.substr(word.size() + 1), 1);
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<int> declared_agree(std::string_view convention) {
  const std::optional<int> agree = number_of(convention, "agree");
  if (!agree || *agree == 0) return std::nullopt;
  if (number_of(convention, "disagree").value_or(-*agree) != -*agree) return std::nullopt;
  if (number_of(convention, "pass").value_or(0) != 0) return std::nullopt;
  return agree;
}

std::vector<CountedVotes> counted_by_comment(const PolisExport& from) {
  std::unordered_map<std::int64_t, PolisSides> read;
  for (const PolisVote& vote : from.votes) {
    PolisSides& sides = read[vote.comment];
    if (vote.choice > 0) ++sides.agrees;
    if (vote.choice < 0) ++sides.disagrees;
  }
  std::vector<CountedVotes> counts;
  for (const PolisComment& comment : from.comments) {
    if (!comment.counted) continue;
    counts.push_back({"comment " + std::to_string(comment.id), read[comment.id], *comment.counted});
  }
  return counts;
}

SignCheck check_sign(const std::vector<CountedVotes>& counts) {
  const std::int64_t against = contradiction(counts);
  if (against == 0) return SignCheck::undecided;
  return against > 0 ? SignCheck::opposite : SignCheck::same;
}

void refuse_opposite_sign(const std::vector<CountedVotes>& counts, std::string_view votes,
                          std::string_view counted_in) {
  if (check_sign(counts) != SignCheck::opposite) return;
  const auto clearest = std::ranges::max_element(
      counts, {}, [](const CountedVotes& one) { return contradiction(one); });
  throw Misconfigured(std::string(votes) + " has " + in_words(clearest->read) + " on " +
                      clearest->what + ", but " + std::string(counted_in) + " counts " +
                      in_words(clearest->counted) +
                      ": the sign of the votes is the opposite; say which number agree is there "
                      "with --agree 1 or --agree -1");
}

}  // namespace sluice
