#include "tests/integration/fresh_database.h"

#include "storage/postgres/connection.h"
#include "storage/postgres/private_cluster.h"
#include "tests/support/temp_dir.h"

namespace sluice::testing {

std::string fresh_database() {
  static TempDir folder;
  static PrivateCluster cluster(folder.path() / "cluster");
  static int count = 0;
  const std::string name = "test" + std::to_string(++count);
  PgConnection(cluster.url()).run("CREATE DATABASE " + name);
  return cluster.url().substr(0, cluster.url().rfind('/') + 1) + name;
}

}  // namespace sluice::testing
