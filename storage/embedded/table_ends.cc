#include "storage/embedded/table_ends.h"

#include <algorithm>
#include <sstream>

namespace sluice::embedded {
namespace {

constexpr const char* kProperty = "sluice.ends";

void advance(PartitionEnds& ends, const PartitionEnds::key_type& partition, const Tail& to) {
  Tail& end = ends[partition];
  end.next = std::max(end.next, to.next);
  end.last_appended_at = std::max(end.last_appended_at, to.last_appended_at);
}

std::string encoded(const PartitionEnds& ends) {
  std::ostringstream text;
  for (const auto& [partition, end] : ends) {
    text << partition.first.value << ' ' << partition.second.value << ' ' << end.next.value << ' '
         << end.last_appended_at.time_since_epoch().count() << '\n';
  }
  return text.str();
}

void decode(const std::string& text, PartitionEnds& ends) {
  std::istringstream in(text);
  PartitionEnds::key_type partition;
  Tail end;
  Time::rep appended_at = 0;
  while (in >> partition.first.value >> partition.second.value >> end.next.value >> appended_at) {
    end.last_appended_at = Time{Time::duration{appended_at}};
    advance(ends, partition, end);
  }
}

class Collector final : public rocksdb::TablePropertiesCollector {
 public:
  rocksdb::Status AddUserKey(const rocksdb::Slice& key, const rocksdb::Slice& value,
                             rocksdb::EntryType, rocksdb::SequenceNumber, std::uint64_t) override {
    const auto place = parse_record_key(key.ToStringView());
    const auto record = parse_record(value.ToStringView());
    if (place && record) {
      advance(ends_, {place->stream, place->partition},
              {place->offset.next(), record->appended_at, {}});
    }
    return rocksdb::Status::OK();
  }
  rocksdb::Status Finish(rocksdb::UserCollectedProperties* properties) override {
    properties->emplace(kProperty, encoded(ends_));
    return rocksdb::Status::OK();
  }
  [[nodiscard]] rocksdb::UserCollectedProperties GetReadableProperties() const override {
    return {{kProperty, encoded(ends_)}};
  }
  [[nodiscard]] const char* Name() const override { return kProperty; }

 private:
  PartitionEnds ends_;
};

class Factory final : public rocksdb::TablePropertiesCollectorFactory {
 public:
  rocksdb::TablePropertiesCollector* CreateTablePropertiesCollector(Context) override {
    return std::make_unique<Collector>().release();
  }
  [[nodiscard]] const char* Name() const override { return kProperty; }
};

}  // namespace

std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> table_ends() {
  return std::make_shared<Factory>();
}

std::optional<PartitionEnds> ends_in_tables(rocksdb::DB& db) {
  rocksdb::TablePropertiesCollection tables;
  if (!db.GetPropertiesOfAllTables(&tables).ok()) return std::nullopt;
  PartitionEnds ends;
  for (const auto& [file, properties] : tables) {
    const auto found = properties->user_collected_properties.find(kProperty);
    if (found == properties->user_collected_properties.end()) return std::nullopt;
    decode(found->second, ends);
  }
  return ends;
}

}  // namespace sluice::embedded
