#include "projectors/deliberation/math/k_means.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "projectors/deliberation/math/each_processor.h"

namespace sluice::math {
namespace {

// Centers that move less than this stand still.
constexpr double kStill = 0.01;

double squared(double dx, double dy) { return dx * dx + dy * dy; }

// Four numbers side by side, wherever they stand in memory.
typedef double Lanes __attribute__((vector_size(32), aligned(8), may_alias));
constexpr std::size_t kLanes = 4;

const Lanes& lanes(const double* at) { return *reinterpret_cast<const Lanes*>(at); }
Lanes& lanes(double* at) { return *reinterpret_cast<Lanes*>(at); }

// The members of a cluster, in the order of the points.
struct Members {
  std::vector<std::uint32_t> point;
  std::vector<double> x, y;  // filled up to whole lanes with zeros, which are nobody

  [[nodiscard]] std::size_t size() const { return point.size(); }
  void resize(std::size_t size) {
    const std::size_t whole = (size + kLanes - 1) / kLanes * kLanes;
    point.resize(size);
    x.resize(whole);
    y.resize(whole);
  }
  void move(std::size_t from, std::size_t to) {
    point[to] = point[from];
    x[to] = x[from];
    y[to] = y[from];
  }
};

// Some centers, and as a number which. There may be room for more.
struct Centers {
  std::vector<double> x, y, which;
  std::size_t count = 0;

  void make_room(std::size_t size) {
    if (x.size() >= size) return;
    x.resize(size);
    y.resize(size);
    which.resize(size);
  }
  void set(std::size_t at, double center_x, double center_y, double center) {
    x[at] = center_x;
    y[at] = center_y;
    which[at] = center;
  }
  void insert(std::size_t at, double center_x, double center_y, double center) {
    for (std::size_t i = count++; i > at; --i) set(i, x[i - 1], y[i - 1], which[i - 1]);
    set(at, center_x, center_y, center);
  }
};

// For each point the nearest center and its distance, squared; of equally near ones the last.
SLUICE_EACH_PROCESSOR
void find_nearest(const Members& points, const Centers& centers, double* nearest, double* least) {
  const std::size_t count = centers.count;
  for (std::size_t i = 0; i < points.x.size(); i += kLanes) {
    const Lanes x = lanes(&points.x[i]);
    const Lanes y = lanes(&points.y[i]);
    Lanes found{};
    Lanes distance = found + HUGE_VAL;
    for (std::size_t c = 0; c < count; ++c) {
      const Lanes dx = x - centers.x[c];
      const Lanes dy = y - centers.y[c];
      const Lanes squared = dx * dx + dy * dy;
      const auto nearer = squared <= distance;
      distance = nearer ? squared : distance;
      found = nearer ? centers.which[c] - Lanes{} : found;
    }
    lanes(&nearest[i]) = found;
    lanes(&least[i]) = distance;
  }
}

// The rounds of Lloyd's algorithm. Their outcome is that of comparing every point with every center
// and adding up every cluster anew; only what can change is looked at:
// - no center takes a point from the one that has it, when it stands farther from that one than
// twice
//   the point does;
// - of two centers that stood still neither takes a point from the other;
// - a cluster with the same members has the same center, to the bit.
class Lloyd {
 public:
  explicit Lloyd(const WeightedPoints& points) : points_(points), owner_(points.size()) {}

  // The first `k` distinct points are centers. Returns whether there are no others: then all points
  // are where they belong.
  bool begin(std::size_t k);
  void assign();
  void drop_and_center();
  [[nodiscard]] std::vector<std::pair<double, double>> sorted_centers() const;
  [[nodiscard]] Clustering result(std::size_t rounds) const;

 private:
  struct Move {
    std::uint32_t to;
    std::uint32_t point;
    double distance;
    // By whom they go to, then by point.
    [[nodiscard]] std::uint64_t key() const { return std::uint64_t{to} << 32 | point; }
  };

  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(ids_.size()); }
  [[nodiscard]] std::uint32_t find_or_add(double x, double y, std::size_t k);
  void fill_members();
  [[nodiscard]] bool find_rivals(std::uint32_t own);
  void look_for_moves(std::uint32_t own);
  void make_moves();
  void take_in(std::uint32_t cluster, std::span<const Move> joining);
  void drop_empty();
  void center(std::uint32_t cluster);

