#include "tests/support/naive_math.h"

#include <algorithm>
#include <cmath>

namespace sluice::testing::naive {
namespace {

constexpr double kZ = 1.2816;

double squared(const Point& a, const Point& b) {
  return (a.x - b.x) * (a.x - b.x) + (a.y - b.y) * (a.y - b.y);
}

// Makes a[p][q] 0, turning the vectors along.
void rotate(Dense& a, Dense& vectors, std::size_t p, std::size_t q) {
  const double theta = (a[q][q] - a[p][p]) / (2 * a[p][q]);
  const double t = (theta >= 0 ? 1 : -1) / (std::abs(theta) + std::sqrt(theta * theta + 1));
  const double c = 1 / std::sqrt(t * t + 1);
  const double s = t * c;
  const auto turn = [&](double& x, double& y) {
    const double old = x;
    x = c * old - s * y;
    y = s * old + c * y;
  };
  for (Row& row : a) turn(row[p], row[q]);
  for (std::size_t k = 0; k < a.size(); ++k) turn(a[p][k], a[q][k]);
  for (std::size_t k = 0; k < a.size(); ++k) turn(vectors[p][k], vectors[q][k]);
}

}  // namespace

Eigen jacobi(Dense a) {
  const std::size_t n = a.size();
  Dense v(n, Row(n, 0.0));
  for (std::size_t i = 0; i < n; ++i) v[i][i] = 1;
  double nothing = 0;
  for (std::size_t i = 0; i < n; ++i) nothing = std::max(nothing, 1e-18 * std::abs(a[i][i]));
  bool done = false;
  for (int sweep = 0; sweep < 60 && !done; ++sweep) {
    done = true;
    for (std::size_t pair = 0; pair < n * n; ++pair) {
      const std::size_t p = pair / n;
      const std::size_t q = pair % n;
      if (p >= q || std::abs(a[p][q]) <= nothing) continue;
      done = false;
      rotate(a, v, p, q);
    }
  }
  std::vector<std::size_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t i, std::size_t j) { return a[i][i] > a[j][j]; });
  Eigen found;
  for (const std::size_t i : order) {
    found.values.push_back(a[i][i]);
    found.vectors.push_back(v[i]);
  }
  return found;
}

// Z'Z
Dense gram(const Dense& z, std::size_t columns) {
  Dense g(columns, Row(columns, 0.0));
  for (const Row& row : z) {
    for (std::size_t a = 0; a < columns; ++a) {
      for (std::size_t b = 0; b < columns; ++b) g[a][b] += row[a] * row[b];
    }
  }
  return g;
}

Row times(const Dense& a, const Row& x) {
  Row y;
  for (const Row& row : a) {
    double sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) sum += row[i] * x[i];
    y.push_back(sum);
  }
  return y;
}

// Votes minus the column's mean, 0 where missing and in columns that count as 0.
Dense centered(const Table& votes, const std::vector<bool>& zeroed, Row& mean) {
  mean.assign(zeroed.size(), 0.0);
  for (std::size_t s = 0; s < zeroed.size(); ++s) {
    double sum = 0;
    double count = 0;
    for (const auto& row : votes) {
      if (!row[s]) continue;
      sum += *row[s];
      ++count;
    }
    mean[s] = zeroed[s] ? 0 : sum / count;
  }
  Dense z(votes.size(), Row(zeroed.size(), 0.0));
  for (std::size_t p = 0; p < votes.size(); ++p) {
    for (std::size_t s = 0; s < zeroed.size(); ++s) {
      if (votes[p][s] && !zeroed[s]) z[p][s] = *votes[p][s] - mean[s];
    }
  }
  return z;
}

double distance(const Point& a, const Point& b) { return std::sqrt(squared(a, b)); }

std::vector<Cluster> k_means(const std::vector<Point>& points, const Row& weight, std::size_t k,
                             int rounds) {
  std::vector<Cluster> clusters;
  for (const Point& point : points) {
    const bool known = std::ranges::any_of(
        clusters, [&](const Cluster& c) { return c.center.x == point.x && c.center.y == point.y; });
    if (!known && clusters.size() < k) clusters.push_back({clusters.size(), point, {}});
  }
  for (int round = 0; round < rounds; ++round) {
    std::vector<Point> before;
    for (Cluster& c : clusters) {
      before.push_back(c.center);
      c.members.clear();
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
      std::size_t nearest = 0;
      for (std::size_t c = 1; c < clusters.size(); ++c) {
        if (squared(points[i], clusters[c].center) <=
            squared(points[i], clusters[nearest].center)) {
          nearest = c;
        }
      }
      clusters[nearest].members.push_back(i);
    }
    std::erase_if(clusters, [](const Cluster& c) { return c.members.empty(); });
    std::vector<Point> after;
    for (Cluster& c : clusters) {
      double x = 0, y = 0, w = 0;
      for (const std::size_t i : c.members) {
        x += points[i].x * weight[i];
        y += points[i].y * weight[i];
        w += weight[i];
      }
      c.center = {x / w, y / w};
      after.push_back(c.center);
    }
    std::ranges::sort(before);
    std::ranges::sort(after);
    bool still = true;
    for (std::size_t i = 0; i < std::min(before.size(), after.size()); ++i) {
      still = still && distance(before[i], after[i]) < 0.01;
    }
    if (still) break;
  }
  return clusters;
}

