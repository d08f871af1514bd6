// The private cluster as an operator, an application and a neighbour on the machine meet it.

#include "storage/postgres/private_cluster.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <fstream>
#include <optional>
#include <sstream>

#include "schemas/descriptors/domain.h"
#include "storage/base/errors.h"
#include "storage/postgres/connection.h"
#include "storage/postgres/private_settings.h"
#include "storage/postgres/schema.h"
#include "storage/postgres/server_process.h"
#include "tests/support/eventually.h"
#include "tests/support/temp_dir.h"

namespace fs = std::filesystem;
using namespace sluice;
using sluice::testing::TempDir;

namespace {

std::string value(const std::string& url, const std::string& sql) {
  const PgResult result = PgConnection(url).run(sql);
  REQUIRE(result.rows() == 1);
  return std::string(result.text(0, 0));
}

std::string text_of(const fs::path& file) {
  std::ostringstream text;
  text << std::ifstream(file, std::ios::binary).rdbuf();
  return text.str();
}

std::string password_of(const std::string& url) {
  const auto colon = url.find(':', url.find("://") + 3);
  return url.substr(colon + 1, url.rfind('@') - colon - 1);
}

PublishedSchema schema_of(std::string_view name) {
  for (const Domain& domain : domains()) {
    if (domain.name != name) continue;
    return {.domain = domain.name,
            .tables = domain.tables,
            .tables_source = domain.tables_source,
            .reads_sql = domain.reads_sql};
  }
  FAIL("no such domain");
  return {};
}

void make(const std::string& url, std::string_view name) {
  const PublishedSchema schema = schema_of(name);
  apply_schema(url, {&schema, 1});
}

// A cluster as it was made once: its superuser is called `sluice`, and pages have no checksums.
class FormerCluster {
 public:
  explicit FormerCluster(const fs::path& folder) : folder_(folder) {
    fs::create_directories(folder_ / "postgres");
    fs::permissions(folder_, fs::perms(0711));
    fs::permissions(folder_ / "postgres", fs::perms(0700));
    std::ofstream(folder_ / "postgres.password") << kPassword;
    fs::permissions(folder_ / "postgres.password", fs::perms(0600));
    std::ofstream(folder_ / "secret") << kPassword;
    if (const auto user = server_user()) {
      REQUIRE(chown((folder_ / "postgres").c_str(), user->uid, user->gid) == 0);
      REQUIRE(chown((folder_ / "secret").c_str(), user->uid, user->gid) == 0);
    }
    REQUIRE(run({"initdb", "-U", "sluice", "-E", "UTF8", "--locale=C.UTF-8", "--auth=scram-sha-256",
                 "--pwfile=" + (folder_ / "secret").string(), "-D"}) == 0);
    fs::remove(folder_ / "secret");
  }
  // While it runs.
  template <class Work>
  void use(Work work) {
    const int port = free_loopback_port(0);
    const int log = open_log();
    const pid_t server =
        spawn_server({find_postgres_programs() / "postgres", "-D", folder_ / "postgres", "-p",
                      std::to_string(port), "-c", "unix_socket_directories="},
                     log, true);
    ::close(log);
    const std::string url = "postgresql://sluice:" + std::string(kPassword) +
                            "@127.0.0.1:" + std::to_string(port) + "/postgres";
    REQUIRE(sluice::testing::eventually([&] {
      try {
        PgConnection(url).connect();
        return true;
      } catch (const Retryable&) {
        return false;
      }
    }));
    work(url);
    shut_down_server(server, true);
  }
  static constexpr const char* kPassword = "0123456789abcdef";

 private:
  [[nodiscard]] int open_log() const {
    return ::open((folder_ / "postgres.log").c_str(), O_WRONLY | O_CREAT | O_APPEND, 0600);
  }
  int run(std::vector<std::string> words) {
    words.front() = find_postgres_programs() / words.front();
    words.push_back(folder_ / "postgres");
    const int log = open_log();
    const int status = run_server_program(std::move(words), log);
    ::close(log);
    return status;
  }
  const fs::path folder_;
};

}  // namespace

TEST_CASE("the owner is no superuser, and may do all that commands and operators do") {
  const TempDir dir;
  const PrivateCluster cluster(dir.path() / "cluster");
  CHECK(value(cluster.url(),
              "SELECT concat_ws(' ', rolname, rolsuper, rolcreaterole, "
              "rolreplication, rolbypassrls) FROM pg_roles "
              "WHERE rolname = current_user") == "sluice f f f f");
  CHECK_THROWS_AS(PgConnection(cluster.url()).run("COPY (SELECT 1) TO PROGRAM 'true'"), Error);
  CHECK_THROWS_AS(PgConnection(cluster.url()).run("SET ROLE postgres"), Error);
  make(cluster.url(), "deliberation");
  CHECK(value(cluster.url(),
              "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname IN "
              "('sluice', 'deliberation_g1')") == "sluice");
}

