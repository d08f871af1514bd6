#include <unistd.h>

#include "tools/sluice/commands.h"
#include "tools/sluice/program.h"

int main(int argc, char** argv) {
  sluice::Program program;
  sluice::add_commands(program.root());
  return program.run(argc, argv, environ);
}
