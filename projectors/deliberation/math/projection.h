#pragma once

// Participants and opinions in the plane of the two components. Source: the specification,
// section 4.

#include <vector>

#include "projectors/deliberation/math/pca.h"

namespace sluice::math {

// Coordinates of many points.
template <class Id>
struct Points {
  Per<Id, double> x;
  Per<Id, double> y;

  Points() = default;
  explicit Points(std::size_t size) : x(size), y(size) {}
  [[nodiscard]] std::size_t size() const { return x.size(); }
};

// Everybody, whether clustered or not. Equal ballots (equal votes on the columns that are not
// zeroed) have equal bits: each row is summed by itself, vote by vote in column order.
[[nodiscard]] Points<Participant> project_participants(const VoteMatrix& votes,
                                                       const Per<Opinion, double>& center,
                                                       const Per<Opinion, OpinionStatus>& status,
                                                       const Components& components);

struct OpinionPlaces {
  Points<Opinion> at;              // where somebody would be who agreed with it alone
  Per<Opinion, double> extremity;  // its distance from the origin
};

[[nodiscard]] OpinionPlaces project_opinions(const Per<Opinion, double>& center,
                                             const Components& components);

}  // namespace sluice::math
