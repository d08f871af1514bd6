#include "tools/sluice/records/logged_record.h"

#include <chrono>

#include "storage/base/errors.h"

namespace sluice {
namespace {

constexpr std::chrono::milliseconds kPoll{200};
constexpr std::chrono::seconds kPatience{30};

class FromHere final : public Ownership {
 public:
  explicit FromHere(Offset from) : from_(from) {}
  Offset acquired(Partition) override { return from_; }
  void lost(Partition) override {}

 private:
  Offset from_;
};

std::string text(Offset offset) { return std::to_string(offset.value); }

}  // namespace

LoggedRecord logged_record(Log& log, const RecordPlace& place) {
  const std::string name = place.stream + " partition " + std::to_string(place.partition.value);
  const LogRange range = log.topology()->range(place.stream, place.partition);
  if (place.offset < range.begin) {
    throw Misconfigured("the log no longer has the record at " + text(place.offset) + " of " +
                        name + ": it begins at " + text(range.begin));
  }
  if (place.offset >= range.end) {
    throw Misconfigured("the log has no record at " + text(place.offset) + " of " + name +
                        ": it ends at " + text(range.end));
  }
  FromHere from_here(place.offset);
  const auto reader = log.reader(place.stream, {place.partition}, from_here);
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  while (std::chrono::steady_clock::now() < deadline) {
    const auto records = reader->poll(kPoll);
    if (records.empty() && !reader->caught_up(place.partition)) continue;
    if (records.empty()) {
      throw Misconfigured("the log has no record at " + text(place.offset) + " of " + name +
                          ", nor one behind it, that can be read: that offset is a transaction's "
                          "marker, or of one that was aborted or is still open");
    }
    const LogRecord& first = records.front();
    if (first.offset == place.offset) return {std::string(first.key), std::string(first.value)};
    throw Misconfigured("the log no longer has the record at " + text(place.offset) + " of " +
                        name + ": the next that it has is at " + text(first.offset));
  }
  throw Retryable("the log of " + name + " does not answer");
}

}  // namespace sluice
