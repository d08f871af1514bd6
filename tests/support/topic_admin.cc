// What happens to topics: topic_admin BROKERS delete TOPIC | BROKERS trim TOPIC PARTITION OFFSET |
// BROKERS partitions TOPIC NUMBER | BROKERS set TOPIC SETTING VALUE |
// BROKERS abort|commit TOPIC PARTITION VALUE.
// For tests that are no C++; trim deletes the records before OFFSET, as retention would, partitions
// adds some until there are NUMBER, and the last two append VALUE in a transaction of its own.

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/topic_changes.h"
#include "tests/support/transactions.h"

int main(int argc, char** argv) {
  using namespace sluice::testing;
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() == 3 && words[1] == "delete") {
      TopicChanges(words[0]).remove(words[2]);
    } else if (words.size() == 5 && words[1] == "trim") {
      TopicChanges(words[0]).trim(words[2], std::stoi(words[3]), std::stoll(words[4]));
    } else if (words.size() == 4 && words[1] == "partitions") {
      TopicChanges(words[0]).add_partitions(words[2], std::stoi(words[3]));
    } else if (words.size() == 5 && words[1] == "set") {
      set_topic(words[0], words[2], words[3], words[4]);
    } else if (words.size() == 5 && (words[1] == "abort" || words[1] == "commit")) {
      Transactions transactions(words[0]);
      transactions.append(words[2], sluice::Partition{std::stoi(words[3])}, {words[4]});
      transactions.end(words[1] == "abort" ? Transactions::End::abort : Transactions::End::commit);
    } else {
      throw std::runtime_error(
          "BROKERS delete TOPIC | BROKERS trim TOPIC PARTITION OFFSET | "
          "BROKERS partitions TOPIC NUMBER | BROKERS set TOPIC SETTING VALUE | "
          "BROKERS abort|commit TOPIC PARTITION VALUE");
    }
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "topic_admin: %s\n", failure.what());
    return 2;
  }
  return 0;
}