double silhouette(const std::vector<Point>& points, const std::vector<Cluster>& clusters) {
  if (clusters.size() < 2) return 0;
  double sum = 0;
  for (const Cluster& own : clusters) {
    for (const std::size_t i : own.members) {
      if (own.members.size() == 1) continue;
      double a = 0;
      for (const std::size_t j : own.members) a += distance(points[i], points[j]);
      a /= static_cast<double>(own.members.size() - 1);
      double b = HUGE_VAL;
      for (const Cluster& other : clusters) {
        if (other.id == own.id) continue;
        double mean = 0;
        for (const std::size_t j : other.members) mean += distance(points[i], points[j]);
        b = std::min(b, mean / static_cast<double>(other.members.size()));
      }
      if (std::max(a, b) > 0) sum += (b - a) / std::max(a, b);
    }
  }
  return sum / static_cast<double>(points.size());
}

Tally tally(const Table& votes, const std::vector<std::size_t>& rows, std::size_t opinion) {
  Tally t;
  for (const std::size_t p : rows) {
    if (!votes[p][opinion]) continue;
    t.n += 1;
    t.a += *votes[p][opinion] == 1;
    t.d += *votes[p][opinion] == -1;
  }
  return t;
}

double probability(double x, double n) { return (x + 1) / (n + 2); }
double proportion_test(double x, double n) {
  return 2 * std::sqrt(n + 1) * ((x + 1) / (n + 1) - 0.5);
}
namespace {

double test_of_two(double x, double n, double y, double m) {
  const double q = (x + 1 + y + 1) / (n + 1 + m + 1);
  if (q == 1) return 0;
  return ((x + 1) / (n + 1) - (y + 1) / (m + 1)) /
         std::sqrt(q * (1 - q) * (1 / (n + 1) + 1 / (m + 1)));
}

struct Look {
  std::size_t opinion;
  Tally g;
  double pa, pd, pat, pdt, ra, rd, rat, rdt;
  [[nodiscard]] double differs() const { return std::max(rat, rdt); }
};

Look look_at(std::size_t opinion, const Tally& g, const Tally& r) {
  return {opinion,
          g,
          probability(g.a, g.n),
          probability(g.d, g.n),
          proportion_test(g.a, g.n),
          proportion_test(g.d, g.n),
          probability(g.a, g.n) / probability(r.a, r.n),
          probability(g.d, g.n) / probability(r.d, r.n),
          test_of_two(g.a, g.n, r.a, r.n),
          test_of_two(g.d, g.n, r.d, r.n)};
}

bool suffices(const Look& l) { return (l.rat > kZ && l.pat > kZ) || (l.rdt > kZ && l.pdt > kZ); }

bool beats(const Look& l, const std::optional<Look>& best_agree) {
  if (l.g.a == 0 && l.g.d == 0) return false;
  if (!best_agree) return l.pat > kZ || (l.ra > 1 && l.pa > 0.5);
  const Look& b = *best_agree;
  if (b.ra > 1) return l.ra * l.rat * l.pa * l.pat > b.ra * b.rat * b.pa * b.pat;
  return l.pa * l.pat > b.pa * b.pat;
}

Record record(const Look& l, bool best_agree) {
  if (l.rat > l.rdt) return {l.opinion, true, best_agree, l.g.a, l.g.n, l.pa, l.pat, l.ra, l.rat};
  return {l.opinion, false, best_agree, l.g.d, l.g.n, l.pd, l.pdt, l.rd, l.rdt};
}

double metric(const Record& r) { return r.ratio * r.ratio_test * r.p * r.test; }

}  // namespace

std::vector<Record> representatives(const Table& votes, const std::vector<bool>& zeroed,
                                    const std::vector<std::size_t>& own,
                                    const std::vector<std::size_t>& others) {
  std::vector<Look> sufficient;
  std::optional<Look> best;
  std::optional<Look> best_agree;
  for (std::size_t s = 0; s < zeroed.size(); ++s) {
    if (zeroed[s]) continue;
    const Look l = look_at(s, tally(votes, own, s), tally(votes, others, s));
    if (suffices(l)) sufficient.push_back(l);
    if (sufficient.empty() && (!best || l.differs() > best->differs())) best = l;
    if (beats(l, best_agree)) best_agree = l;
  }
  if (sufficient.empty() && best_agree) return {record(*best_agree, true)};
  if (sufficient.empty() && best) return {record(*best, false)};
  std::vector<Record> list;
  for (const Look& l : sufficient) {
    if (!best_agree || best_agree->opinion != l.opinion) list.push_back(record(l, false));
  }
  std::ranges::stable_sort(list,
                           [](const Record& a, const Record& b) { return metric(a) > metric(b); });
  if (best_agree) list.insert(list.begin(), record(*best_agree, true));
  if (list.size() > 5) list.resize(5);
  std::ranges::stable_sort(list,
                           [](const Record& a, const Record& b) { return a.agree && !b.agree; });
  return list;
}

void Clustered::after(const Table& votes) {
  std::set<std::size_t> columns;
  std::vector<std::size_t> counts;
  for (const auto& row : votes) {
    counts.push_back(0);
    for (std::size_t s = 0; s < row.size(); ++s) {
      if (!row[s]) continue;
      ++counts.back();
      columns.insert(s);
    }
  }
  for (std::size_t p = 0; p < counts.size(); ++p) {
    if (counts[p] > 0 && counts[p] >= std::min<std::size_t>(7, columns.size())) in.insert(p);
  }
  while (in.size() < 15) {
    std::optional<std::size_t> most;
    for (std::size_t p = 0; p < counts.size(); ++p) {
      if (in.contains(p) || counts[p] == 0) continue;
      if (!most || counts[p] > counts[*most]) most = p;
    }
    if (!most) break;
    in.insert(*most);
  }
}

}  // namespace sluice::testing::naive
