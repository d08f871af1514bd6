#include "projectors/engine/tables/stored_rows.h"

namespace sluice {

std::string StoredRows::key_prefix(const google::protobuf::Message& prototype) {
  std::string prefix;
  row_key::append_prefix(prefix, row_key::table_prefix(*prototype.GetDescriptor()));
  return prefix;
}

const google::protobuf::Message* StoredRows::next() {
  if (begun_) cursor_->next();
  begun_ = true;
  if (!cursor_->valid()) return nullptr;
  const std::string_view bytes = cursor_->value();
  if (!row_->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    throw Corrupt("a row of table " + row_->GetDescriptor()->full_name() +
                  " in the state store cannot be read");
  }
  return row_.get();
}

}  // namespace sluice
