#include "tests/contract/building.h"

#include "shapes/tables.pb.h"

namespace sluice::testing {
namespace {

const Time kRecordTime{std::chrono::milliseconds(1000)};

// The rows that `make` makes of these, one after the other in one message.
template <class Row>
TableSource source_of(const std::vector<std::string>& ids, void (*make)(const std::string&, Row&)) {
  return {Row::descriptor(),
          [&ids, make, row = std::make_shared<Row>(),
           at = std::size_t{0}]() mutable -> const google::protobuf::Message* {
            if (at == ids.size()) return nullptr;
            row->Clear();
            make(ids[at++], *row);
            return row.get();
          }};
}

}  // namespace

Digest digest_before(std::int64_t position) {
  return Digest{position == 0 ? 0 : 0xf000000000000000u + static_cast<std::uint64_t>(position)};
}

FlushOutcome flush_ids(ProjectionSink& sink, Partition partition, std::string_view owner, bool live,
                       std::int64_t from, std::int64_t to, const std::vector<std::string>& ids) {
  std::vector<shapes::OnlyKey> kept(ids.size());
  RowChanges changes{shapes::OnlyKey::descriptor(), {}, {}};
  for (std::size_t i = 0; i < ids.size(); ++i) {
    kept[i].set_id(ids[i]);
    changes.upserts.push_back(&kept[i]);
  }
  const std::vector<RowChanges> rows{changes};
  FlushBatch batch{};
  batch.partition = partition;
  batch.owner = owner;
  batch.live = live;
  batch.from = Offset{from};
  batch.digest_at_from = digest_before(from);
  batch.to = Offset{to};
  batch.digest_at_to = digest_before(to);
  batch.record_time = kRecordTime;
  batch.log_end = Offset{to};
  if (!ids.empty()) batch.rows = rows;
  return sink.flush(batch);
}

Refusals::Refusals(const std::vector<std::int64_t>& positions) {
  for (const std::int64_t at : positions) {
    rejections.push_back(
        {Offset{at}, "event", "vote.set", "k", "conversation.closed", kRecordTime});
    quarantined.push_back({Offset{at}, "key", "unreadable", "bytes", kRecordTime, true});
  }
}

void Refusals::note(GenerationBuilder& builder, Partition partition, std::string_view owner,
                    std::int64_t folded) const {
  builder.note({.partition = partition,
                .owner = owner,
                .folded = Offset{folded},
                .digest = Digest{static_cast<std::uint64_t>(folded)},
                .log_end = Offset{folded + 1},
                .rejections = rejections,
                .quarantined = quarantined,
                .unquarantined = unquarantined,
                .aged_out = aged_out,
                .decisions = decisions});
}

std::vector<std::string> decision_texts(const std::vector<Decision>& decisions) {
  std::vector<std::string> all;
  for (const Decision& decision : decisions) {
    all.push_back(std::to_string(decision.position.value) + " " +
                  std::string(word_of(decision.kind)) + " " +
                  (decision.offset ? std::to_string(decision.offset->value) : "-") + " " +
                  decision.who + " " + decision.why);
  }
  return all;
}

FlushOutcome load_ids(GenerationBuilder& builder, Partition partition, std::string_view owner,
                      std::int64_t to, const std::vector<std::string>& ids,
                      const std::vector<std::string>& due) {
  const std::vector<TableSource> tables{
      source_of<shapes::EveryType>(ids,
                                   [](const std::string& id, shapes::EveryType& row) {
                                     row.set_text_key(id);
                                     row.set_number_key(7);
                                     row.set_text("tab\tand\\");
                                     row.set_count(3);
                                   }),
      source_of<shapes::OnlyKey>(
          ids, [](const std::string& id, shapes::OnlyKey& row) { row.set_id(id); })};
  LoadBatch batch{};
  batch.partition = partition;
  batch.owner = owner;
  batch.to = Offset{to};
  batch.digest = digest_before(to);
  batch.record_time = kRecordTime;
  batch.log_end = Offset{to + 1};
  batch.tables = tables;
  batch.due = [next = due.begin(), end = due.end()]() mutable {
    return next == end ? nullptr : &*next++;
  };
  return builder.load(batch);
}

}  // namespace sluice::testing
