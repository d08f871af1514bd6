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

// "Key: conversation_id, opinion_id."
std::string key_sentence(const google::protobuf::Descriptor& row) {
  std::string text;
  for (const auto* field : key_fields(row)) text += (text.empty() ? "Key: " : ", ") + field->name();
  return text + ".";
}

// What the .proto says of a row and of each of its fields; empty where it says nothing.
struct RowComments {
  RowComments(const google::protobuf::Descriptor& row, std::string_view source)
      : fields(static_cast<std::size_t>(row.field_count())) {
    google::protobuf::FileDescriptorSet set;
    if (!set.ParseFromArray(source.data(), static_cast<int>(source.size()))) return;
    for (const FileDescriptorProto& file : set.file()) {
      if (file.name() != row.file()->name()) continue;
      constexpr int kMessages = FileDescriptorProto::kMessageTypeFieldNumber;
      constexpr int kFields = google::protobuf::DescriptorProto::kFieldFieldNumber;
      about = comment_at(file, {kMessages, row.index()});
      for (int i = 0; i < row.field_count(); ++i) {
        fields[static_cast<std::size_t>(i)] =
            comment_at(file, {kMessages, row.index(), kFields, i});
      }
    }
  }
  std::string about;
  std::vector<std::string> fields;
};

}  // namespace

std::string comments_sql(const google::protobuf::Descriptor& row, std::string_view source,
                         CommentsOn on, const std::string& full_name) {
  const RowComments comments(row, source);
  std::string about = comments.about;
  if (on == CommentsOn::view) about += (about.empty() ? "" : " ") + key_sentence(row);
  std::string sql;
  if (!about.empty()) {
    sql += std::string("COMMENT ON ") + (on == CommentsOn::view ? "VIEW " : "TABLE ") + full_name +
           " IS '" + about + "';\n";
  }
  for (int i = 0; i < row.field_count(); ++i) {
    const std::string& text = comments.fields[static_cast<std::size_t>(i)];
    if (!is_column(*row.field(i)) || text.empty()) continue;
    sql +=
        "COMMENT ON COLUMN " + full_name + ".\"" + row.field(i)->name() + "\" IS '" + text + "';\n";
  }
  return sql;
}

}  // namespace sluice
