#include "tools/sluice/node/refusing_writer.h"

#include <utility>
#include <vector>

#include "storage/base/errors.h"

namespace sluice {
namespace {

using LostTails = std::map<Partition, std::string>;

class RefusingWriter final : public EventWriter {
 public:
  RefusingWriter(std::unique_ptr<EventWriter> writer, const LogWatch& watch)
      : writer_(std::move(writer)), watch_(watch) {}

  std::size_t largest_record(std::string_view stream) override {
    return writer_->largest_record(stream);
  }

 protected:
  void write(std::string_view stream, std::span<NewRecord> records, Gaps gaps) override {
    const LostTails lost = watch_.lost_tails(stream);
    if (gaps == Gaps::forbidden) return append_all(stream, records, lost);
    if (lost.empty()) return writer_->try_append(stream, records);
    append_others(stream, records, lost);
  }

 private:
  void append_all(std::string_view stream, std::span<NewRecord> records, const LostTails& lost) {
    for (const NewRecord& record : records) {
      const auto found = lost.find(record.partition);
      if (found != lost.end()) throw Retryable(found->second);
    }
    writer_->append(stream, records);
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
    writer_->try_append(stream, others);
    for (std::size_t i = 0; i < others.size(); ++i) *places[i] = others[i];
  }

  const std::unique_ptr<EventWriter> writer_;
  const LogWatch& watch_;
};

}  // namespace

std::unique_ptr<EventWriter> refuse_lost_tails(std::unique_ptr<EventWriter> writer,
                                               const LogWatch& watch) {
  return std::make_unique<RefusingWriter>(std::move(writer), watch);
}

}  // namespace sluice
