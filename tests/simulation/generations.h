#pragma once

// The generations of the world's domains: which is live, which is made beside it, which one stands.
// And what people decided about them, which no program may decide otherwise.

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/simulation/operator.h"
#include "tests/simulation/subject.h"

namespace sluice::simulation {

class Generations {
 public:
  // Of all domains, in the order in which they were made: others borrow the list.
  [[nodiscard]] std::vector<std::unique_ptr<Subject>>& all() { return all_; }
  [[nodiscard]] std::vector<Subject*> of(const std::string& domain);
  [[nodiscard]] Subject& live(const std::string& domain);
  // Neither live nor retired: one is being made or ready, one stands.
  [[nodiscard]] std::vector<Subject*> beside(const std::string& domain);
  [[nodiscard]] Subject* in_the_making(const std::string& domain);
  [[nodiscard]] Subject* standing(const std::string& domain);
  // As a database has them at any moment.
  [[nodiscard]] std::function<std::vector<MemoryViews*>()> views_of(const std::string& domain);
  [[nodiscard]] bool restorable(const std::string& domain);
  // That a generation of the domain ever was of.
  [[nodiscard]] int newest_version(const std::string& domain) { return newest_version_[domain]; }

  // The first of a domain.
  void add(std::unique_ptr<Subject> first);
  // Another, beside the one that is live.
  Subject& build(const SimulatedDomain& by, Subject& shown);
  // It is gone, and with it the backups of its domain.
  void forget(const Subject& gone);

  // Throws Broken where nobody could have decided so. Whether it was shown over one that stood.
  [[nodiscard]] bool note_swapped(const Operator& done);
  // The domain's views are those of a backup, which knows nothing of what was decided since.
  void forget_decisions(const std::string& domain);

  // Throw Broken.
  void check_following();
  void check_roles();

 private:
  using Numbered = std::pair<std::string, int>;  // a domain's generation

  std::vector<std::unique_ptr<Subject>> all_;
  std::map<std::string, int> newest_version_;  // by domain
  int next_ = 2;
  std::set<Numbered> decided_;              // somebody swapped it
  std::map<std::string, int> seen_before_;  // what readers saw before the last swap, by domain
};

}  // namespace sluice::simulation
