#pragma once

// What a row message's options (table.proto) say. For code that must not include the generated
// header: its extensions put words such as `key` and `table` into namespace sluice.

#include <google/protobuf/descriptor.h>

#include <vector>

namespace sluice {

// The fields with (sluice.key), in field order; never empty for a row.
[[nodiscard]] std::vector<const google::protobuf::FieldDescriptor*> key_fields(
    const google::protobuf::Descriptor& row);

// Whether the message has (sluice.table) at all, that is, defines a row.
[[nodiscard]] bool is_row(const google::protobuf::Descriptor& message);

[[nodiscard]] bool is_published(const google::protobuf::Descriptor& row);

// Whether its rows are computed, not folded.
[[nodiscard]] bool is_computed(const google::protobuf::Descriptor& row);

// Whether a field of a computed row is a measurement.
[[nodiscard]] bool is_measured(const google::protobuf::FieldDescriptor& field);

// Whether a field of a published row is a column of its table (not COLUMN_NONE).
[[nodiscard]] bool is_column(const google::protobuf::FieldDescriptor& field);

// The published rows of a domain's tables.proto, in the order of the file.
[[nodiscard]] std::vector<const google::protobuf::Descriptor*> published_rows(
    const google::protobuf::FileDescriptor& tables);

// The engine's own published row, of domains that emit: a digest of what each key has emitted.
[[nodiscard]] const google::protobuf::Descriptor& emission_row();

}  // namespace sluice
