#include "tools/import/polis_options.h"

namespace sluice {

void add_agree_option(Command& command, std::string& agree) {
  command
      .text(
          "agree", agree,
          "Which number agree is in the votes, instead of what the files declare: 1 as in Polis's "
          "exports, -1 as in its API and database")
      .one_of({"1", "-1"});
}

Agree agree_of(const std::string& option) {
  if (option.empty()) return Agree::declared;
  return option == "1" ? Agree::plus_one : Agree::minus_one;
}

}  // namespace sluice
