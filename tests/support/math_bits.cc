// Prints the snapshots of a few made-up conversations, every number in full: one for each way to
// the eigenpairs, and degenerate ones. The same program, built otherwise, has to print the same.

#include <cstdio>
#include <string>
#include <vector>

#include "projectors/deliberation/math/document.h"
#include "projectors/deliberation/math/snapshot.h"
#include "tests/support/math_votes.h"

namespace {

using namespace sluice::math;
using sluice::testing::grouped_votes;

std::vector<std::string> numbered(char letter, std::size_t count) {
  std::vector<std::string> all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(letter + std::to_string(i));
  return all;
}

void print(const Conversation& conversation) {
  const auto participants = numbered('p', conversation.in_conv.size());
  const auto opinions = numbered('o', conversation.opinions.size());
  std::string document;
  write_document(compute(conversation), {participants, opinions}, {}, document);
  std::puts(document.c_str());
}

}  // namespace

int main() {
  print(grouped_votes({.participants = 5, .opinions = 3, .votes = 12}));
  print(grouped_votes({.participants = 30, .opinions = 1, .votes = 30}));
  print(grouped_votes({.participants = 300, .opinions = 60, .votes = 6'000, .moderated = 0.1}));
  print(grouped_votes({.participants = 60, .opinions = 900, .votes = 9'000}));
  print(grouped_votes({.participants = 1'500, .opinions = 1'200, .votes = 50'000}));
}