TEST_CASE("the reader sees every domain, later ones too, and changes nothing") {
  const TempDir dir;
  const PrivateCluster cluster(dir.path() / "cluster");
  make(cluster.url(), "deliberation");
  make(cluster.url(), "auction");
  PgConnection(cluster.url()).run("CREATE VIEW auction.mine AS SELECT 1 AS one");
  for (const char* asked :
       {"SELECT count(*) FROM deliberation.opinion", "SELECT count(*) FROM auction.session",
        "SELECT one - 1 FROM auction.mine",
        "SELECT count(*) FROM deliberation.next_opinions('c', 'p', 1, 1)"}) {
    CHECK(value(cluster.reader_url(), asked) == "0");
  }
  // A row for every partition of both domains, taken or not.
  CHECK(value(cluster.reader_url(), "SELECT count(*) FROM sluice.freshness") == "8");
  CHECK(value(cluster.reader_url(), "SELECT sluice.wait_for('')") == "t");
  CHECK(value(cluster.reader_url(), "SHOW transaction_read_only") == "on");
  for (const char* change :
       {"DELETE FROM deliberation_g1.opinion", "UPDATE sluice.position SET position = 0",
        "CREATE TABLE public.mine ()", "CREATE TABLE sluice.mine ()", "CREATE SCHEMA mine",
        "CREATE TEMPORARY TABLE mine ()", "SELECT lo_creat(-1)", "TRUNCATE auction_g1.bid",
        "DROP VIEW deliberation.opinion", "SET ROLE sluice", "SET ROLE sluice_writer",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'sluice'"}) {
    INFO(change);
    PgConnection reader(cluster.reader_url());
    // Also where a session leaves its default.
    reader.run("SET default_transaction_read_only = off");
    const PgConnection other(cluster.url());
    PgConnection owner(cluster.url());
    owner.connect();
    CHECK_THROWS_AS(reader.run(change), Error);
  }
}

TEST_CASE("readers leave room for those who write, however many come") {
  const TempDir dir;
  const PrivateCluster cluster(dir.path() / "cluster");
  std::vector<std::unique_ptr<PgConnection>> readers;
  const auto come = [&] {
    for (int i = 0; i < 100; ++i) {
      readers.push_back(std::make_unique<PgConnection>(cluster.reader_url()));
      readers.back()->connect();
    }
  };
  CHECK_THROWS_WITH(come(), Catch::Contains("too many connections for role"));
  CHECK(value(cluster.url(), "SELECT 1") == "1");
}

TEST_CASE("no password is in a command line, an environment or a log") {
  const TempDir dir;
  ::setenv("SLUICE_POSTGRES", "postgresql://u:secret-of-ours@h/d", 1);
  const PrivateCluster cluster(dir.path() / "cluster");
  ::unsetenv("SLUICE_POSTGRES");
  const std::string about = "/proc/" + std::to_string(cluster.pid());
  const std::string known = text_of(about + "/cmdline") + text_of(about + "/environ") +
                            text_of(dir.path() / "cluster/postgres.log");
  CHECK(known.find("-D") != std::string::npos);
  for (const char* file :
       {"postgres.password", "postgres.reader-password", "postgres.superuser-password"}) {
    const fs::path path = dir.path() / "cluster" / file;
    CHECK(known.find(text_of(path)) == std::string::npos);
    CHECK(text_of(path).size() == 48);
    CHECK(fs::status(path).permissions() == fs::perms(0600));
  }
  CHECK(known.find("secret-of-ours") == std::string::npos);
  CHECK(password_of(cluster.url()) != password_of(cluster.reader_url()));
}

TEST_CASE("addresses and passwords stay over a restart") {
  const TempDir dir;
  std::string urls;
  for (int start = 0; start < 2; ++start) {
    const PrivateCluster cluster(dir.path() / "cluster");
    const std::string now = cluster.url() + " " + cluster.reader_url();
    if (start == 1) CHECK(now == urls);
    urls = now;
    CHECK(value(cluster.reader_url(), "SELECT 1") == "1");
  }
}

TEST_CASE("as much write-ahead log is kept as fits the tables") {
  constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20;
  CHECK(wal_megabytes(0) == 256);
  CHECK(wal_megabytes(128 * kMebibyte) == 256);
  CHECK(wal_megabytes(129 * kMebibyte) == 512);
  CHECK(wal_megabytes(1024 * kMebibyte) == 2048);
  CHECK(wal_megabytes(1024 * 1024 * kMebibyte) == 2048);
  const TempDir dir;
  for (int start = 0; start < 2; ++start) {
    PrivateCluster cluster(dir.path() / "cluster");
    cluster.keep_running();
    // The server reloads in its own time.
    CHECK(sluice::testing::eventually(
        [&] { return value(cluster.url(), "SHOW max_wal_size") == "256MB"; }));
  }
}

TEST_CASE("a bit that the disk has changed is an error, not an answer") {
  const TempDir dir;
  std::string file;
  {
    const PrivateCluster cluster(dir.path() / "cluster");
    PgConnection owner(cluster.url());
    owner.run(
        "CREATE TABLE kept AS SELECT n, repeat('x', 100) AS text FROM "
        "generate_series(1, 1000) n");
    file = value(cluster.url(), "SELECT pg_relation_filepath('kept')");
  }
  std::fstream page(dir.path() / "cluster/postgres" / file,
                    std::ios::in | std::ios::out | std::ios::binary);
  page.seekg(8000);
  const char byte = static_cast<char>(page.get());
  page.seekp(8000);
  page.put(static_cast<char>(byte ^ 1));
  page.close();
  const PrivateCluster cluster(dir.path() / "cluster");
  PgConnection owner(cluster.url());
  CHECK_THROWS_AS(owner.run("SELECT count(text) FROM kept"), Corrupt);
}

TEST_CASE("a cluster of the former layout gets roles and checksums, and its URL goes on working") {
  const TempDir dir;
  const fs::path folder = dir.path() / "cluster";
  {
    FormerCluster former(folder);
    former.use([](const std::string& url) {
      make(url, "deliberation");
      PgConnection superuser(url);
      superuser.run(
          "INSERT INTO deliberation_g1.opinion (conversation_id, opinion_id) "
          "VALUES ('c', 'o'); INSERT INTO sluice.position (projection, generation, "
          "partition, position) VALUES ('deliberation', 1, 0, 1); CREATE SCHEMA reports; "
          "CREATE TABLE reports.seen (n serial, at timestamptz);"
          "CREATE TYPE reports.kind AS ENUM ('a'); CREATE SEQUENCE reports.counter;"
          "CREATE FUNCTION reports.one() RETURNS int LANGUAGE sql AS 'SELECT 1'");
      superuser.run("CREATE DATABASE \"other one\"");
      PgConnection(url.substr(0, url.rfind('/')) + "/other%20one").run("CREATE TABLE mine (n int)");
    });
  }
  for (int start = 0; start < 2; ++start) {
    const PrivateCluster cluster(folder);
    CHECK(password_of(cluster.url()) == FormerCluster::kPassword);
    CHECK(value(cluster.url(), "SHOW data_checksums") == "on");
    CHECK(value(cluster.url(), "SELECT rolsuper FROM pg_roles WHERE rolname = current_user") ==
          "f");
    CHECK(value(cluster.reader_url(), "SELECT opinion_id FROM deliberation.opinion") == "o");
    PgConnection(cluster.url())
        .run("ALTER TABLE deliberation_g1.opinion ADD COLUMN c" + std::to_string(start) +
             " int;"
             "INSERT INTO reports.seen (at) VALUES (now()); SELECT nextval('reports.counter');"
             "ALTER TYPE reports.kind ADD VALUE 'b" +
             std::to_string(start) + "'");
    CHECK(value(cluster.url(),
                "SELECT count(*) FROM pg_class c WHERE relowner <> "
                "'sluice'::regrole AND oid >= 16384 AND relnamespace <> "
                "'pg_toast'::regnamespace") == "0");
    const std::string other = cluster.url().substr(0, cluster.url().rfind('/')) + "/other%20one";
    PgConnection(other).run("DROP TABLE mine; CREATE TABLE mine (n int)");
    // Applied by this program, as it was applied by the one before.
    make(cluster.url(), "deliberation");
  }
}

TEST_CASE("no file is written through a link that was there before us") {
  const TempDir dir;
  const fs::path folder = dir.path() / "cluster";
  const fs::path target = dir.path() / "target";
  fs::create_directory(folder);
  std::ofstream(target) << "kept";
  const std::string name = GENERATE("postgres.password", "postgres.reader-password",
                                    "postgres.superuser-password", "postgres.port", "postgres.log");
  fs::create_symlink(target, folder / name);
  CHECK_THROWS_WITH(PrivateCluster(folder), Catch::Contains(name + " is a symbolic link"));
  CHECK(text_of(target) == "kept");
}

TEST_CASE("what initdb is given is not reached through a link") {
  const TempDir dir;
  const fs::path folder = dir.path() / "cluster";
  fs::create_directories(dir.path() / "elsewhere");
  fs::create_directory(folder);
  std::ofstream(dir.path() / "target") << "kept";
  fs::create_symlink(dir.path() / "elsewhere", folder / "postgres.new");
  fs::create_symlink(dir.path() / "target", folder / "postgres.initdb-password.new");
  fs::create_symlink(dir.path() / "target", folder / "postgres.initdb-password");
  { const PrivateCluster cluster(folder); }
  CHECK(fs::is_empty(dir.path() / "elsewhere"));
  CHECK(text_of(dir.path() / "target") == "kept");
}

TEST_CASE("a cluster whose password went is not given another") {
  const TempDir dir;
  { const PrivateCluster cluster(dir.path() / "cluster"); }
  fs::remove(dir.path() / "cluster/postgres.password");
  CHECK_THROWS_WITH(PrivateCluster(dir.path() / "cluster"),
                    Catch::Contains("postgres.password is missing: restore it"));
}
