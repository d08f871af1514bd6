#include "projectors/deliberation/ballot_votes.h"

#include <array>
#include <cstring>

#include "storage/base/check.h"

namespace sluice::ballot_votes {
namespace {

using deliberation::Choice;

std::string_view word_of(Choice choice) {
  switch (choice) {
    case deliberation::CHOICE_AGREE:
      return "agree";
    case deliberation::CHOICE_DISAGREE:
      return "disagree";
    case deliberation::CHOICE_PASS:
      return "pass";
    default:  // none; the enum is open, but other numbers meet no rule
      return {};
  }
}

// The words differ in their first letter.
Choice choice_of(char first) {
  switch (first) {
    case 'a':
      return deliberation::CHOICE_AGREE;
    case 'd':
      return deliberation::CHOICE_DISAGREE;
    default:
      return deliberation::CHOICE_PASS;
  }
}

// What stands before a vote's word: "o1":"
class Name {
 public:
  explicit Name(std::string_view opinion_id) : size_(opinion_id.size() + 4) {
    CHECK(size_ <= text_.size(), "ids have 64 characters at most");
    text_[0] = '"';
    std::memcpy(text_.data() + 1, opinion_id.data(), opinion_id.size());
    std::memcpy(text_.data() + 1 + opinion_id.size(), "\":\"", 3);
  }
  [[nodiscard]] std::string_view text() const { return {text_.data(), size_}; }
  // Where it begins, or npos. No word is followed by a colon, so only a name can be found.
  [[nodiscard]] std::size_t in(std::string_view votes) const {
    const void* found = memmem(votes.data(), votes.size(), text_.data(), size_);
    return found == nullptr
               ? std::string_view::npos
               : static_cast<std::size_t>(static_cast<const char*>(found) - votes.data());
  }

 private:
  std::array<char, 68> text_;
  std::size_t size_;
};

void append(std::string& votes, std::string_view name, Choice choice) {
  if (votes.empty()) {
    votes = "{";
  } else {
    votes.back() = ',';
  }
  votes.append(name).append(word_of(choice)).append("\"}");
}

// The vote whose name begins at `at` and whose word is [word, word_end).
void erase(std::string& votes, std::size_t at, std::size_t word_end) {
  const std::size_t end = word_end + 1;  // at the comma or brace behind it
  if (votes[end] == ',') {
    votes.erase(at, end + 1 - at);
  } else if (votes[at - 1] == ',') {
    votes.erase(at - 1, end - (at - 1));
  } else {
    votes.clear();
  }
}

}  // namespace

Choice find(std::string_view votes, std::string_view opinion_id) {
  const Name name(opinion_id);
  const std::size_t at = name.in(votes);
  return at == votes.npos ? deliberation::CHOICE_NONE : choice_of(votes[at + name.text().size()]);
}

Choice exchange(std::string& votes, std::string_view opinion_id, Choice choice) {
  const Name name(opinion_id);
  const std::size_t at = name.in(votes);
  if (at == votes.npos) {
    if (choice != deliberation::CHOICE_NONE) append(votes, name.text(), choice);
    return deliberation::CHOICE_NONE;
  }
  const std::size_t word = at + name.text().size();
  const Choice before = choice_of(votes[word]);
  const std::size_t word_end = votes.find('"', word);
  if (choice == deliberation::CHOICE_NONE) {
    erase(votes, at, word_end);
  } else {
    votes.replace(word, word_end - word, word_of(choice));
  }
  return before;
}

bool next(std::string_view votes, std::size_t& at, Vote& vote) {
  // At the brace or comma before the next vote, or at the brace behind the last.
  if (at + 1 >= votes.size()) return false;
  const std::size_t id = at + 2;
  const std::size_t id_end = votes.find('"', id);
  const std::size_t word = id_end + 3;
  vote = {votes.substr(id, id_end - id), choice_of(votes[word])};
  at = votes.find('"', word) + 1;
  return true;
}

}  // namespace sluice::ballot_votes
