#include "projectors/deliberation/math/projection.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace sluice::math {
namespace {

// What a vote adds to a participant's place, before scaling.
struct Shift {
  double x = 0;
  double y = 0;
};

// By slot.
std::vector<Shift> shifts_of(const Per<Opinion, double>& center, const Components& components) {
  std::vector<Shift> shifts(center.size() * Entry::kSlotsAnOpinion);
  for (const Opinion o : center.ids()) {
    for (const Choice choice : {Choice::disagree, Choice::pass, Choice::agree}) {
      const double differs = static_cast<double>(choice) - center[o];
      shifts[Entry(o, choice).slot()] = {differs * components.loadings[0][o],
                                         differs * components.loadings[1][o]};
    }
  }
  return shifts;
}

}  // namespace

Points<Participant> project_participants(const VoteMatrix& votes,
                                         const Per<Opinion, double>& center,
                                         const Per<Opinion, OpinionStatus>& status,
                                         const Components& components) {
  Points<Participant> made(votes.participants());
  const std::vector<Shift> shifts = shifts_of(center, components);
  const auto zeroed = static_cast<std::size_t>(
      std::ranges::count_if(status, [](const OpinionStatus& s) { return s.zeroed(); }));
  for (const Participant p : each<Participant>(votes.participants())) {
    Shift sum;
    std::size_t counted = zeroed;
    for (const Entry entry : votes.row(p)) {
      if (status[entry.opinion()].zeroed()) continue;
      sum.x += shifts[entry.slot()].x;
      sum.y += shifts[entry.slot()].y;
      ++counted;
    }
    // Few votes are drawn out as far as many.
    const double scale = std::sqrt(static_cast<double>(votes.opinions()) /
                                   static_cast<double>(std::max<std::size_t>(1, counted)));
    made.x[p] = scale * sum.x;
    made.y[p] = scale * sum.y;
  }
  return made;
}

OpinionPlaces project_opinions(const Per<Opinion, double>& center, const Components& components) {
  OpinionPlaces made{.at = Points<Opinion>(center.size()),
                     .extremity = Per<Opinion, double>(center.size())};
  const double scale = std::sqrt(static_cast<double>(center.size()));
  for (const Opinion o : center.ids()) {
    const double x = scale * (1 - center[o]) * components.loadings[0][o];
    const double y = scale * (1 - center[o]) * components.loadings[1][o];
    made.at.x[o] = x;
    made.at.y[o] = y;
    made.extremity[o] = std::sqrt(x * x + y * y);
  }
  return made;
}

}  // namespace sluice::math
