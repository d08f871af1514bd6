#pragma once

#include <google/protobuf/descriptor.h>

#include <string>
#include <string_view>

namespace sluice {

enum class CommentsOn { table, view };

// COMMENT ON statements for the relation `full_name` and its columns, one a line, with what the
// .proto says of `row` and its fields. A view's comment also names the key, which a view cannot
// declare. `source` is a FileDescriptorSet with source info; without it only keys are said.
[[nodiscard]] std::string comments_sql(const google::protobuf::Descriptor& row,
                                       std::string_view source, CommentsOn on,
                                       const std::string& full_name);

}  // namespace sluice
