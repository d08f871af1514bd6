#pragma once

// What the math must read of a conversation, worked out anew from what the deliberation model says
// after each fact, sharing no code with the fold.

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "tests/support/deliberation_model.h"
#include "tests/support/naive_math.h"

namespace sluice {

class MathModel {
 public:
  struct Row {
    std::string participant;
    bool clustered;
    std::vector<std::optional<int>> votes;  // by opinion
    bool operator==(const Row&) const = default;
  };
  struct Column {
    std::string opinion;
    bool zeroed;
    bool operator==(const Column&) const = default;
  };
  struct Input {
    std::vector<Column> columns;
    std::vector<Row> rows;
    bool operator==(const Input&) const = default;
  };

  // After the fact, which was admitted, the conversation's situation is `now`.
  void after(const deliberation::Event& fact, const DeliberationModel::Situation& now);

  [[nodiscard]] const Input& input() const { return input_; }

 private:
  void place_opinions(const deliberation::Event& fact, const DeliberationModel::Situation& now);
  void seat(const deliberation::Event& fact, const DeliberationModel::Situation& now);
  void cluster(const DeliberationModel::Situation& now);
  void collect(const DeliberationModel::Situation& now);

  std::size_t next_ = 0;
  std::map<std::string, std::size_t> places_;  // of opinions, in the order of their creation
  std::map<std::string, std::size_t> seats_;   // of participants, in the order of first votes
  std::set<std::string> clustered_;            // once in, whether eligible or not
  Input input_;
};

}  // namespace sluice
