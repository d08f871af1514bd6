#include <google/protobuf/stubs/logging.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "tools/sluice/cli/program.h"
#include "tools/sluice/cli/secrets.h"
#include "tools/sluice/commands.h"

int main(int argc, char** argv) {
  // Results are on stdout, so the log is not.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("sluice"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  // Who parses says what cannot be parsed; clients must not write lines here.
  google::protobuf::SetLogHandler(nullptr);
  // Parsed from a copy: what `ps` shows of us has no password.
  std::vector<std::string> words(argv, argv + argc);
  std::vector<const char*> copies;
  for (const std::string& word : words) copies.push_back(word.c_str());
  sluice::hide_secrets({argv, static_cast<std::size_t>(argc)});
  sluice::Program program(std::cerr);
  sluice::add_commands(program.root());
  return program.run(argc, copies.data(), environ);
}
