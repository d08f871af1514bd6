#pragma once

// What participants of a deliberation platform post: conversations first, then interleaved visits
// during which somebody writes one to three opinions and votes ten to twenty times.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "deliberation/events.pb.h"
#include "tools/simulate/posted_fact.h"
#include "tools/simulate/random.h"

namespace sluice::simulate {

struct DeliberationShape {
  std::int64_t votes = 2'000'000;  // of vote.set; the traffic ends with the last
  int conversations = 2'000;       // how busy they are follows Zipf's law
  int participants = 100'000;      // who visits is drawn evenly
  int seeds = 5;                   // opinions that a conversation begins with
  int visits_at_once = 256;        // whose facts are interleaved
  int changed_per_mille = 50;      // votes that change or withdraw one of the same visit
  int moderated_per_mille = 20;    // opinions that are moderated; a fifth of these are restored
  int meta_per_mille = 5;          // opinions that are marked meta
};

// The same facts, byte for byte, for the same seed and shape.
class DeliberationTraffic {
 public:
  using Fact = PostedFact<deliberation::Event>;

  DeliberationTraffic(std::uint64_t seed, const DeliberationShape& shape);

  // The next fact, admissible when all before it were posted; nullopt at the end.
  [[nodiscard]] std::optional<Fact> next();

 private:
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
  // What moderators do follows the opinion at once or much later.
  void plan_moderation(std::size_t conversation, std::size_t opinion);
  Fact moderate();
  Visit begin_visit();

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
  std::vector<std::size_t> opinions_;  // by conversation: how many there are
  std::vector<Visit> visits_;
  std::vector<Moderation> planned_;
};

}  // namespace sluice::simulate
