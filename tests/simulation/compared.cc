// What a comparison of two generations is to say, by their accounts.

#include "tests/simulation/compared.h"

#include <set>
#include <string>

#include "storage/memory/memory_comparison.h"
#include "tests/simulation/broken.h"
#include "tests/simulation/faulty_writer.h"

namespace sluice::simulation {
namespace {

using Texts = std::map<std::string, std::string>;  // rows by the text of their keys
using Difference = MemoryTableComparison;

std::set<std::string> differing(const Rows& one, const Rows& other) {
  std::set<std::string> keys;
  for (const auto& [key, row] : one) {
    const auto found = other.find(key);
    if (found == other.end() || found->second != row) keys.insert(key);
  }
  for (const auto& [key, row] : other) {
    if (!one.contains(key)) keys.insert(key);
  }
  return keys;
}

std::string box_of(const std::string& key) { return key.substr(0, key.find('/')); }

// `due`: boxes that are yet to be computed, whose rows may differ until then.
Difference difference(const Texts& live, const Texts& other, const std::set<std::string>& due) {
  Difference made;
  for (const auto& [key, text] : other) {
    const auto found = live.find(key);
    if (found != live.end() && found->second == text) {
      ++made.same;
    } else if (due.contains(box_of(key))) {
      made.undecided.insert(key);
    } else {
      (found == live.end() ? made.added : made.changed).insert(key);
    }
  }
  for (const auto& [key, text] : live) {
    if (!other.contains(key)) {
      (due.contains(box_of(key)) ? made.undecided : made.missing).insert(key);
    }
  }
  return made;
}

bool equal(const Difference& one, const Difference& other) {
  return one.same == other.same && one.added == other.added && one.missing == other.missing &&
         one.changed == other.changed && one.undecided == other.undecided;
}

std::string text(const Difference& all) {
  std::string said = std::to_string(all.same) + " same";
  const auto list = [&](const char* name, const std::set<std::string>& keys) {
    said += std::string("; ") + name;
    for (const std::string& key : keys) said += " " + key;
  };
  list("added", all.added);
  list("missing", all.missing);
  list("changed", all.changed);
  list("undecided", all.undecided);
  return said;
}

struct Refused {
  Texts rejections;
  Texts quarantined;
  Texts decisions;
};

Refused refused_of(const Subject& subject) {
  Refused all;
  for (int p = 0; p < kPartitions; ++p) {
    const Refold& refold = subject.account(Partition{p}).refold;
    const auto key = [&](std::int64_t at) { return std::to_string(p) + "/" + std::to_string(at); };
    for (const auto& [at, reason] : refold.rejections) all.rejections[key(at)] = reason;
    for (const auto& [at, record] : refold.quarantined) {
      all.quarantined[key(at)] = record.key + "\n" + record.value.value_or("aged out");
    }
    for (const auto& [at, decided] : refold.decisions) {
      const std::string of = decided.offset ? std::to_string(*decided.offset) : "nothing";
      all.decisions[key(at)] = decided.kind + of + "\n" + decided.who + "\n" + decided.why;
    }
  }
  return all;
}

class Check {
 public:
  Check(const Subject& live, const Subject& other, const MemoryComparison& at)
      : live_(live), other_(other), at_(at), found_(compare(*at.live(), *at.other())) {}

  void folded() {
    const auto expected = differing(live_.expected(), other_.expected());
    if (differing(live_.published(*at_.live()), other_.published(*at_.other())) != expected) {
      throw Broken("two generations do not differ as their accounts do");
    }
    const bool same = live_.projection().version == other_.projection().version;
    if (same && !expected.empty()) {
      throw Broken("two of one version differ in " + *expected.begin());
    }
  }

  void refused() {
    const Refused of_live = refused_of(live_);
    const Refused of_other = refused_of(other_);
    require("sluice.rejection", difference(of_live.rejections, of_other.rejections, {}));
    require("sluice.decision", difference(of_live.decisions, of_other.decisions, {}));
    // Why a record waits is not in the account, and may differ where the rules do.
    Difference quarantine = difference(of_live.quarantined, of_other.quarantined, {});
    Difference& found = found_["sluice.quarantine"];
    if (!live_.tells_as(other_)) {
      std::erase_if(found.changed, [&](const std::string& key) {
        if (quarantine.changed.contains(key)) return false;
        ++found.same;
        return true;
      });
    }
    require("sluice.quarantine", quarantine);
  }

  void computed() {
    std::set<std::string> due;
    for (const auto& [subject, views] :
         {std::pair{&live_, at_.live()}, std::pair{&other_, at_.other()}}) {
      due.merge(subject->behind(*views));
    }
    const auto of_live = live_.computed_rows(*at_.live());
    const auto of_other = other_.computed_rows(*at_.other());
    for (const char* table : {"box_summary", "box_place"}) {
      const auto rows = [&](const auto& all) {
        const auto found = all.find(table);
        return found == all.end() ? Texts{} : found->second;
      };
      require(table, difference(rows(of_live), rows(of_other), due));
    }
  }

  // Everything else is folded.
  void others() {
    std::set<std::string> found;
    for (auto& [name, difference] : found_) {
      for (auto* keys : {&difference.added, &difference.missing, &difference.changed}) {
        found.merge(*keys);
      }
      if (!difference.undecided.empty()) throw Broken("what is folded is undecided in " + name);
    }
    std::set<std::string> expected = differing(live_.expected(), other_.expected());
    std::erase_if(expected, [](const std::string& key) { return key.starts_with("what "); });
    if (found != expected) throw Broken("a comparison finds other folded rows than differ");
  }

 private:
  void require(const std::string& table, const Difference& expected) {
    const Difference found = found_[table];
    found_.erase(table);
    if (equal(found, expected)) return;
    throw Broken("a comparison of " + table + " finds " + text(found) + ", not " + text(expected));
  }

  const Subject& live_;
  const Subject& other_;
  const MemoryComparison& at_;
  std::map<std::string, Difference> found_;
};

}  // namespace

void check_compared(const Subject& live, const Subject& other, const MemoryComparison& comparing) {
  Check check(live, other, comparing);
  check.folded();
  check.refused();
  check.computed();
  check.others();
}

}  // namespace sluice::simulation
