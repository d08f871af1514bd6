#pragma once

#include <filesystem>
#include <string>

namespace sluice::embedded {

// Writes a small file anew: all of it or nothing, also where the machine dies. Throws Retryable.
void write_durable_file(const std::filesystem::path& file, const std::string& text);

}  // namespace sluice::embedded
