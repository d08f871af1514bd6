#include "tools/sluice/opinion_map/math_report.h"

#include <array>
#include <cstdio>

namespace sluice {
namespace {

constexpr double kNanosecondsAMillisecond = 1e6;

std::string share(std::uint32_t part, std::uint32_t whole) {
  return std::to_string(whole == 0 ? 0 : (100 * part + whole / 2) / whole) + " %";
}

// Text on one line.
std::string one_line(std::string text) {
  for (char& c : text) {
    if (c == '\n' || c == '\r' || c == '\t') c = ' ';
  }
  return text;
}

std::string line(std::string_view name, std::chrono::nanoseconds took) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "  %-14.*s%10.3f ms\n", static_cast<int>(name.size()),
                name.data(), static_cast<double>(took.count()) / kNanosecondsAMillisecond);
  return text.data();
}

void append_consensus(const DescribedSnapshot& described, std::string_view what,
                      const std::vector<math::ConsensusOpinion>& opinions, std::string& out) {
  for (const math::ConsensusOpinion& each : opinions) {
    out.append("  ").append(share(each.successes, each.trials)).append(" ").append(what);
    out.append(": ").append(one_line(opinion_text(described, each.opinion))).append("\n");
  }
}

void append_groups(const DescribedSnapshot& described, std::string& out) {
  const std::vector<std::size_t> sizes = group_sizes(described.snapshot);
  for (const math::Group group : math::each<math::Group>(sizes.size())) {
    out.append("\nGroup ").append(group_letter(group)).append(": ");
    out.append(std::to_string(sizes[math::index(group)])).append(" participants\n");
    for (const math::Representative& opinion : described.snapshot.representatives[group]) {
      out.append("  ").append(share_text(opinion)).append(": ");
      out.append(one_line(opinion_text(described, opinion.opinion))).append("\n");
    }
  }
}

}  // namespace

std::string group_letter(math::Group group) {
  return std::string(1, static_cast<char>('A' + math::index(group)));
}

std::vector<std::size_t> group_sizes(const math::Snapshot& snapshot) {
  const math::Grouping* groups = snapshot.groupings.chosen();
  if (groups == nullptr) return {};
  std::vector<std::size_t> sizes(groups->size());
  for (const math::BaseCluster base : groups->group_of.ids()) {
    sizes[math::index(groups->group_of[base])] += snapshot.base.members[base].size();
  }
  return sizes;
}

std::string opinion_text(const DescribedSnapshot& described, math::Opinion opinion) {
  const std::uint32_t number = described.snapshot.opinion_numbers[opinion];
  const std::string& text = described.texts[number];
  return text.empty() ? "opinion " + described.opinions[number] : text;
}

std::string share_text(const math::Representative& opinion) {
  return share(opinion.successes, opinion.trials) +
         (opinion.direction == math::Choice::agree ? " agree" : " disagree");
}

std::string math_report(const DescribedSnapshot& described) {
  const math::Snapshot& snapshot = described.snapshot;
  std::string out(described.title);
  out.append("\n").append(std::to_string(snapshot.vote_counts.size())).append(" participants, ");
  out.append(std::to_string(snapshot.center.size())).append(" opinions with votes, ");
  out.append(std::to_string(snapshot.votes)).append(" votes; ");
  out.append(std::to_string(snapshot.in_conv.size())).append(" participants are clustered\n");
  if (snapshot.groupings.chosen() == nullptr)
    out += "\nNobody is clustered: there are no groups.\n";
  append_groups(described, out);
  const math::Consensus& consensus = snapshot.consensus;
  if (!consensus.agree.empty() || !consensus.disagree.empty()) out += "\nEverybody\n";
  append_consensus(described, "agree", consensus.agree, out);
  append_consensus(described, "disagree", consensus.disagree, out);
  return out;
}

std::string timing_report(const StageTimes& times) {
  std::string out;
  std::chrono::nanoseconds all{0};
  for (const auto& [stage, took] : times) {
    out += line(math::name_of(stage), took);
    all += took;
  }
  return out + line("all", all);
}

}  // namespace sluice
