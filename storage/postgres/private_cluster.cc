#include "storage/postgres/private_cluster.h"

#include <fcntl.h>
#include <libpq-fe.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>
#include <vector>

#include "storage/base/errors.h"
#include "storage/postgres/private_settings.h"
#include "storage/postgres/server_process.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr const char* kLog = "postgres.log";
constexpr const char* kPort = "postgres.port";
// Of the owner, who was the superuser once.
constexpr const char* kOwnerPassword = "postgres.password";
constexpr const char* kReaderPassword = "postgres.reader-password";
constexpr const char* kSuperuserPassword = "postgres.superuser-password";

std::string new_password() {
  unsigned char bytes[24];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    throw Retryable("the system gives no random bytes for a password");
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// Made at the first start that wants it.
std::string password_in(const OwnFolder& folder, const char* file) {
  const std::optional<std::string> kept = folder.read(file);
  if (kept && !kept->empty()) return *kept;
  std::string made = new_password();
  folder.write(file, made);
  return made;
}

// The last line that tells a cause, or the last: behind it a program may tell how it clears away.
std::string_view cause_in(std::string_view log) {
  constexpr int kLines = 3;  // further up are other causes
  while (log.ends_with('\n')) log.remove_suffix(1);
  const std::string_view last = log.substr(log.rfind('\n') + 1);
  for (int i = 0; i < kLines && !log.empty(); ++i) {
    const std::string_view line = log.substr(log.rfind('\n') + 1);
    for (const char* word : {"FATAL:", "PANIC:", "error:", "could not "}) {
      if (line.find(word) != std::string_view::npos) return line;
    }
    log.remove_suffix(std::min(line.size() + 1, log.size()));
  }
  return last;
}

}  // namespace

PrivateCluster::PrivateCluster(const fs::path& folder)
    : folder_(folder), data_(folder_.path() / "postgres"), programs_(find_postgres_programs()) {
  make_reachable(folder_.path());
  const bool made = fs::exists(data_ / "PG_VERSION");
  if (made && !folder_.read(kOwnerPassword)) {
    throw Misconfigured((folder_.path() / kOwnerPassword).string() +
                        " is missing: restore it with its folder, or name a new --data");
  }
  passwords_ = {.superuser = password_in(folder_, kSuperuserPassword),
                .owner = password_in(folder_, kOwnerPassword),
                .reader = password_in(folder_, kReaderPassword)};
  if (!made) make();
  shut_down_left_over(data_);
  start();
  try {
    wait_until_ready();
    upgrade();
  } catch (const Error&) {
    stop();
    throw;
  }
}

PrivateCluster::~PrivateCluster() {
  try {
    stop();
  } catch (const Error&) {
    // It has SIGQUIT; the next start finds it by postmaster.pid.
  }
}

std::string PrivateCluster::url() const { return private_url(kOwnerRole, passwords_.owner, port_); }

std::string PrivateCluster::reader_url() const {
  return private_url(kReaderRole, passwords_.reader, port_);
}

int PrivateCluster::run_program(std::vector<std::string> words) {
  const int log = folder_.open(kLog);
  const int status = run_server_program(std::move(words), log);
  close(log);
  return status;
}

// Aside, then renamed: a start that was killed half-way leaves no half of a cluster.
void PrivateCluster::make() {
  const fs::path fresh = folder_.path() / "postgres.new";
  const fs::path secret = folder_.path() / "postgres.initdb-password";
  fs::remove_all(fresh);
  (void)folder_.closed_folder("postgres.new");
  folder_.write(secret.filename().string(), passwords_.superuser);
  if (const std::optional<ServerUser> user = server_user()) {
    for (const fs::path& given : {fresh, secret}) {
      if (lchown(given.c_str(), user->uid, user->gid) == 0) continue;
      throw Misconfigured("cannot give " + given.string() + " to the user postgres (" +
                          std::strerror(errno) + ")");
    }
  }
  // Checksums: a page that the disk has changed is an error, not an answer.
  const int status = run_program({programs_ / "initdb", "-D", fresh, "-U", kSuperuserRole, "-E",
                                  "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256",
                                  "--data-checksums", "--pwfile=" + secret.string()});
  fs::remove(secret);
  if (status != 0) {
    throw Misconfigured("the private Postgres cannot be made: " + last_words());
  }
  fs::rename(fresh, data_);
}

