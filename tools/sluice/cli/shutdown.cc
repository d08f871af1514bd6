#include "tools/sluice/cli/shutdown.h"

#include <pthread.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "storage/base/mutex.h"

namespace sluice {
namespace {

constexpr timespec kStopsWithin{.tv_sec = 10, .tv_nsec = 0};

[[noreturn]] void end_late() {
  std::fprintf(
      stderr,
      "sluice: not stopped after %d s, since something that is waited for does not answer: "
      "ended without the last flush. Nothing is lost: the next start goes on where the "
      "view is\n",
      static_cast<int>(kStopsWithin.tv_sec));
  ::_exit(1);
}

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
    for (;;) {
      const timespec* const left = source_.stop_requested() ? &kStopsWithin : nullptr;
      siginfo_t about;
      const int signal =
          left == nullptr ? sigwaitinfo(&set, &about) : sigtimedwait(&set, &about, left);
      if (signal < 0 && errno == EINTR) continue;
      if (signal < 0) end_late();
      if (signal == kEnough) return;
      if (source_.stop_requested()) ::_exit(128 + signal);
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
