#include "tools/sluice/cli/configuration.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cctype>
#include <fstream>
#include <iterator>
#include <span>
#include <sstream>
#include <string_view>
#include <vector>

#define TOML_EXCEPTIONS 1
#include <toml++/toml.h>

#include "schemas/descriptors/nearest.h"
#include "storage/base/crash_point.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::string_view kPrefix = "SLUICE_";

// Read by the project's scripts and tests, not properties of a command.
constexpr std::array<std::string_view, 6> kReserved = {"CONFIG",   "CACHE", "REQUIRE_KAFKA",
                                                       "CRASH_AT", "JOBS",  "ROUNDS"};

// All but what asks for a page, and what names the file (which SLUICE_CONFIG does, too).
bool is_property(const CLI::Option& option) {
  const std::string& name = option.get_single_name();
  return option.nonpositional() && name != "help" && name != "version" && name != "config";
}

// `app` and every command below it.
std::vector<CLI::App*> all_of(CLI::App& app) {
  std::vector<CLI::App*> found{&app};
  for (CLI::App* sub : app.get_subcommands([](CLI::App*) { return true; })) {
    const auto below = all_of(*sub);
    found.insert(found.end(), below.begin(), below.end());
  }
  return found;
}

std::vector<std::string> property_names(CLI::App& app) {
  std::vector<std::string> names;
  for (CLI::App* command : all_of(app)) {
    for (const CLI::Option* option : command->get_options()) {
      if (is_property(*option)) names.push_back(option->get_single_name());
    }
  }
  std::ranges::sort(names);
  names.erase(std::ranges::unique(names).begin(), names.end());
  return names;
}

std::vector<std::string> command_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    names.push_back(sub->get_name());
  }
  return names;
}

[[noreturn]] void refuse(const std::string& what, std::string_view wrong,
                         std::span<const std::string> names, const std::string& prefix = {}) {
  const std::string meant = nearest(wrong, names);
  throw Misconfigured(what + (meant.empty() ? "; sluice --help lists what there is"
                                            : "; did you mean " + prefix + meant + "?"));
}

// Whom a value is meant for.
enum class Meant {
  for_all,  // commands that have a property of the name
  for_one,  // it stands in the command's own table
};

// Sets the property of this name in `command`, if it has one that is set so.
bool set(CLI::App& command, const std::string& name, const std::string& value,
         const std::string& origin, Meant meant) {
  CLI::Option* option = command.get_option_no_throw("--" + name);
  if (option == nullptr || !is_property(*option)) return false;
  if (meant == Meant::for_all && !option->get_configurable()) return false;
  const std::string shown = option->get_default_str();
  try {
    // Flags take no results of their own; everything else is checked like what is typed.
    option->default_val(value);
  } catch (const CLI::Error& error) {
    // CLI11 names the flag, which is not what was set.
    std::string_view what = error.what();
    if (const std::string flag = "--" + name + ": "; what.starts_with(flag)) {
      what.remove_prefix(flag.size());
    }
    throw Misconfigured(origin + ": " + std::string(what));
  }
  // Help shows the program's own default: a value from outside may hold a password.
  option->default_str(shown);
  option->required(false);
  return true;
}

std::string text_of(const toml::node& node, const std::string& origin) {
  if (const auto text = node.value_exact<std::string>()) return *text;
  if (const auto truth = node.value_exact<bool>()) return *truth ? "true" : "false";
  if (const auto number = node.value_exact<std::int64_t>()) return std::to_string(*number);
  if (const toml::array* items = node.as_array()) {
    std::string joined;
    for (const toml::node& item : *items) {
      joined += (joined.empty() ? "" : ",") + text_of(item, origin);
    }
    return joined;
  }
  throw Misconfigured(origin + ": must be a text, a whole number, true, false or a list of these");
}

CLI::App* below(CLI::App& command, const std::string& name) {
  const auto subs = command.get_subcommands([&](CLI::App* sub) { return sub->get_name() == name; });
  return subs.empty() ? nullptr : subs.front();
}

