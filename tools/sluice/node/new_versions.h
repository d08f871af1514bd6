#pragma once

// Versions of rules that come with a new program: `sluice up` has a generation built by each, once,
// and promotes it when it is ready.

#include <chrono>
#include <map>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "storage/base/mutex.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/generations.h"
#include "storage/postgres/new_version.h"
#include "storage/postgres/schema.h"

namespace sluice {

struct GenerationPair;

enum class NewVersionRule {
  rebuild,  // makes a generation where the version is higher than any, and promotes it once
  ask,      // a person does both
};

// Works on a thread of its own until nothing is left to do. Everything that it has come to stands
// in sluice.projection: killed at any step, the next start goes on from there.
class NewVersions {
 public:
  // What `schemas` refer to outlives this.
  NewVersions(std::string postgres, std::span<const PublishedSchema> schemas, NewVersionRule rule);

  // Ends the thread, within seconds.
  void stop();

  // What is not done and why, by domain; empty while all goes well. Any thread, as the next.
  [[nodiscard]] std::map<std::string, std::string> waits() const;
  // The same, a line each.
  [[nodiscard]] std::vector<std::string> troubles() const;

 private:
  using Clock = std::chrono::steady_clock;

  // A domain whose version has no generation yet, or one that is to be promoted.
  struct Pending {
    const PublishedSchema* schema = nullptr;
    Clock::time_point next_try = {};
    std::chrono::milliseconds pause{};
    int refusals = 0;  // in a row
    std::optional<Clock::time_point> compared = {};
    std::string trouble = {};
    std::string there = {};  // generations and versions that run, at the last look
  };
  enum class Left { nothing, something };

  void run(const std::stop_token& stop);
  // Whether generations or the versions that run are others than when it was asked last.
  [[nodiscard]] bool has_changed(Pending& pending);
  [[nodiscard]] Left look(Pending& pending, const std::stop_token& stop);
  // Where no generation of the version promotes itself.
  [[nodiscard]] Left look_for_own(Pending& pending);
  // Compares, notes what differs, swaps. Why not; nullopt: readers see it.
  [[nodiscard]] std::optional<GenerationRefusal> promote(Pending& pending, int generation,
                                                         const std::stop_token& stop);
  [[nodiscard]] std::optional<GenerationRefusal> compare_and_note(const Pending& pending,
                                                                  const GenerationPair& pair,
                                                                  const std::stop_token& stop);
  void refused(Pending& pending, int generation, const GenerationRefusal& refusal);
  void note(Pending& pending, const std::string& trouble);

  const std::string postgres_;
  const NewVersionRule rule_;
  std::vector<Pending> pending_;  // by the thread
  PgConnection connection_;       // the same
  mutable Mutex mutex_;
  std::map<std::string, std::string> waits_ SLUICE_GUARDED_BY(mutex_);
  std::jthread thread_;  // the last: it uses what is before it
};

}  // namespace sluice
