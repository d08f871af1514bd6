#pragma once

// Properties from outside the command line: the environment and the TOML file.

#include <optional>
#include <string>

namespace CLI {
class App;
class ParseError;
}  // namespace CLI

namespace sluice {

// The file named by --config, else by SLUICE_CONFIG. A file that was asked for must be there.
[[nodiscard]] std::optional<std::string> config_path(int argc, const char* const* argv,
                                                     const char* const* environment);

// Gives every property of every command its value from the file and the environment, as if it were
// the default. Throws Misconfigured on a value out of bounds, and on a name that no command has.
void apply_configuration(CLI::App& app, const std::optional<std::string>& file,
                         const char* const* environment);

// What was wrong with the command line, in one sentence, with what was probably meant.
[[nodiscard]] std::string explain(const CLI::App& app, const CLI::ParseError& error);

}  // namespace sluice
