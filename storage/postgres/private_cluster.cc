#include "storage/postgres/private_cluster.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <sstream>
#include <thread>
#include <vector>

#include "storage/base/errors.h"
#include "storage/postgres/connection.h"

namespace sluice {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

struct User {
  uid_t uid;
  gid_t gid;
};

// Whom the server runs as; nullopt: whoever we are.
std::optional<User> server_user() {
  if (geteuid() != 0) return std::nullopt;
  const passwd* entry = getpwnam("postgres");
  if (!entry) throw Misconfigured("there is no user postgres: install the package postgresql");
  return User{entry->pw_uid, entry->pw_gid};
}

fs::path find_programs() {
  fs::path newest;
  int version = 14;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator("/usr/lib/postgresql", none)) {
    const int number = std::atoi(entry.path().filename().c_str());
    const fs::path programs = entry.path() / "bin";
    if (number > version && fs::exists(programs / "initdb") && fs::exists(programs / "postgres")) {
      version = number;
      newest = programs;
    }
  }
  if (!newest.empty()) return newest;
  const char* path = std::getenv("PATH");
  std::string folders = path ? path : "";
  for (std::size_t end = 0; !folders.empty(); folders.erase(0, end + 1)) {
    end = std::min(folders.find(':'), folders.size() - 1);
    fs::path folder = folders.substr(0, folders[end] == ':' ? end : end + 1);
    if (fs::exists(folder / "initdb") && fs::exists(folder / "postgres")) return folder;
  }
  throw Misconfigured("no Postgres 15 or newer here: install the package postgresql");
}

// Everything is prepared before the fork, since other threads may hold locks then.
pid_t spawn(std::vector<std::string> words, const fs::path& output, bool dies_with_us) {
  const std::optional<User> user = server_user();
  const int log = open(output.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (log < 0) {
    throw Misconfigured("cannot write " + output.string() + " (" + std::strerror(errno) + ")");
  }
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    // A terminal's Ctrl-C is for us: we stop the server after our last flush.
    setpgid(0, 0);
    if (user && (setgroups(0, nullptr) != 0 || setgid(user->gid) != 0 || setuid(user->uid) != 0)) {
      _exit(126);
    }
    // After setuid, which clears it.
    if (dies_with_us) prctl(PR_SET_PDEATHSIG, SIGINT);
    if (dies_with_us && getppid() != parent) _exit(126);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    if (chdir("/") != 0) _exit(126);
    execv(arguments[0], arguments.data());
    _exit(127);
  }
  const int failure = errno;
  close(log);
  if (child < 0)
    throw Retryable("no process can be started (" + std::string(std::strerror(failure)) + ")");
  return child;
}

