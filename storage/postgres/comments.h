#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace sluice {

// COMMENT ON statements for the table and the columns of `row` from what its .proto says of them,
// one line each. `source` is a FileDescriptorSet with source info; empty: no statements.
[[nodiscard]] std::string comments_sql(const google::protobuf::Descriptor& row,
                                       std::string_view source, const std::string& full_table);

}  // namespace sluice
