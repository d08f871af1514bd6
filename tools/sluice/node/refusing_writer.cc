#include "tools/sluice/node/refusing_writer.h"

#include <set>
#include <utility>
#include <vector>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using LostTails = std::map<Partition, std::string>;

class RefusingWriter final : public EventWriter {
 public:
  RefusingWriter(std::unique_ptr<EventWriter> writer, LogWatch& watch)
      : writer_(std::move(writer)), watch_(watch) {}

  std::size_t largest_record(std::string_view stream) override {
    return writer_->largest_record(stream);
  }

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) override {
    const LostTails lost = lost_tails(stream, records);
    if (gaps == Gaps::forbidden) return append_all(stream, records, lost);
    if (lost.empty()) return try_append(stream, records);
    append_others(stream, records, lost);
  }

 private:
  LostTails lost_tails(std::string_view stream, std::span<const NewRecord> records) {
    LostTails lost = watch_.lost_tails(stream);
    std::set<Partition> doubted = watch_.doubted(stream);
    if (doubted.empty()) return lost;
    for (const NewRecord& record : records) {
      const bool is_doubted = doubted.erase(record.partition) > 0;
      if (!is_doubted || lost.contains(record.partition)) continue;
      if (auto why = look_at_tail(stream, record.partition)) lost[record.partition] = *why;
    }
    return lost;
  }

  // A log that does not say where it ends takes no record either.
  std::optional<std::string> look_at_tail(std::string_view stream, Partition partition) {
    try {
      return watch_.look_at_tail(stream, partition);
    } catch (const Error& failure) {
      return std::string("where the log ends is not known: ") + failure.what();
    }
  }

  void append_all(std::string_view stream, std::span<NewRecord> records, const LostTails& lost) {
    for (const NewRecord& record : records) {
      const auto found = lost.find(record.partition);
      if (found != lost.end()) throw Retryable(found->second);
    }
    try {
      writer_->append(stream, records);
    } catch (const Retryable&) {
      doubt(stream, records);
      throw;
    }
  }

  void append_others(std::string_view stream, std::span<NewRecord> records, const LostTails& lost) {
    std::vector<NewRecord> others;
    std::vector<NewRecord*> places;
    for (NewRecord& record : records) {
      const auto found = lost.find(record.partition);
      if (found != lost.end()) {
        record.failure = std::make_shared<const AppendFailure>(
            AppendFailure{AppendFailure::Kind::not_appended, found->second});
        continue;
      }
      others.push_back(record);
      places.push_back(&record);
    }
    if (others.empty()) return;
    try_append(stream, others);
    for (std::size_t i = 0; i < others.size(); ++i) *places[i] = others[i];
  }

  void try_append(std::string_view stream, std::span<NewRecord> records) {
    try {
      writer_->try_append(stream, records);
    } catch (const Retryable&) {
      doubt(stream, records);
      throw;
    }
    for (const NewRecord& record : records) {
      if (!record.failure || record.failure->kind == AppendFailure::Kind::too_large) continue;
      watch_.doubt(stream, record.partition);
    }
  }

  void doubt(std::string_view stream, std::span<const NewRecord> records) {
    for (const NewRecord& record : records) watch_.doubt(stream, record.partition);
  }

  const std::unique_ptr<EventWriter> writer_;
  LogWatch& watch_;
};

}  // namespace

std::unique_ptr<EventWriter> refuse_lost_tails(std::unique_ptr<EventWriter> writer,
                                               LogWatch& watch) {
  return std::make_unique<RefusingWriter>(std::move(writer), watch);
}

}  // namespace sluice
