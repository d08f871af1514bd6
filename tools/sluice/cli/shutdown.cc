#include "tools/sluice/cli/shutdown.h"

#include <pthread.h>
#include <unistd.h>

#include <csignal>

#include "storage/base/mutex.h"

namespace sluice {
namespace {

// Ends the listener; unlike TERM it says nothing to anybody else.
constexpr int kEnough = SIGUSR1;

sigset_t listened() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGTERM, SIGINT, kEnough}) sigaddset(&set, signal);
  return set;
}

}  // namespace

Shutdown::Shutdown() {
  const sigset_t set = listened();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  // A peer that hangs up is an error of the call, not of the process.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);  // a file as large as it may be: as where the disk is full
  listener_ = std::jthread([this, set] {
    for (int heard = 0;;) {
      int signal = 0;
      if (sigwait(&set, &signal) != 0 || signal == kEnough) return;
      if (++heard > 1) ::_exit(128 + signal);
      source_.request_stop();
    }
  });
}

Shutdown::~Shutdown() { pthread_kill(listener_.native_handle(), kEnough); }

void Shutdown::wait() const {
  Mutex mutex;
  ConditionVariable changed;
  MutexLock lock(mutex);
  changed.wait(lock, token(), [] { return false; });
}

}  // namespace sluice
