// What reading costs a record, in processor time: captured frames and lines of Jetstream, over and
// over. usage: bench_atproto FRAMES.bin.zst LINES.jsonl [SECONDS]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "tools/bench/cpu_time.h"
#include "tools/import/atproto/bytes/pieces.h"
#include "tools/import/atproto/messages/frame.h"
#include "tools/import/atproto/messages/jetstream.h"

namespace {

using namespace sluice::atproto;

struct Read {
  std::size_t ops = 0;
  std::size_t malformed = 0;
};

// Reads all inputs again and again for so many seconds of processor time.
template <class Reader>
void measure(const char* name, const std::vector<std::string>& inputs, double seconds) {
  Reader reader;
  Read read;
  std::size_t bytes = 0;
  std::size_t written = 0;
  const auto begin = sluice::bench::process_cpu();
  std::chrono::duration<double> took{};
  while (took.count() < seconds) {
    for (const std::string& input : inputs) {
      const Message& message = reader.read(input);
      bytes += input.size();
      read.malformed += message.malformed.size();
      if (const auto* commit = std::get_if<Commit>(&message.event)) {
        read.ops += commit->ops.size();
        for (const RecordOp& op : commit->ops) written += op.record.size();
      }
    }
    took = sluice::bench::process_cpu() - begin;
  }
  std::printf(
      "%-10s %6.2f us an op  %8.0f ops/s  %7.1f MB/s in  %5.0f bytes a record  %zu malformed\n",
      name, took.count() / static_cast<double>(read.ops) * 1e6,
      static_cast<double>(read.ops) / took.count(), static_cast<double>(bytes) / took.count() / 1e6,
      static_cast<double>(written) / static_cast<double>(read.ops), read.malformed);
}

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) {
    std::fprintf(stderr, "usage: bench_atproto FRAMES.bin.zst LINES.jsonl [SECONDS]\n");
    return 2;
  }
  const double seconds = count > 3 ? std::atof(arguments[3]) : 3;
  std::vector<std::string> frames;
  std::vector<std::string> lines;
  Pieces packed(open_bytes(arguments[1]));
  while (const auto frame = packed.frame(kMaxFrameBytes)) frames.emplace_back(*frame);
  Pieces text(open_bytes(arguments[2]));
  while (const auto line = text.line(kMaxLineBytes)) lines.emplace_back(*line);
  measure<FrameReader>("frames", frames, seconds);
  measure<JetstreamReader>("lines", lines, seconds);
  return 0;
}
