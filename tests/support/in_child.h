#pragma once

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

namespace sluice::testing {

// Runs `body`, which returns an exit code, in a process of its own that is forked from this one.
// Returns how that ended, as waitpid has it.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return status;
}

}  // namespace sluice::testing
