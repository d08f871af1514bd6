#include "tools/sluice/cli/program.h"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <limits>
#include <ostream>

#include "storage/base/errors.h"
#include "storage/base/json_writer.h"
#include "tools/sluice/cli/configuration.h"
#include "tools/sluice/cli/help.h"
#include "tools/sluice/cli/shortened.h"
#include "tools/sluice/cli/units.h"
#include "tools/sluice/cli/version.h"

namespace sluice {
namespace {

// CLI11 turns a "%" of a description into nothing special, but needs names as std::string.
std::string flag_of(std::string_view name) { return "--" + std::string(name); }

// `fault` says what is wrong with a text, or nothing.
CLI::Validator unless(std::function<std::string(const std::string&)> fault) {
  return CLI::Validator([fault = std::move(fault)](std::string& text) { return fault(text); }, "");
}

// A variable of the shell that is not set, in quotes: what it stands for was not left out.
constexpr const char* kNotEmpty = "not empty";
CLI::Validator not_empty() {
  return unless(
             [](const std::string& text) { return text.empty() ? "is empty: give a value" : ""; })
      .name(kNotEmpty);
}

constexpr std::size_t kMessageMost = 4000;

// For people: no word of the command line is repeated at length, nor is anything else.
std::string message_of(std::string message, int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    std::string word = argv[i];
    if (word.starts_with("--")) word.erase(0, std::min(word.find('=') + 1, word.size()));
    if (word.size() <= kWordMost) continue;
    const std::string shown = shortened(word, kWordMost);
    for (auto at = message.find(word); at != std::string::npos; at = message.find(word, at)) {
      message.replace(at, word.size(), shown);
      at += shown.size();
    }
  }
  return shortened(message, kMessageMost);
}

// Empty: it is a time that is long enough.
std::string fault_of_time(const std::string& text, std::chrono::milliseconds least) {
  const auto value = parse_duration(text);
  if (!value) return "\"" + text + "\" is no time: give a number with a unit (ms, s, m, h, d)";
  return *value >= least ? "" : text + " is too short: at least " + show_duration(least);
}

}  // namespace

Command& Command::text(std::string_view name, std::string& target, std::string_view help) {
  last_ = app_->add_option(flag_of(name), target, std::string(help));
  if (!target.empty()) last_->capture_default_str();
  last_->type_name("TEXT")->check(not_empty());
  return *this;
}

Command& Command::list(std::string_view name, std::vector<std::string>& target,
                       std::string_view help) {
  last_ = app_->add_option(flag_of(name), target, std::string(help));
  last_->delimiter(',')->allow_extra_args(false)->type_name("A,B,...");
  return *this;
}

Command& Command::flag(std::string_view name, bool& target, std::string_view help) {
  last_ = app_->add_flag(flag_of(name), target, std::string(help));
  return *this;
}

Command& Command::number(std::string_view name, std::int64_t& target, std::int64_t least,
                         std::int64_t most, std::string_view help) {
  constexpr auto kAny = std::numeric_limits<std::int64_t>::max();
  last_ = app_->add_option(flag_of(name), target, std::string(help));
  // Without a bound there is no default to show.
  if (target != kAny) last_->capture_default_str();
  const std::string bounds =
      "from " + std::to_string(least) + (most == kAny ? " on" : " to " + std::to_string(most));
  last_->check(unless([=](const std::string& text) {
    const auto value = parse_whole(text);
    const bool good = value && *value >= least && *value <= most;
    return good ? "" : "\"" + text + "\" is not a whole number " + bounds;
  }));
  last_->type_name("NUMBER");
  return *this;
}

Command& Command::bytes(std::string_view name, std::uint64_t& target, std::uint64_t least,
                        std::string_view help) {
  last_ = app_->add_option_function<std::string>(
      flag_of(name), [&target](const std::string& text) { target = *parse_bytes(text); },
      std::string(help));
  last_->check(unless([least](const std::string& text) -> std::string {
    const auto value = parse_bytes(text);
    if (!value)
      return "\"" + text + "\" is no size: give a number with a unit (" + kByteUnits + ")";
    return *value >= least ? "" : text + " is too little: at least " + show_bytes(least);
  }));
  last_->run_callback_for_default();
  last_->type_name("SIZE")->default_str(show_bytes(target));
  return *this;
}

Command& Command::duration(std::string_view name, std::chrono::milliseconds& target,
                           std::chrono::milliseconds least, std::string_view help) {
  last_ = app_->add_option_function<std::string>(
      flag_of(name), [&target](const std::string& text) { target = *parse_duration(text); },
      std::string(help));
  last_->check(unless([least](const std::string& text) { return fault_of_time(text, least); }));
  last_->run_callback_for_default();
  last_->type_name("TIME")->default_str(show_duration(target));
  return *this;
}

Command& Command::duration(std::string_view name, std::optional<std::chrono::milliseconds>& target,
                           std::chrono::milliseconds least, std::string_view help) {
  last_ = app_->add_option_function<std::string>(
      flag_of(name), [&target](const std::string& text) { target = parse_duration(text); },
      std::string(help));
  last_->check(unless([least](const std::string& text) { return fault_of_time(text, least); }));
  last_->run_callback_for_default();
  last_->type_name("TIME");
  return *this;
}

