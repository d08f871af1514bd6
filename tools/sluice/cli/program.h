#pragma once

// The command line of the program: commands, and their properties. A property is declared once, by
// name, bounds, default (the value of its target) and help; it is then a flag (--log-level), an
// environment variable (SLUICE_LOG_LEVEL) and a key of the TOML file (log-level, at the top or in
// the table of the command). A flag wins over the environment, that over the file. A name that
// nobody declared is an error, wherever it stands.

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace sluice {

// What a command says: exit codes 0 (done), 1 (done, and something was found), 2 (could not).
enum class Exit { done = 0, found = 1, failed = 2 };

// What cannot be done as things stand, though it was asked for rightly: the command prints
// {"refused":"WORD","reason":"..."}, by which scripts tell why, and ends with 1.
class CommandRefused : public std::runtime_error {
 public:
  CommandRefused(std::string word, const std::string& reason)
      : std::runtime_error(reason), word_(std::move(word)) {}
  [[nodiscard]] const std::string& word() const { return word_; }

 private:
  std::string word_;
};

// How a command is to speak. Results go to stdout, everything else to stderr.
struct OutputForm {
  bool json = false;
  bool progress = false;  // stderr is a terminal
};

class Command {
 public:
  Command(CLI::App& app, OutputForm& output, std::function<Exit()>& chosen)
      : app_(&app), output_(&output), chosen_(&chosen) {}

  // Targets must live until the program ends: keep them in what runs() captures.
  // A text, and an argument, that is there and empty is refused.
  Command& text(std::string_view name, std::string& target, std::string_view help);
  Command& list(std::string_view name, std::vector<std::string>& target, std::string_view help);
  Command& flag(std::string_view name, bool& target, std::string_view help);
  Command& number(std::string_view name, std::int64_t& target, std::int64_t least,
                  std::int64_t most, std::string_view help);
  Command& bytes(std::string_view name, std::uint64_t& target, std::uint64_t least,
                 std::string_view help);
  Command& duration(std::string_view name, std::chrono::milliseconds& target,
                    std::chrono::milliseconds least, std::string_view help);
  // Without a default: nullopt where nobody says.
  Command& duration(std::string_view name, std::optional<std::chrono::milliseconds>& target,
                    std::chrono::milliseconds least, std::string_view help);
  // A decimal above 0 and up to 1; without a default, too.
  Command& cores(std::string_view name, std::optional<double>& target, std::string_view help);
  // A decimal from 0 to 1; the target's value is the default.
  Command& part_or_zero(std::string_view name, double& target, std::string_view help);
  // An argument without a flag, required unless it is optional(); not a property.
  Command& argument(std::string_view name, std::string& target, std::string_view help);
  // Holds for the property declared last.
  Command& required();
  Command& optional();
  Command& or_empty();  // of a text or an argument
  Command& one_of(const std::vector<std::string>& words);
  // What is set for all commands, by the environment or at the top of the file, is not meant for
  // this one: only its flag and the command's own table of the file set it.
  Command& own();

  Command command(std::string_view name, std::string_view help, std::string_view example = {});
  void runs(std::function<Exit(const OutputForm&)> action);

 private:
  CLI::App* app_;
  OutputForm* output_;
  std::function<Exit()>* chosen_;
  CLI::Option* last_ = nullptr;
};

class Program {
 public:
  // Complaints go to `errors`.
  explicit Program(std::ostream& errors);
  ~Program();
  // Reference: valid as long as this.
  Command& root();
  // Parses, runs the chosen command and returns the process's exit code. Failures are one line on
  // stderr, which says what to do next.
  int run(int argc, const char* const* argv, const char* const* environment);

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace sluice