std::string read_text(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Readable by its owner alone from the first moment on.
void write_secret(const fs::path& file, const std::string& text, std::optional<User> owner) {
  const int out = open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  const bool written = out >= 0 &&
                       write(out, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                       fsync(out) == 0;
  const bool owned = written && (!owner || fchown(out, owner->uid, owner->gid) == 0);
  if (out >= 0) close(out);
  if (!owned) throw Misconfigured("cannot write " + file.string());
}

std::string new_password() {
  unsigned char bytes[24];
  if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes) throw Retryable("no random bytes");
  std::string text;
  for (const unsigned char byte : bytes) {
    text += "0123456789abcdef"[byte >> 4];
    text += "0123456789abcdef"[byte & 15];
  }
  return text;
}

// The port if it is free, else another; 0 asks for any.
int free_port(int wanted) {
  const int probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(probe, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<std::uint16_t>(wanted));
  void* const any = &address;
  socklen_t size = sizeof address;
  const bool bound = bind(probe, static_cast<sockaddr*>(any), size) == 0 &&
                     getsockname(probe, static_cast<sockaddr*>(any), &size) == 0;
  close(probe);
  if (bound) return ntohs(address.sin_port);
  if (wanted == 0) throw Retryable("no free port on loopback");
  return free_port(0);
}

// The server's user must be able to pass through every folder above its data. The folder that we
// were given and its parent are ours to open that far; folders above them are not.
void make_reachable(const fs::path& folder) {
  if (!server_user()) return;
  constexpr int kOurs = 2;
  int depth = 0;
  for (fs::path above = fs::absolute(folder); above != above.root_path();
       above = above.parent_path(), ++depth) {
    struct stat status {};
    if (stat(above.c_str(), &status) != 0 || (status.st_mode & S_IXOTH) != 0) continue;
    const bool opened = depth < kOurs && status.st_uid == geteuid() &&
                        chmod(above.c_str(), (status.st_mode & 07777) | S_IXGRP | S_IXOTH) == 0;
    if (opened) continue;
    throw Misconfigured("the user postgres cannot pass through " + above.string() +
                        ": chmod o+x it, or choose another folder");
  }
}

// A zombie is not running, and has no program any more.
bool is_running(pid_t process) {
  std::error_code gone;
  const fs::path program = fs::read_symlink("/proc/" + std::to_string(process) + "/exe", gone);
  return !gone && !program.empty();
}

bool gone_within(pid_t process, std::chrono::seconds limit, bool ours) {
  const auto deadline = Clock::now() + limit;
  while (Clock::now() < deadline) {
    if (ours ? waitpid(process, nullptr, WNOHANG) != 0 : !is_running(process)) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

void shut_down(pid_t process, bool ours) {
  kill(process, SIGINT);
  if (gone_within(process, std::chrono::seconds(30), ours)) return;
  kill(process, SIGQUIT);
  if (gone_within(process, std::chrono::seconds(10), ours)) return;
  throw Retryable("an old Postgres does not stop: process " + std::to_string(process));
}

// The server of a process of ours that was killed: really a postmaster, and in this folder.
void stop_left_over(const fs::path& data) {
  const pid_t process = std::atoi(read_text(data / "postmaster.pid").c_str());
  if (process <= 1) return;
  const fs::path about = "/proc/" + std::to_string(process);
  std::error_code none;
  const bool here = fs::equivalent(fs::read_symlink(about / "cwd", none), data, none);
  const bool postgres = fs::read_symlink(about / "exe", none).filename() == "postgres";
  if (here && postgres) shut_down(process, false);
}

}  // namespace

PrivateCluster::PrivateCluster(const fs::path& folder)
    : folder_(fs::absolute(folder)), data_(folder_ / "postgres"), programs_(find_programs()) {
  if (fs::create_directories(folder_) && server_user()) {
    fs::permissions(folder_, fs::perms(0711));
  }
  make_reachable(folder_);
  if (!fs::exists(data_ / "PG_VERSION")) make();
  password_ = read_text(folder_ / "postgres.password");
  if (password_.empty()) {
    throw Misconfigured((folder_ / "postgres.password").string() + " is missing or not readable");
  }
  stop_left_over(data_);
  start();
  try {
    wait_until_ready();
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

// Aside, then renamed: a start that was killed half-way leaves no half of a cluster.
void PrivateCluster::make() {
  const fs::path fresh = folder_ / "postgres.new";
  const fs::path secret = folder_ / "postgres.initdb-password";
  fs::remove_all(fresh);
  fs::create_directory(fresh);
  fs::permissions(fresh, fs::perms(0700));
  const std::optional<User> user = server_user();
  if (user && chown(fresh.c_str(), user->uid, user->gid) != 0) {
    throw Misconfigured("cannot give " + fresh.string() + " to the user postgres");
  }
  const std::string password = new_password();
  write_secret(folder_ / "postgres.password", password, std::nullopt);
  write_secret(secret, password, user);
  const pid_t initdb =
      spawn({programs_ / "initdb", "-D", fresh, "-U", "sluice", "-E", "UTF8", "--locale=C.UTF-8",
             "--auth=scram-sha-256", "--pwfile=" + secret.string()},
            folder_ / "postgres.log", false);
  int status = 0;
  waitpid(initdb, &status, 0);
  fs::remove(secret);
  if (status != 0) {
    throw Misconfigured("initdb failed: " + last_words());
  }
  fs::rename(fresh, data_);
}

std::string PrivateCluster::last_words() const {
  const fs::path file = folder_ / "postgres.log";
  std::string text = read_text(file);
  while (text.ends_with('\n')) text.pop_back();
  return text.substr(text.rfind('\n') + 1) + " (see " + file.string() + ")";
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
  if (server_ > 0 || Clock::now() < next_start_) return;
  try {
    // Everybody has the old address.
    if (free_port(port_) != port_) {
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

void PrivateCluster::start() {
  const fs::path kept = folder_ / "postgres.port";
  port_ = free_port(port_ != 0 ? port_ : std::atoi(read_text(kept).c_str()));
  std::ofstream(kept) << port_;
  url_ = "postgresql://sluice:" + password_ + "@127.0.0.1:" + std::to_string(port_) + "/postgres";
  std::vector<std::string> words = {programs_ / "postgres", "-D", data_, "-p",
                                    std::to_string(port_)};
  for (const char* setting :
       {"listen_addresses=127.0.0.1", "unix_socket_directories=", "fsync=on",
        "synchronous_commit=on", "shared_buffers=128MB", "max_wal_size=2GB", "wal_compression=on",
        "checkpoint_timeout=15min", "max_connections=100", "jit=off"}) {
    words.insert(words.end(), {"-c", setting});
  }
  server_ = spawn(std::move(words), folder_ / "postgres.log", true);
}

void PrivateCluster::wait_until_ready() {
  // Crash recovery after a kill may have up to max_wal_size to read.
  const auto deadline = Clock::now() + std::chrono::minutes(2);
  for (;;) {
    if (waitpid(server_, nullptr, WNOHANG) == server_) {
      server_ = -1;
      throw Misconfigured("Postgres does not start: " + last_words());
    }
    try {
      PgConnection(url_).connect();
      return;
    } catch (const Retryable&) {
      if (Clock::now() > deadline) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

void PrivateCluster::stop() {
  if (server_ <= 0) return;
  const pid_t server = server_;
  server_ = -1;
  shut_down(server, true);
}

}  // namespace sluice
