#include <csignal>
#include <fstream>
#include <random>
#include <sstream>
#include <stdexcept>

#include "tests/contract/victim.h"
#include "tests/support/child_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

// Of the whole lines: the kill may have cut the last one.
std::vector<int> numbers_in(const std::filesystem::path& file) {
  std::ostringstream read;
  read << std::ifstream(file).rdbuf();
  const std::string all = read.str();
  std::vector<int> numbers;
  for (std::size_t begin = 0, end; (end = all.find('\n', begin)) != all.npos; begin = end + 1) {
    const std::string line = all.substr(begin, end - begin);
    if (line.find_first_not_of("0123456789") != line.npos) throw std::runtime_error(line);
    numbers.push_back(std::stoi(line));
  }
  return numbers;
}

}  // namespace

std::vector<int> reported_until_killed(const std::vector<std::string>& arguments) {
  const TempDir dir;
  const std::filesystem::path output = dir.path() / "output";
  std::vector<std::string> command = {SLUICE_VICTIM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ChildProcess victim(command, output);
  const auto ended = [&] { return victim.ended().has_value(); };
  if (!eventually([&] { return !numbers_in(output).empty() || ended(); })) {
    throw std::runtime_error("the victim reports nothing");
  }
  std::random_device random;
  const std::chrono::milliseconds life(random() % 150);
  if (eventually(ended, life)) throw std::runtime_error("the victim ended by itself");
  victim.signal(SIGKILL);
  victim.wait(std::chrono::seconds(20));
  return numbers_in(output);
}

}  // namespace sluice::testing
