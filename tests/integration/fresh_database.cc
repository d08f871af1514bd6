#include "tests/integration/fresh_database.h"

#include <fstream>

#include "storage/postgres/connection.h"
#include "storage/postgres/private_cluster.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {
namespace {

struct Cluster {
  TempDir folder;
  PrivateCluster server{folder.path() / "cluster"};
};

Cluster& cluster() {
  static Cluster one;
  return one;
}

}  // namespace

std::string fresh_database() {
  static int count = 0;
  const std::string url = cluster().server.url();
  const std::string name = "test" + std::to_string(++count);
  PgConnection(url).run("CREATE DATABASE " + name);
  return url.substr(0, url.rfind('/') + 1) + name;
}

std::string superuser_of(const std::string& url) {
  std::string password;
  std::ifstream(cluster().folder.path() / "cluster/postgres.superuser-password") >> password;
  return as_user(url, "postgres", password);
}

std::string as_user(const std::string& url, const std::string& user, const std::string& password) {
  return "postgresql://" + user + ":" + password + url.substr(url.rfind('@'));
}

}  // namespace sluice::testing