Command& Command::cores(std::string_view name, std::optional<double>& target,
                        std::string_view help) {
  last_ = app_->add_option_function<std::string>(
      flag_of(name), [&target](const std::string& text) { target = parse_cores(text); },
      std::string(help));
  last_->check(unless([](const std::string& text) -> std::string {
    return parse_cores(text) ? ""
                             : "\"" + text + "\" is no number of cores: give one above 0, as 0.5";
  }));
  last_->run_callback_for_default();
  last_->type_name("CORES");
  return *this;
}

Command& Command::part_or_zero(std::string_view name, double& target, std::string_view help) {
  const auto read = [](const std::string& text) {
    return text == "0" ? std::optional(0.0) : parse_part(text);
  };
  last_ = app_->add_option_function<std::string>(
      flag_of(name), [&target, read](const std::string& text) { target = *read(text); },
      std::string(help));
  last_->check(unless([read](const std::string& text) -> std::string {
    return read(text) ? "" : "\"" + text + "\" is no part: give a number from 0 to 1";
  }));
  last_->run_callback_for_default();
  last_->type_name("PART")->default_str(show_part(target));
  return *this;
}

Command& Command::argument(std::string_view name, std::string& target, std::string_view help) {
  last_ = app_->add_option(std::string(name), target, std::string(help));
  last_->required()->type_name("")->check(not_empty());
  return *this;
}

Command& Command::or_empty() {
  last_->get_validator(kNotEmpty)->active(false);
  return *this;
}

Command& Command::required() {
  last_->required();
  return *this;
}

Command& Command::optional() {
  last_->required(false);
  return *this;
}

Command& Command::own() {
  last_->configurable(false);  // CLI11's word for it; files are read by configuration.cc
  return *this;
}

Command& Command::one_of(const std::vector<std::string>& words) {
  last_->check(unless([words](const std::string& text) -> std::string {
    if (std::ranges::count(words, text) > 0) return "";
    return "\"" + text + "\" is none of " + CLI::detail::join(words, ", ");
  }));
  last_->type_name(CLI::detail::join(words, "|"));
  return *this;
}

Command Command::command(std::string_view name, std::string_view help, std::string_view example) {
  CLI::App* sub = app_->add_subcommand(std::string(name), std::string(help));
  if (!example.empty()) sub->footer("Example:\n  " + std::string(example));
  // A command with commands below it does nothing by itself.
  app_->require_subcommand(1);
  return {*sub, *output_, *chosen_};
}

void Command::runs(std::function<Exit(const OutputForm&)> action) {
  // Of this command alone: what its table of the file says is not said of others.
  auto json = std::make_shared<bool>(false);
  flag("json", *json, "Print the result as JSON");
  app_->callback([action = std::move(action), json, output = output_, chosen = chosen_] {
    *chosen = [action, json, output] {
      OutputForm form = *output;
      form.json = *json;
      return action(form);
    };
  });
}

struct Program::Parts {
  explicit Parts(std::ostream& to) : errors(to) {}
  std::ostream& errors;
  CLI::App app{"Sluice: writes become events, events become tables.", "sluice"};
  OutputForm output;
  std::function<Exit()> chosen;
  std::string config_file;
  Command root{app, output, chosen};
};

Program::Program(std::ostream& errors) : parts_(std::make_unique<Parts>(errors)) {
  CLI::App& app = parts_->app;
  app.require_subcommand(1);
  app.fallthrough();
  app.formatter(std::make_shared<HelpPage>());
  app.add_option("--config", parts_->config_file, "A TOML file of properties (or SLUICE_CONFIG)");
  app.set_version_flag("--version", "sluice " + std::string(program_version()));
  app.footer(
      "Every property of a command is also a variable SLUICE_<NAME> and a key of the\n"
      "TOML file. Exit codes: 0 done, 1 something was found, 2 could not run.\n"
      "Start with: sluice up --data DIR");
}

Program::~Program() = default;

Command& Program::root() { return parts_->root; }

int Program::run(int argc, const char* const* argv, const char* const* environment) {
  CLI::App& app = parts_->app;
  const auto fail = [&](const std::string& complaint) {
    std::string message = message_of(complaint, argc, argv);
    std::ranges::replace(message, '\n', ' ');
    parts_->errors << "sluice: " << message << "\n";
    return static_cast<int>(Exit::failed);
  };
  try {
    // Before the flags are read, since required properties may come from outside.
    apply_configuration(app, config_path(argc, argv, environment), environment);
    app.parse(argc, argv);
    parts_->output.progress = ::isatty(STDERR_FILENO) == 1;
    return static_cast<int>(parts_->chosen());
  } catch (const CLI::Success& asked) {  // for help or the version
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    return fail(explain(app, error));
  } catch (const CommandRefused& refused) {
    JsonWriter json;
    json.begin_object().field("refused", refused.word());
    json.field("reason", message_of(refused.what(), argc, argv));
    std::puts(json.end_object().take().c_str());
    return static_cast<int>(Exit::found);
  } catch (const std::exception& error) {
    return fail(error.what());
  }
}

}  // namespace sluice
