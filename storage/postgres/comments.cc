#include "storage/postgres/comments.h"

#include <google/protobuf/descriptor.pb.h>

#include <algorithm>
#include <vector>

#include "schemas/descriptors/row_options.h"

namespace sluice {
namespace {

using google::protobuf::FileDescriptorProto;

// Lines joined, quotes doubled: a literal's inside.
std::string one_line(std::string_view comment) {
  std::string out;
  bool space = false;
  for (const char c : comment) {
    if (c == ' ' || c == '\n' || c == '\t') {
      space = !out.empty();
      continue;
    }
    if (space) out += ' ';
    space = false;
    if (c == '\'') out += '\'';
    out += c;
  }
  return out;
}

// What stands above the element at this path, else behind it (descriptor.proto, SourceCodeInfo).
std::string comment_at(const FileDescriptorProto& file, const std::vector<int>& path) {
  for (const auto& location : file.source_code_info().location()) {
    if (!std::equal(path.begin(), path.end(), location.path().begin(), location.path().end())) {
      continue;
    }
    return one_line(location.leading_comments().empty() ? location.trailing_comments()
                                                        : location.leading_comments());
  }
  return {};
}

}  // namespace

std::string comments_sql(const google::protobuf::Descriptor& row, std::string_view source,
                         const std::string& full_table) {
  google::protobuf::FileDescriptorSet set;
  if (!set.ParseFromArray(source.data(), static_cast<int>(source.size()))) return {};
  std::string sql;
  for (const FileDescriptorProto& file : set.file()) {
    if (file.name() != row.file()->name()) continue;
    constexpr int kMessages = FileDescriptorProto::kMessageTypeFieldNumber;
    constexpr int kFields = google::protobuf::DescriptorProto::kFieldFieldNumber;
    const std::string about = comment_at(file, {kMessages, row.index()});
    if (!about.empty()) sql += "COMMENT ON TABLE " + full_table + " IS '" + about + "';\n";
    for (int i = 0; i < row.field_count(); ++i) {
      if (!is_column(*row.field(i))) continue;
      const std::string text = comment_at(file, {kMessages, row.index(), kFields, i});
      if (text.empty()) continue;
      sql += "COMMENT ON COLUMN " + full_table + ".\"" + row.field(i)->name() + "\" IS '" + text +
             "';\n";
    }
  }
  return sql;
}

}  // namespace sluice
