#include "tools/import/atproto/messages/record_ops.h"

#include "tools/import/atproto/data/canonical.h"

namespace sluice::atproto {

void RecordOps::clear() {
  ops_.clear();
  ends_.clear();
  records_.clear();
}

std::optional<Fault> RecordOps::put(const RecordOp& op, Value record) {
  if (const auto fault = append_canonical(record, records_)) return fault;
  ops_.push_back(op);
  ends_.push_back(records_.size());
  return std::nullopt;
}

void RecordOps::remove(std::string_view collection, std::string_view rkey) {
  ops_.push_back({Action::remove, collection, rkey, std::nullopt, {}});
  ends_.push_back(records_.size());
}

// Only now: the buffer moves while it grows.
std::span<const RecordOp> RecordOps::view() {
  std::size_t begin = 0;
  for (std::size_t i = 0; i < ops_.size(); ++i) {
    ops_[i].record = std::string_view(records_).substr(begin, ends_[i] - begin);
    begin = ends_[i];
  }
  return ops_;
}

}  // namespace sluice::atproto
