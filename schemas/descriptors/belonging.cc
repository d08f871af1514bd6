#include "schemas/descriptors/belonging.h"

#include <algorithm>
#include <vector>

#include "schemas/descriptors/row_options.h"
#include "sluice/table.pb.h"
#include "storage/base/errors.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;

constexpr std::string_view kPartitionField = "partition";

[[noreturn]] void refuse(const Descriptor& row, const std::string& why) {
  throw Misconfigured("table " + row.full_name() + ": " + why + " (docs/own_domain.md)");
}

bool is_text(const FieldDescriptor& field) {
  return field.cpp_type() == FieldDescriptor::CPPTYPE_STRING && !field.is_repeated();
}

// "did_of_uri(uri)" in two, or a field alone.
struct Written {
  std::string_view function;
  std::string_view field;
};
Written parse(std::string_view text) {
  const std::size_t open = text.find('(');
  if (open == std::string_view::npos || !text.ends_with(')')) return {{}, text};
  return {text.substr(0, open), text.substr(open + 1, text.size() - open - 2)};
}

}  // namespace

Belonging::Belonging(const Descriptor& row) {
  if (row.file()->package() == "sluice") return;
  const TableOptions& options = row.options().GetExtension(table);
  const std::vector<const FieldDescriptor*> keys = key_fields(row);
  if (keys.empty()) refuse(row, "it has no field with (sluice.key)");
  if (options.per_partition()) {
    if (!options.belongs_to().empty()) refuse(row, "it is per_partition, and belongs_to no key");
    kind_ = Kind::partition;
    field_ = keys.front();
    if (field_->name() == kPartitionField && field_->type() == FieldDescriptor::TYPE_INT32) return;
    refuse(row, "it is per_partition: its first key field is to be `int32 partition`");
  }
  const Written written = parse(options.belongs_to());
  const auto named = [&](const FieldDescriptor* field) { return field->name() == written.field; };
  const auto found =
      written.field.empty() ? keys.begin() : std::find_if(keys.begin(), keys.end(), named);
  if (found == keys.end()) {
    refuse(row, "belongs_to \"" + options.belongs_to() + "\" names no key field of it");
  }
  field_ = *found;
  leads_ = found == keys.begin();
  if (!is_text(*field_)) {
    refuse(row, "its key field " + field_->name() +
                    " is no text, and keys are: name another by belongs_to, or say per_partition");
  }
  if (written.function.empty()) {
    kind_ = Kind::field;
  } else if (written.function == "did_of_uri") {
    kind_ = Kind::did_of_uri;
  } else if (written.function == "first_segment") {
    kind_ = Kind::first_segment;
  } else {
    refuse(row, "belongs_to \"" + options.belongs_to() +
                    "\" names no function that there is: did_of_uri, first_segment");
  }
}

std::string Belonging::key_of(const google::protobuf::Message& row) const {
  std::string scratch;
  const std::string& text = row.GetReflection()->GetStringReference(row, field_, &scratch);
  if (kind_ == Kind::did_of_uri) return std::string(did_of_uri(text));
  if (kind_ == Kind::first_segment) return std::string(first_segment(text));
  return text;
}

std::int32_t Belonging::partition_of(const google::protobuf::Message& row) const {
  return row.GetReflection()->GetInt32(row, field_);
}

std::string_view did_of_uri(std::string_view uri) {
  constexpr std::string_view kScheme = "at://";
  return uri.starts_with(kScheme) ? first_segment(uri.substr(kScheme.size())) : uri;
}

std::string_view first_segment(std::string_view text) { return text.substr(0, text.find('/')); }

void require_belongings(const google::protobuf::FileDescriptor& tables) {
  for (int i = 0; i < tables.message_type_count(); ++i) {
    if (is_row(*tables.message_type(i))) static_cast<void>(Belonging(*tables.message_type(i)));
  }
}

}  // namespace sluice
