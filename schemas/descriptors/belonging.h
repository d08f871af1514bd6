#pragma once

// Which partition key the rows of a table belong to: `belongs_to` and `per_partition` of
// table.proto. Two keys may have two partitions, and two partitions must never write one row.

#include <google/protobuf/message.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// Of one table. Immutable.
class Belonging {
 public:
  // Misconfigured, with what to write instead, when the options do not fit the row's key.
  explicit Belonging(const google::protobuf::Descriptor& row);

  // Whether the rows are nobody's but the engine's own, which keeps them for each partition.
  [[nodiscard]] bool engines_own() const { return kind_ == Kind::engine; }
  // Whether each partition has rows of its own, told apart by their first key field.
  [[nodiscard]] bool per_partition() const { return kind_ == Kind::partition; }
  // Whether the leading key field is the key.
  [[nodiscard]] bool by_leading_field() const { return kind_ == Kind::field && leads_; }

  // The key that the row belongs to; not per_partition().
  [[nodiscard]] std::string key_of(const google::protobuf::Message& row) const;
  // The partition that the row belongs to; per_partition().
  [[nodiscard]] std::int32_t partition_of(const google::protobuf::Message& row) const;

  // How the key stands in which field, for who asks in another language; not per_partition().
  enum class Kind { engine, partition, field, did_of_uri, first_segment };
  [[nodiscard]] Kind kind() const { return kind_; }
  [[nodiscard]] const google::protobuf::FieldDescriptor& field() const { return *field_; }

 private:
  Kind kind_ = Kind::engine;
  bool leads_ = false;
  const google::protobuf::FieldDescriptor* field_ = nullptr;
};

// The authority of an address such as at://did:plc:abc/collection/rkey; all of the text where it
// is none.
[[nodiscard]] std::string_view did_of_uri(std::string_view uri);
// What stands before the first slash; all of the text where it has none.
[[nodiscard]] std::string_view first_segment(std::string_view text);

// Throws what Belonging throws, for the first row message of the file whose options do not fit.
void require_belongings(const google::protobuf::FileDescriptor& tables);

}  // namespace sluice
