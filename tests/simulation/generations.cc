#include "tests/simulation/generations.h"

#include <algorithm>

#include "tests/simulation/broken.h"
#include "tests/simulation/faulty_writer.h"

namespace sluice::simulation {

std::vector<Subject*> Generations::of(const std::string& domain) {
  std::vector<Subject*> all;
  for (const auto& subject : all_) {
    if (subject->projection().name == domain) all.push_back(subject.get());
  }
  return all;
}

Subject& Generations::live(const std::string& domain) {
  return **std::ranges::find_if(all_, [&](const auto& subject) {
    return subject->is_live() && subject->projection().name == domain;
  });
}

std::vector<Subject*> Generations::beside(const std::string& domain) {
  std::vector<Subject*> all = of(domain);
  std::erase_if(all, [](const Subject* each) {
    return each->is_live() || each->views().status() == GenerationStatus::retired;
  });
  return all;
}

Subject* Generations::in_the_making(const std::string& domain) {
  for (Subject* const each : beside(domain)) {
    if (each->views().status() != GenerationStatus::standing) return each;
  }
  return nullptr;
}

Subject* Generations::standing(const std::string& domain) {
  for (Subject* const each : beside(domain)) {
    if (each->views().status() == GenerationStatus::standing) return each;
  }
  return nullptr;
}

std::function<std::vector<MemoryViews*>()> Generations::views_of(const std::string& domain) {
  return [this, domain] {
    std::vector<MemoryViews*> all;
    for (Subject* const each : of(domain)) all.push_back(&each->views());
    return all;
  };
}

bool Generations::restorable(const std::string& domain) {
  return std::ranges::all_of(of(domain), [](const Subject* each) { return each->restorable(); });
}

void Generations::add(std::unique_ptr<Subject> first) {
  const Projection& rules = first->projection();
  newest_version_[std::string(rules.name)] = rules.version;
  all_.push_back(std::move(first));
}

Subject& Generations::build(const SimulatedDomain& by, Subject& shown) {
  const std::string name(shown.projection().name);
  for (Subject* const each : of(name)) each->drop_backup();
  all_.push_back(std::make_unique<Subject>(by, shown, next_++));
  Subject& made = *all_.back();
  newest_version_[name] = std::max(newest_version_[name], made.projection().version);
  return made;
}

void Generations::forget(const Subject& gone) {
  for (Subject* const each : of(std::string(gone.projection().name))) each->drop_backup();
  std::erase_if(all_, [&](const auto& subject) { return subject.get() == &gone; });
}

// What nobody may promote by itself any more, and what a rollback is to show.
bool Generations::note_swapped(const Operator& done) {
  const std::string domain(done.live().projection().name);
  const int was = done.live().views().generation().number;
  const int now = done.other().views().generation().number;
  if (done.task() == Operator::Task::promote_itself && decided_.contains({domain, now})) {
    throw Broken("promoted by itself after somebody had decided: " + domain + " generation " +
                 std::to_string(now));
  }
  decided_.insert({domain, was});
  decided_.insert({domain, now});
  const auto before = seen_before_.find(domain);
  if (done.task() == Operator::Task::roll_back && before != seen_before_.end() &&
      before->second != now) {
    throw Broken("rolled back to what readers did not see before: " + domain + " generation " +
                 std::to_string(now));
  }
  seen_before_[domain] = was;
  const bool third = std::ranges::any_of(of(domain), [](const Subject* each) {
    return each->views().status() == GenerationStatus::retired;
  });
  return done.task() != Operator::Task::roll_back && third;
}

void Generations::forget_decisions(const std::string& domain) {
  seen_before_.erase(domain);
  for (const Subject* const each : of(domain)) {
    if (each->views().role().promotes_itself) {
      decided_.erase({domain, each->views().generation().number});
    }
  }
}

// Nobody is shown later what readers do not see yet.
void Generations::check_following() {
  for (const auto& subject : all_) {
    if (subject->is_live()) continue;
    Subject& shown = live(std::string(subject->projection().name));
    for (int p = 0; p < kPartitions; ++p) {
      const Offset at = subject->views().position(Partition{p}).position;
      if (at > shown.views().position(Partition{p}).position) {
        throw Broken("ahead of the live generation" + subject->where(Partition{p}, at.value));
      }
    }
  }
}

// Of each there is one, wherever commands and programs die.
void Generations::check_roles() {
  for (const char* domain : {"tally", "roster"}) {
    std::map<GenerationStatus, int> all;
    for (const Subject* const each : of(domain)) {
      const MemoryViews& views = each->views();
      ++all[views.status()];
      if ((views.status() == GenerationStatus::live) != views.generation().live) {
        throw Broken("a generation is live and is not");
      }
    }
    if (all[GenerationStatus::live] != 1) throw Broken("not one generation is live");
    if (all[GenerationStatus::standing] > 1) throw Broken("two generations stand");
    if (all[GenerationStatus::building] + all[GenerationStatus::ready] > 1) {
      throw Broken("two generations are in the making");
    }
  }
}

}  // namespace sluice::simulation
