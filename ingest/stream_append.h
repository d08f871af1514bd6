#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "ingest/append_request.h"
#include "ingest/ingest_probe.h"
#include "storage/event_log.h"

namespace sluice {

// One append for requests of the same domain. Used by one thread; keeps its buffers.
class StreamAppend {
 public:
  StreamAppend(EventWriter& writer, IngestProbe& probe) : writer_(writer), probe_(probe) {}

  // Where a request stands now; its `offsets` are set.
  struct Result {
    AppendRequest* request;
    std::size_t appended = 0;  // those of earlier appends too
    std::size_t not_appended = 0;
    std::size_t unknown = 0;  // whether in the log
    std::vector<OversizeEvent> oversize{};
    std::string reason{};  // of the first event that failed

    [[nodiscard]] bool whole() const { return appended == request->batch.items.size(); }
  };

  // Appends what of the requests is not in the log yet. Of a request with an event that is known to
  // be too large nothing is appended. Throws nothing of the log's: it is in the results.
  [[nodiscard]] std::vector<Result> run(const std::string& domain,
                                        std::span<AppendRequest* const> requests);

  // Those of the last run.
  [[nodiscard]] std::span<const NewRecord> records() const { return records_; }

 private:
  void find_oversize(std::vector<Result>& results, std::size_t limit);
  void add_records(const AppendRequest& request);
  void append(const std::string& domain);
  void log_failures(const std::string& domain) const;
  std::size_t collect(Result& result, std::size_t at) const;

  EventWriter& writer_;
  IngestProbe& probe_;
  std::vector<NewRecord> records_;
};

}  // namespace sluice
