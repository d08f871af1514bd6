#include "projectors/engine/refold.h"

#include "projectors/engine/row_key.h"
#include "storage/errors.h"

namespace sluice {

Refold::Refold(const Projection& projection, const Generation& generation, Partition partition,
               RefoldMemory memory, StateStore& store)
    : memory_(memory.rows),
      store_(store),
      fold_(projection, generation, partition, store, {.filter_bytes_max = memory.filters}) {
  fold_.load();
}

void Refold::fold(const LogRecord& record) {
  fold_.fold(record, Emits::dropped);
  if (fold_.bytes() + fold_.outcomes().bytes > memory_) settle();
}

void Refold::settle() {
  batch_.clear();
  fold_.write(batch_);
  store_.write(batch_);
  fold_.written();
  fold_.tables().shrink_to(memory_ / 2);
}

StoredRows::StoredRows(StateStore& store, const google::protobuf::Message& prototype)
    : row_(prototype.New()) {
  std::string prefix;
  row_key::append_prefix(prefix, row_key::table_prefix(*prototype.GetDescriptor()));
  cursor_ = store.scan(prefix, row_key::after_prefix(prefix));
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
