#include "tools/sluice/cli/help.h"

#include <algorithm>
#include <string_view>

namespace sluice {
namespace {

constexpr std::size_t kWidth = 80;
constexpr std::size_t kNames = 26;  // where the explanations begin

// Broken between words, each line but the first set in by `indent`.
std::string wrapped(std::string_view text, std::size_t indent) {
  std::string lines;
  std::size_t column = indent;
  while (!text.empty()) {
    const std::string_view word = text.substr(0, text.find(' '));
    text.remove_prefix(std::min(word.size() + 1, text.size()));
    if (column > indent && column + 1 + word.size() > kWidth) {
      lines += '\n' + std::string(indent, ' ');
      column = indent;
    } else if (column > indent) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
  }
  return lines + '\n';
}

std::string entry(std::string names, const std::string& explanation) {
  names = "  " + names;
  names += names.size() < kNames ? std::string(kNames - names.size(), ' ')
                                 : '\n' + std::string(kNames, ' ');
  return names + wrapped(explanation, kNames);
}

}  // namespace

std::string HelpPage::make_description(const CLI::App* app) const {
  return wrapped(app->get_description(), 0) + '\n';
}

std::string HelpPage::make_option(const CLI::Option* option, bool is_positional) const {
  std::string names = make_option_name(option, is_positional);
  if (option->get_type_size() != 0 && !is_positional) names += " " + option->get_type_name();
  std::string explanation = make_option_desc(option);
  if (option->get_required() && !is_positional) explanation += " (required)";
  const std::string otherwise = option->get_default_str();
  // Nobody ever gets the default of what must be given.
  if (!otherwise.empty() && !option->get_required()) {
    explanation += " (default " + otherwise + ")";
  }
  return entry(std::move(names), explanation);
}

// The first sentence: the rest is on the command's own page.
std::string HelpPage::make_subcommand(const CLI::App* sub) const {
  const std::string whole = sub->get_description();
  return entry(sub->get_name(), whole.substr(0, whole.find(". ")));
}

}  // namespace sluice
