#include "tests/support/temp_dir.h"

#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>

namespace sluice::testing {

TempDir::TempDir() {
  std::string name = (std::filesystem::temp_directory_path() / "sluice-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) {
    throw std::system_error(errno, std::generic_category(), "mkdtemp " + name);
  }
  path_ = name;
  using std::filesystem::perms;
  std::filesystem::permissions(path_, perms::owner_all | perms::group_exec | perms::others_exec);
}

TempDir::~TempDir() {
  std::error_code ignored;  // a server that is still ending may write while we remove
  std::filesystem::remove_all(path_, ignored);
}

}  // namespace sluice::testing