  const WeightedPoints& points_;
  // Of each cluster, in the order of ids.
  std::vector<std::uint32_t> ids_;
  std::vector<double> x_, y_;
  std::vector<double> radius_;  // no member is farther
  std::vector<char> moved_;     // since points were last given to centers
  std::vector<char> changed_;   // members came or went since it was last centered
  std::vector<Members> members_;
  std::vector<std::uint32_t> owner_;  // of each point: its cluster
  // Kept between calls for their memory.
  std::vector<std::uint32_t> all_, those_that_moved_;
  Centers rivals_;  // of one cluster, itself among them
  std::vector<double> least_, nearest_;
  std::vector<Move> moves_;
};

// The cluster whose center this is; with no more than `k`, a new one; else size().
std::uint32_t Lloyd::find_or_add(double x, double y, std::size_t k) {
  std::uint32_t c = 0;
  // -0 equals 0.
  while (c < size() && (x_[c] != x || y_[c] != y)) ++c;
  if (c == size() && c < k) {
    ids_.push_back(c);
    x_.push_back(x);
    y_.push_back(y);
  }
  return c;
}

bool Lloyd::begin(std::size_t k) {
  std::size_t known = 0;
  while (known < points_.size()) {
    const std::uint32_t c = find_or_add(points_.x[known], points_.y[known], k);
    if (c == size()) break;
    owner_[known++] = c;
  }
  // The others may begin anywhere, best where they are likely to end.
  std::vector<std::pair<double, std::uint32_t>> along_x;
  for (std::uint32_t c = 0; c < size(); ++c) along_x.emplace_back(x_[c], c);
  std::ranges::sort(along_x);
  for (std::size_t i = known; i < points_.size(); ++i) {
    const auto next = std::ranges::lower_bound(along_x, std::pair(points_.x[i], 0U));
    owner_[i] = next == along_x.end() ? along_x.back().second : next->second;
  }
  fill_members();
  return known == points_.size();
}

void Lloyd::fill_members() {
  radius_.assign(size(), 0);
  moved_.assign(size(), true);
  changed_.assign(size(), true);
  members_.resize(size());
  for (std::uint32_t i = 0; i < points_.size(); ++i) members_[owner_[i]].point.push_back(i);
  for (std::uint32_t c = 0; c < size(); ++c) {
    Members& members = members_[c];
    members.resize(members.point.size());
    for (std::size_t i = 0; i < members.size(); ++i) {
      members.x[i] = points_.x[members.point[i]];
      members.y[i] = points_.y[members.point[i]];
      const double distance = squared(members.x[i] - x_[c], members.y[i] - y_[c]);
      radius_[c] = std::max(radius_[c], std::sqrt(distance));
    }
  }
}

void Lloyd::assign() {
  moves_.clear();
  all_.clear();
  those_that_moved_.clear();
  for (std::uint32_t c = 0; c < size(); ++c) {
    all_.push_back(c);
    if (moved_[c]) those_that_moved_.push_back(c);
  }
  for (std::uint32_t c = 0; c < size(); ++c) {
    if (find_rivals(c)) look_for_moves(c);
  }
  make_moves();
}

// The centers that may take a point from this one, in their order, and itself. False if it is
// alone.
bool Lloyd::find_rivals(std::uint32_t own) {
  const std::vector<std::uint32_t>& others = moved_[own] ? all_ : those_that_moved_;
  const double x = x_[own];
  const double y = y_[own];
  // Farther than this a center is not nearer to a member, whatever rounding does.
  const double farthest = 4 * radius_[own] * radius_[own] * (1 + 1e-8) + 1e-290;
  rivals_.make_room(others.size() + 1);
  std::size_t found = 0;
  std::size_t before_own = 0;
  for (const std::uint32_t c : others) {
    rivals_.set(found, x_[c], y_[c], c);
    // Without a branch, which would often be guessed wrong.
    const int reaches = int{squared(x_[c] - x, y_[c] - y) <= farthest} & int{c != own};
    before_own += static_cast<std::size_t>(reaches & int{c < own});
    found += static_cast<std::size_t>(reaches);
  }
  rivals_.count = found;
  if (found > 0) rivals_.insert(before_own, x, y, own);
  return found > 0;
}

void Lloyd::look_for_moves(std::uint32_t own) {
  const Members& members = members_[own];
  nearest_.resize(members.x.size());
  least_.resize(members.x.size());
  find_nearest(members, rivals_, nearest_.data(), least_.data());
  double farthest = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    farthest = std::max(farthest, least_[i]);
    if (nearest_[i] == own) continue;
    moves_.push_back({static_cast<std::uint32_t>(nearest_[i]), members.point[i], least_[i]});
  }
  radius_[own] = std::sqrt(farthest);
}

