#include <google/protobuf/stubs/logging.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <iostream>

#include "tools/sluice/cli/program.h"
#include "tools/sluice/commands.h"

int main(int argc, char** argv) {
  // Results are on stdout, so the log is not.
  spdlog::set_default_logger(spdlog::stderr_logger_mt("sluice"));
  spdlog::set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %l %v");
  // Who parses says what cannot be parsed; clients must not write lines here.
  google::protobuf::SetLogHandler(nullptr);
  sluice::Program program(std::cerr);
  sluice::add_commands(program.root());
  return program.run(argc, argv, environ);
}
