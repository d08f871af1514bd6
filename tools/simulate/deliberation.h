#pragma once

// What participants of a deliberation platform post: conversations first, then interleaved visits
// during which somebody writes one to three opinions and votes ten to twenty times, and in between
// what owners, moderators and services do.

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "deliberation/events.pb.h"
#include "tools/simulate/posted_fact.h"
#include "tools/simulate/random.h"

namespace sluice::simulate {

struct DeliberationShape {
  std::int64_t votes = 2'000'000;  // of visits; the traffic ends with the last
  int conversations = 2'000;       // how busy they are follows Zipf's law
  int participants = 100'000;      // who visits is drawn evenly
  int seeds = 5;                   // opinions that a conversation begins with
  int visits_at_once = 256;        // whose facts are interleaved
  int changed_per_mille = 50;      // votes that change or withdraw one of the same visit
  int moderated_per_mille = 20;    // opinions that are moderated; a fifth of these are restored
  int meta_per_mille = 5;          // opinions that are marked meta
  int administered_per_mille = 4;  // facts by which owners, moderators and services do the rest
  bool prose = true;               // opinions of all lengths; else of one

  // What benchmarks measure, and have measured since there are any: nothing but conversations,
  // opinions, votes, moderation and meta.
  [[nodiscard]] static DeliberationShape benchmark();
};

// The same facts, byte for byte, for the same seed and shape.
class DeliberationTraffic {
 public:
  using Fact = PostedFact<deliberation::Event>;

  DeliberationTraffic(std::uint64_t seed, const DeliberationShape& shape);

  // The next fact, admissible when all before it were posted; nullopt at the end.
  [[nodiscard]] std::optional<Fact> next();

 private:
  struct Opinion {
    std::string author_id;
    bool live = true;
  };
  struct Conversation {
    std::vector<Opinion> opinions;
    bool closed = false;
    bool locked = false;
    bool deleted = false;
    std::set<std::string> removed;
    [[nodiscard]] bool open() const { return !closed && !locked && !deleted; }
  };
  struct Visit {
    std::size_t conversation;
    std::string participant_id;
    int votes_left;
    int opinions_left;
    std::vector<std::size_t> voted;  // numbers of opinions
  };

  Fact fact(const std::string& key);
  Fact create_conversation();
  Fact write_opinion(Visit& visit);
  Fact vote(Visit& visit);
  // An opinion that the visitor may vote on.
  std::size_t choose_opinion(Visit& visit);
  std::string opinion_body(std::size_t number);
  // What moderators do follows the opinion at once or much later.
  void plan_moderation(std::size_t conversation, std::size_t opinion);
  // Nullopt: what was planned is gone.
  std::optional<Fact> moderate();
  Visit begin_visit();
  [[nodiscard]] bool may_go_on(const Visit& visit) const;

  // deliberation_administration.cc. Nullopt: there is nothing of the kind to do.
  std::optional<Fact> administer();
  Fact edit(std::size_t conversation);
  std::optional<Fact> shut(std::size_t conversation);
  std::optional<Fact> open_again();
  std::optional<Fact> delete_opinion(std::size_t conversation);
  std::optional<Fact> delete_conversation(std::size_t conversation);
  std::optional<Fact> set_eligibility(std::size_t conversation);
  std::optional<Fact> remove_participant(std::size_t conversation);
  std::optional<Fact> rekey_participant(std::size_t conversation);
  Fact import(std::size_t conversation);
  void act_as(const std::string& id, Actor::Role role, Fact& fact) const;

  struct Moderation {
    std::size_t conversation;
    std::size_t opinion;
    bool meta;
    deliberation::Moderation state;
  };

  DeliberationShape shape_;
  std::string run_;  // what event ids begin with
  Random random_;
  Zipf zipf_;
  std::int64_t posted_ = 0;
  std::int64_t votes_ = 0;
  int imports_ = 0;
  std::vector<Conversation> conversations_;
  std::vector<Visit> visits_;
  std::vector<Moderation> planned_;
  std::deque<Fact> imported_;      // what is posted before anything else
  std::vector<std::size_t> shut_;  // conversations that will be opened again
};

}  // namespace sluice::simulate