void apply_table(CLI::App& app, CLI::App& command, const toml::table& table,
                 const std::string& file) {
  // What stands at the top holds for every command that has a property of the name.
  const Meant meant = &command == &app ? Meant::for_all : Meant::for_one;
  const auto reach = &command == &app ? all_of(app) : std::vector<CLI::App*>{&command};
  for (const auto& [key, node] : table) {
    const std::string name(key.str());
    if (const toml::table* inner = node.as_table()) {
      CLI::App* sub = below(command, name);
      if (sub == nullptr) {
        refuse(file + ": [" + name + "] is no command", name, command_names(command));
      }
      apply_table(app, *sub, *inner, file);
      continue;
    }
    const std::string origin = file + ": " + name;
    bool known = false;
    for (CLI::App* target : reach)
      known |= set(*target, name, text_of(node, origin), origin, meant);
    if (!known) refuse(origin + " is not known", name, property_names(command));
  }
}

void apply_file(CLI::App& app, const std::string& file) {
  if (!std::ifstream(file)) {
    throw Misconfigured("cannot read " + file + ": give --config (or SLUICE_CONFIG) a TOML file");
  }
  try {
    apply_table(app, app, toml::parse_file(file), file);
  } catch (const toml::parse_error& error) {
    std::ostringstream message;
    message << file << " line " << error.source().begin.line << ": " << error.description();
    throw Misconfigured(message.str());
  }
}

// log-level for LOG_LEVEL, and back.
std::string property_of(std::string_view variable) {
  std::string name(variable);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == '_' ? '-' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  });
  return name;
}

std::string variable_of(std::string_view property) {
  std::string name(property);
  std::ranges::transform(name, name.begin(), [](char c) {
    return c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  });
  return name;
}

void apply_variable(CLI::App& app, std::string_view variable, const std::string& value) {
  const std::string whole = std::string(kPrefix) + std::string(variable);
  bool known = false;
  for (CLI::App* command : all_of(app)) {
    known |= set(*command, property_of(variable), value, whole, Meant::for_all);
  }
  if (known) return;
  auto names = property_names(app);
  std::ranges::transform(names, names.begin(), variable_of);
  refuse("the environment's " + whole + " is not known", variable, names, std::string(kPrefix));
}

void apply_environment(CLI::App& app, const char* const* environment) {
  for (const char* const* entry = environment; *entry != nullptr; ++entry) {
    std::string_view line(*entry);
    const auto equals = line.find('=');
    if (!line.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string_view variable = line.substr(kPrefix.size(), equals - kPrefix.size());
    const std::string value(line.substr(equals + 1));
    if (variable == "CRASH_AT") arm_crash_point(value);
    // As everywhere: one that is empty is not set.
    if (value.empty() || std::ranges::count(kReserved, variable) > 0) continue;
    apply_variable(app, variable, value);
  }
}

const CLI::App& innermost(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : innermost(*chosen.front());
}

std::string path_of(const CLI::App& app) {
  return app.get_parent() == nullptr ? "sluice" : path_of(*app.get_parent()) + " " + app.get_name();
}

}  // namespace

std::optional<std::string> config_path(int argc, const char* const* argv,
                                       const char* const* environment) {
  constexpr std::string_view kFlag = "--config";
  for (int i = 1; i < argc; ++i) {
    const std::string_view word(argv[i]);
    if (word == kFlag && i + 1 < argc) return argv[i + 1];
    if (word.starts_with("--config=")) return std::string(word.substr(kFlag.size() + 1));
  }
  for (const char* const* entry = environment; *entry != nullptr; ++entry) {
    const std::string_view line(*entry);
    if (line.starts_with("SLUICE_CONFIG=") && line.size() > 14) return std::string(line.substr(14));
  }
  return std::nullopt;
}

void apply_configuration(CLI::App& app, const std::optional<std::string>& file,
                         const char* const* environment) {
  if (file) apply_file(app, *file);
  apply_environment(app, environment);
}

std::string explain(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App& command = innermost(app);
  const std::string help = path_of(command) + " --help";
  const auto extra = app.remaining(true);
  // A flag that is not known may also have left a required one unset: the first cause is named.
  if (!extra.empty()) {
    const std::string wrong = extra.front().substr(0, extra.front().find('='));
    std::vector<std::string> names;
    for (const CLI::Option* option : command.get_options()) {
      if (option->nonpositional()) names.push_back("--" + option->get_single_name());
    }
    std::ranges::move(command_names(command), std::back_inserter(names));
    const std::string meant = nearest(wrong, names);
    return wrong + " is not known to " + path_of(command) +
           (meant.empty() ? "; see " + help : "; did you mean " + meant + "?");
  }
  std::string what = error.what();
  std::ranges::replace(what, '\n', ' ');
  return what + "; see " + help;
}

}  // namespace sluice
