#include <unistd.h>

#include <iostream>

#include "tools/sluice/commands.h"
#include "tools/sluice/program.h"

int main(int argc, char** argv) {
  sluice::Program program(std::cerr);
  sluice::add_commands(program.root());
  return program.run(argc, argv, environ);
}
