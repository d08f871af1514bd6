#pragma once

#include <filesystem>
#include <string>

namespace sluice::embedded {

// Writes a small file anew: all of it or nothing, also where the machine dies. Throws Retryable.
void write_durable_file(const std::filesystem::path& file, const std::string& text);

// A folder gets the other name, below the same one, also where the machine dies. Throws Retryable.
void rename_durably(const std::filesystem::path& from, const std::filesystem::path& to);

}  // namespace sluice::embedded
