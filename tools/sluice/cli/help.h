#pragma once

// How --help looks: lines that fit a terminal, what is required, bounds and defaults in words.

#include <CLI/CLI.hpp>
#include <string>

namespace sluice {

class HelpPage final : public CLI::Formatter {
 public:
  std::string make_description(const CLI::App* app) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;
  std::string make_subcommand(const CLI::App* sub) const override;
};

}  // namespace sluice
