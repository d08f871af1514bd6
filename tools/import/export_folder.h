#pragma once

// A folder of files for the tests of importers.

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "storage/base/errors.h"
#include "tests/support/temp_dir.h"
#include "tools/import/polis_export.h"

namespace sluice::testing {

// Named "talk", as the conversation is then.
class ExportFolder {
 public:
  explicit ExportFolder(const std::map<std::string, std::string>& files) {
    std::filesystem::create_directory(path());
    for (const auto& [file, text] : files) {
      std::ofstream(path() / file, std::ios::binary) << text;
    }
  }
  [[nodiscard]] std::filesystem::path path() const { return top_.path() / "talk"; }
  [[nodiscard]] PolisExport read(Agree agree = Agree::declared) const {
    return read_polis_export(path(), agree);
  }
  // What reading it is refused with; "none": it is read.
  [[nodiscard]] std::string complaint(Agree agree = Agree::declared) const {
    try {
      (void)read(agree);
      return "none";
    } catch (const Misconfigured& error) {
      return error.what();
    }
  }

 private:
  TempDir top_;
};

}  // namespace sluice::testing
