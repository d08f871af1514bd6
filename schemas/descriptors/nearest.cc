#include "schemas/descriptors/nearest.h"

#include <algorithm>
#include <numeric>
#include <vector>

namespace sluice {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i + 1;
    for (std::size_t j = 0; j < b.size(); ++j) {
      const std::size_t replaced = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row[b.size()];
}

std::string nearest(std::string_view wrong, std::span<const std::string> names) {
  std::string best;
  // Further off than a third of its letters, it is another word.
  std::size_t limit = std::max<std::size_t>(2, wrong.size() / 3) + 1;
  for (const std::string& name : names) {
    if (const std::size_t d = edit_distance(wrong, name); d < limit) {
      limit = d;
      best = name;
    }
  }
  return best;
}

}  // namespace sluice
