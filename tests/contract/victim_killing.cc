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

// The last whole line: the kill may have cut one.
std::string last_line(const std::filesystem::path& file) {
  std::ostringstream read;
  read << std::ifstream(file).rdbuf();
  std::string all = read.str();
  all.erase(all.find_last_of('\n') + 1);
  if (all.empty()) return all;
  all.pop_back();
  return all.substr(all.find_last_of('\n') + 1);
}

}  // namespace

int last_reported_when_killed(const std::vector<std::string>& arguments) {
  const TempDir dir;
  const std::filesystem::path output = dir.path() / "output";
  std::vector<std::string> command = {SLUICE_VICTIM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  ChildProcess victim(command, output);
  const auto ended = [&] { return victim.ended().has_value(); };
  if (!eventually([&] { return !last_line(output).empty() || ended(); })) {
    throw std::runtime_error("the victim reports nothing");
  }
  std::random_device random;
  const std::chrono::milliseconds life(random() % 150);
  if (eventually(ended, life)) throw std::runtime_error("the victim ended: " + last_line(output));
  victim.signal(SIGKILL);
  victim.wait(std::chrono::seconds(20));
  return std::stoi(last_line(output));
}

}  // namespace sluice::testing
