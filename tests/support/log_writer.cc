// Appends one record, whatever its bytes, to an embedded log that nobody has open:
// log_writer DATA_FOLDER STREAM PARTITION KEY VALUE. Prints its offset. For tests that are no C++.

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "storage/embedded/embedded_log.h"

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  try {
    if (words.size() != 5) throw std::runtime_error("DATA_FOLDER STREAM PARTITION KEY VALUE");
    const auto log = sluice::EmbeddedLog::open(words[0] + "/log", {});
    sluice::NewRecord record{
        .partition = sluice::Partition{std::stoi(words[2])}, .key = words[3], .value = words[4]};
    log->writer()->append(words[1], {&record, 1});
    std::printf("%lld\n", static_cast<long long>(record.offset.value));
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "log_writer: %s\n", failure.what());
    return 2;
  }
  return 0;
}