void Lloyd::make_moves() {
  for (const Move& move : moves_) {
    changed_[owner_[move.point]] = changed_[move.to] = true;
    owner_[move.point] = move.to;
    radius_[move.to] = std::max(radius_[move.to], std::sqrt(move.distance));
  }
  std::ranges::sort(moves_, {}, &Move::key);
  auto joining = moves_.begin();
  for (std::uint32_t c = 0; c < size(); ++c) {
    const auto begin = joining;
    while (joining != moves_.end() && joining->to == c) ++joining;
    if (changed_[c]) take_in(c, {begin, joining});
  }
}

// Lets those go that have another owner now, and merges in those that come.
void Lloyd::take_in(std::uint32_t cluster, std::span<const Move> joining) {
  Members& members = members_[cluster];
  std::size_t kept = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    if (owner_[members.point[i]] == cluster) members.move(i, kept++);
  }
  members.resize(kept + joining.size());
  for (std::size_t to = members.size(); !joining.empty();) {
    const std::uint32_t last = joining.back().point;
    --to;
    if (kept > 0 && members.point[kept - 1] > last) {
      members.move(--kept, to);
      continue;
    }
    members.point[to] = last;
    members.x[to] = points_.x[last];
    members.y[to] = points_.y[last];
    joining = joining.first(joining.size() - 1);
  }
}

void Lloyd::drop_and_center() {
  drop_empty();
  for (std::uint32_t c = 0; c < size(); ++c) {
    moved_[c] = false;
    if (changed_[c]) center(c);
    changed_[c] = false;
  }
}

// The mean of the members, summed in the order of the points.
void Lloyd::center(std::uint32_t cluster) {
  const Members& members = members_[cluster];
  double x = 0;
  double y = 0;
  double weight = 0;
  for (std::size_t i = 0; i < members.size(); ++i) {
    const double w = points_.weight[members.point[i]];
    x += members.x[i] * w;
    y += members.y[i] * w;
    weight += w;
  }
  x /= weight;
  y /= weight;
  moved_[cluster] = x != x_[cluster] || y != y_[cluster] ? 1 : 0;
  radius_[cluster] += std::sqrt(squared(x - x_[cluster], y - y_[cluster]));
  x_[cluster] = x;
  y_[cluster] = y;
}

void Lloyd::drop_empty() {
  if (std::ranges::none_of(members_, [](const Members& m) { return m.size() == 0; })) return;
  std::uint32_t kept = 0;
  for (std::uint32_t c = 0; c < size(); ++c) {
    if (members_[c].size() == 0) continue;
    ids_[kept] = ids_[c];
    x_[kept] = x_[c];
    y_[kept] = y_[c];
    radius_[kept] = radius_[c];
    changed_[kept] = changed_[c];
    if (kept != c) members_[kept] = std::move(members_[c]);
    for (const std::uint32_t point : members_[kept].point) owner_[point] = kept;
    ++kept;
  }
  ids_.resize(kept);
  x_.resize(kept);
  y_.resize(kept);
  radius_.resize(kept);
  moved_.resize(kept);
  changed_.resize(kept);
  members_.resize(kept);
}

std::vector<std::pair<double, double>> Lloyd::sorted_centers() const {
  std::vector<std::pair<double, double>> centers;
  for (std::uint32_t c = 0; c < size(); ++c) centers.emplace_back(x_[c], y_[c]);
  std::ranges::sort(centers);
  return centers;
}

Clustering Lloyd::result(std::size_t rounds) const {
  return {.ids = ids_, .x = x_, .y = y_, .label = owner_, .rounds = rounds};
}

// Pairs them by rank, as far as the shorter list goes: clusters that were dropped are among
// `before`.
bool stand_still(const std::vector<std::pair<double, double>>& before,
                 const std::vector<std::pair<double, double>>& after) {
  for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
    const double dx = before[i].first - after[i].first;
    const double dy = before[i].second - after[i].second;
    if (std::sqrt(squared(dx, dy)) >= kStill) return false;
  }
  return true;
}

}  // namespace

Clustering k_means(const WeightedPoints& points, std::size_t k, std::size_t most_rounds) {
  Lloyd lloyd(points);
  if (lloyd.begin(k)) return lloyd.result(0);
  std::size_t rounds = 0;
  for (auto before = lloyd.sorted_centers(); rounds < most_rounds;) {
    lloyd.assign();
    lloyd.drop_and_center();
    ++rounds;
    auto after = lloyd.sorted_centers();
    if (stand_still(before, after)) break;
    before = std::move(after);
  }
  return lloyd.result(rounds);
}

}  // namespace sluice::math
