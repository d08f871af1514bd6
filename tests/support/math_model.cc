#include "tests/support/math_model.h"

#include <algorithm>

namespace sluice {
namespace {

using Situation = DeliberationModel::Situation;

// In the order of their places.
std::vector<std::string> in_order(const std::map<std::string, std::size_t>& places) {
  std::map<std::size_t, std::string> by_place;
  for (const auto& [name, place] : places) by_place[place] = name;
  std::vector<std::string> names;
  for (const auto& [place, name] : by_place) names.push_back(name);
  return names;
}

bool takes_part(const std::string& participant, const Situation& now) {
  return now.voted.contains(participant) && !now.ineligible.contains(participant);
}

std::optional<int> number(const Situation& now, const std::string& participant,
                          const std::string& opinion) {
  const auto ballot = now.standing.find(participant);
  if (ballot == now.standing.end()) return std::nullopt;
  const auto vote = ballot->second.find(opinion);
  if (vote == ballot->second.end()) return std::nullopt;
  if (vote->second == deliberation::CHOICE_PASS) return 0;
  return vote->second == deliberation::CHOICE_AGREE ? 1 : -1;
}

}  // namespace

void MathModel::after(const deliberation::Event& fact, const Situation& now) {
  place_opinions(fact, now);
  seat(fact, now);
  cluster(now);
  collect(now);
}

void MathModel::place_opinions(const deliberation::Event& fact, const Situation& now) {
  std::erase_if(places_, [&](const auto& each) { return !now.opinions.contains(each.first); });
  for (const auto& seed : fact.conversation_created().seeds()) places_[seed.opinion_id()] = next_++;
  for (const auto& [id, opinion] : now.opinions) {
    if (places_.try_emplace(id, next_).second) ++next_;
  }
}

void MathModel::seat(const deliberation::Event& fact, const Situation& now) {
  const auto& rekeyed = fact.participant_rekeyed();
  if (const auto from = seats_.find(rekeyed.from()); from != seats_.end()) {
    if (now.voted.contains(rekeyed.into())) {
      const auto into = seats_.try_emplace(rekeyed.into(), from->second).first;
      into->second = std::min(into->second, from->second);
      if (clustered_.contains(rekeyed.from())) clustered_.insert(rekeyed.into());
    }
  }
  const auto gone = [&](const std::string& participant) {
    return !now.voted.contains(participant);
  };
  std::erase_if(seats_, [&](const auto& each) { return gone(each.first); });
  std::erase_if(clustered_, gone);
  for (const auto& [participant, times] : now.voted) {
    if (seats_.try_emplace(participant, next_).second) ++next_;
  }
}

void MathModel::cluster(const Situation& now) {
  const std::vector<std::string> participants = in_order(seats_);
  testing::naive::Table table;
  testing::naive::Clustered clustered;
  for (const std::string& participant : participants) {
    auto& row = table.emplace_back();
    if (!takes_part(participant, now)) continue;
    if (clustered_.contains(participant)) clustered.in.insert(table.size() - 1);
    for (const auto& [opinion, place] : places_) row.push_back(number(now, participant, opinion));
  }
  clustered.after(table);
  for (const std::size_t row : clustered.in) clustered_.insert(participants[row]);
}

void MathModel::collect(const Situation& now) {
  input_ = {};
  for (const std::string& opinion : in_order(places_)) {
    const deliberation::Opinion& row = now.opinions.at(opinion);
    if (!now.live(opinion)) continue;
    input_.columns.push_back(
        {opinion, row.moderation() != deliberation::MODERATION_NONE || row.is_meta()});
  }
  for (const std::string& participant : in_order(seats_)) {
    if (!takes_part(participant, now)) continue;
    Row row{participant, clustered_.contains(participant), {}};
    for (const Column& column : input_.columns) {
      row.votes.push_back(number(now, participant, column.opinion));
    }
    input_.rows.push_back(std::move(row));
  }
}

}  // namespace sluice
