#pragma once

// Each table file of an EmbeddedLog says in its properties where the partitions that it has records
// of end in it: a damaged block there does not hide where a partition ends.

#include <rocksdb/db.h>
#include <rocksdb/table_properties.h>

#include <map>
#include <memory>
#include <optional>
#include <utility>

#include "storage/embedded/embedded_format.h"

namespace sluice::embedded {

using PartitionEnds = std::map<std::pair<StreamId, Partition>, Tail>;

[[nodiscard]] std::shared_ptr<rocksdb::TablePropertiesCollectorFactory> table_ends();

// Of all table files together. nullopt: one of them cannot be opened, or says nothing.
[[nodiscard]] std::optional<PartitionEnds> ends_in_tables(rocksdb::DB& db);

}  // namespace sluice::embedded
