#include "projectors/engine/tables/stored_rows.h"

#include "projectors/engine/tables/stored_key.h"
#include "schemas/descriptors/row_options.h"

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
  row_key::read_stored(*row_, key_fields(*row_->GetDescriptor()), cursor_->key(), cursor_->value());
  return row_.get();
}

}  // namespace sluice
