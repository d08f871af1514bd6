// A library to preload: what the operating system does wrong to processes, as a test says while
// they run. It allocates nothing and looks up no symbol: libfaketime and libfiu do both inside the
// first allocation of jemalloc, which then waits for itself.
//
// FAULTY_SYSTEM names a file that is `Faults` in the machine's byte order. The test changes it in
// place at any time: processes have it mapped.
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

namespace {

struct Faults {
  std::atomic<std::int64_t> clock_off_seconds;  // of the wall clock
  std::atomic<std::int32_t> error;              // the errno of calls that fail
  std::atomic<std::uint32_t> of_a_thousand;     // so many of these calls do
  std::atomic<std::uint64_t> calls;             // which: a sum of `Call`
  std::atomic<std::int64_t> sync_milliseconds;  // by which each fsync and fdatasync takes longer
  std::atomic<std::uint64_t> leaked_bytes;      // that the process holds and nobody uses
};

// The last two only of files.
enum Call : std::uint64_t { kFsync = 1, kFdatasync = 2, kWrite = 4, kPwrite = 8 };

const Faults* faults = nullptr;
std::atomic<std::uint64_t> turn{1};

__attribute__((constructor)) void read_faults() {
  const char* file = std::getenv("FAULTY_SYSTEM");
  const int fd = file != nullptr ? open(file, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* page = mmap(nullptr, sizeof(Faults), PROT_READ, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) faults = static_cast<const Faults*>(page);
}

// Of each thousand calls in turn, spread by a multiplication modulo a prime.
bool fails(Call call) {
  if (faults == nullptr || (faults->calls & call) == 0) return false;
  if (turn++ * 7919 % 1000 >= faults->of_a_thousand) return false;
  errno = faults->error;
  return true;
}

void be_slow() {
  const std::int64_t milliseconds = faults != nullptr ? faults->sync_milliseconds.load() : 0;
  timespec left{milliseconds / 1000, milliseconds % 1000 * 1'000'000};
  while (milliseconds > 0 && nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

// As a leak would. It is taken and given back where the process asks for the time, which it does
// all the while.
void leak() {
  static std::atomic<std::uint64_t> held_bytes{0};
  static std::atomic_flag changing = ATOMIC_FLAG_INIT;
  static void* held = MAP_FAILED;
  const std::uint64_t wanted = faults != nullptr ? faults->leaked_bytes.load() : 0;
  if (wanted == held_bytes || changing.test_and_set()) return;
  if (held != MAP_FAILED) munmap(held, held_bytes);
  held = MAP_FAILED;
  if (wanted > 0) {
    constexpr int kFlags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
    held = mmap(nullptr, wanted, PROT_READ | PROT_WRITE, kFlags, -1, 0);
  }
  held_bytes = wanted;
  changing.clear();
}

bool is_file(int fd) {
  struct stat about;
  return fstat(fd, &about) == 0 && S_ISREG(about.st_mode);
}

std::int64_t clock_off() { return faults != nullptr ? faults->clock_off_seconds.load() : 0; }

}  // namespace

extern "C" {

int clock_gettime(clockid_t clock, struct timespec* time) {
  leak();
  const long done = syscall(SYS_clock_gettime, clock, time);
  if (done == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
    time->tv_sec += clock_off();
  return static_cast<int>(done);
}

int gettimeofday(struct timeval* time, void* zone) {
  const long done = syscall(SYS_gettimeofday, time, zone);
  if (done == 0) time->tv_sec += clock_off();
  return static_cast<int>(done);
}

time_t time(time_t* also) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (also != nullptr) *also = now.tv_sec;
  return now.tv_sec;
}

int fsync(int fd) {
  be_slow();
  return fails(kFsync) ? -1 : static_cast<int>(syscall(SYS_fsync, fd));
}

int fdatasync(int fd) {
  be_slow();
  return fails(kFdatasync) ? -1 : static_cast<int>(syscall(SYS_fdatasync, fd));
}

ssize_t write(int fd, const void* bytes, size_t size) {
  if (is_file(fd) && fails(kWrite)) return -1;
  return syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite64(int fd, const void* bytes, size_t size, off64_t at) {
  if (fails(kPwrite)) return -1;
  return syscall(SYS_pwrite64, fd, bytes, size, at);
}

ssize_t pwrite(int fd, const void* bytes, size_t size, off_t at) {
  return pwrite64(fd, bytes, size, at);
}
}