std::string PrivateCluster::last_words() const {
  std::string text;
  try {
    text = folder_.read(kLog).value_or("");
  } catch (const Error& failure) {
    return failure.what();  // said beside what went wrong before
  }
  return std::string(cause_in(text)) + " (see " + (folder_.path() / kLog).string() + ")";
}

void PrivateCluster::keep_running() {
  constexpr std::chrono::seconds kFirstPause{1};
  constexpr std::chrono::seconds kLongestPause{30};
  // What is in the way of a start goes without a word: it is looked for more often.
  constexpr std::chrono::seconds kLongestInTheWay{4};
  if (server_ > 0 && waitpid(server_, nullptr, WNOHANG) == server_) {
    server_ = -1;
    spdlog::error("postgres ended error=\"{}\"", last_words());
    const bool had_lived = Clock::now() - next_start_ > kLongestPause;
    pause_ = had_lived ? kFirstPause : std::min(pause_ * 2, kLongestPause);
    next_start_ = Clock::now() + pause_;
  }
  if (server_ > 0) return fit_to_size();
  if (Clock::now() < next_start_) return;
  try {
    // Everybody has the old address.
    if (free_loopback_port(port_) != port_) {
      throw Retryable("another process has its port " + std::to_string(port_) + ": end that one");
    }
    start();
  } catch (const std::exception&) {
    pause_ = std::min(pause_ * 2, kLongestInTheWay);
    next_start_ = Clock::now() + pause_;
    throw;
  }
  next_start_ = Clock::now();
  spdlog::info("postgres started pid={}", server_);
}

// A server that does not answer is none the worse for it: it is asked again.
void PrivateCluster::fit_to_size() {
  constexpr std::chrono::seconds kBetween{10};  // a log that is drained fills tables in seconds
  if (Clock::now() < next_fit_) return;
  next_fit_ = Clock::now() + kBetween;
  try {
    fit_write_ahead_log(port_, passwords_);
  } catch (const Error& failure) {
    spdlog::debug("postgres settings not looked at error=\"{}\"", failure.what());
  }
}

void PrivateCluster::start() {
  const int kept = port_ != 0 ? port_ : std::atoi(folder_.read(kPort).value_or("").c_str());
  port_ = free_loopback_port(kept);
  // A disk that is full takes no file, and need not.
  if (port_ != kept) folder_.write(kPort, std::to_string(port_));
  std::vector<std::string> words = {programs_ / "postgres", "-D", data_, "-p",
                                    std::to_string(port_)};
  for (const char* setting :
       {"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=on",
        "synchronous_commit=on", "shared_buffers=128MB", "wal_compression=lz4",
        "checkpoint_timeout=15min", "max_connections=100", "jit=off"}) {
    words.insert(words.end(), {"-c", setting});
  }
  struct Descriptor {
    int value;
    ~Descriptor() { close(value); }
  };
  const Descriptor log{folder_.open(kLog)};
  server_ = spawn_server(std::move(words), log.value, true);
}

void PrivateCluster::wait_until_ready() {
  // Crash recovery after a kill may have up to max_wal_size to read.
  const auto deadline = Clock::now() + std::chrono::minutes(2);
  const std::string address = "host=127.0.0.1 dbname=postgres port=" + std::to_string(port_);
  while (PQping(address.c_str()) != PQPING_OK) {
    if (waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      throw Misconfigured("the private Postgres does not start: " + last_words());
    }
    if (Clock::now() > deadline) {
      throw Retryable("the private Postgres has not started within two minutes: " + last_words());
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

// What a cluster of an earlier layout lacks. Checksums are written while it is stopped.
void PrivateCluster::upgrade() {
  prepare_private_roles(port_, passwords_);
  if (has_checksums(port_, passwords_)) return;
  spdlog::info("postgres gets data checksums folder={}", data_.string());
  stop();
  if (run_program({programs_ / "pg_checksums", "--enable", "-D", data_}) != 0) {
    throw Misconfigured("the private Postgres cannot be given data checksums: " + last_words());
  }
  start();
  wait_until_ready();
}

void PrivateCluster::stop() {
  if (server_ <= 0) return;
  const pid_t server = server_;
  server_ = -1;
  shut_down_server(server, true);
}

}  // namespace sluice
