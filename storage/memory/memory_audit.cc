#include "storage/memory/memory_audit.h"

#include <algorithm>
#include <set>

#include "schemas/descriptors/belonging.h"
#include "schemas/descriptors/row_options.h"
#include "storage/base/check.h"
#include "storage/memory/row_bytes.h"

namespace sluice {
namespace {

using google::protobuf::Message;
using Row = std::shared_ptr<const Message>;

int compare_field(const Message& a, const Message& b,
                  const google::protobuf::FieldDescriptor& field) {
  using google::protobuf::FieldDescriptor;
  const auto& r = *a.GetReflection();
  const auto order = [](const auto& x, const auto& y) { return x < y ? -1 : (y < x ? 1 : 0); };
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING:
      return r.GetString(a, &field).compare(r.GetString(b, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return order(r.GetInt32(a, &field), r.GetInt32(b, &field));
    case FieldDescriptor::CPPTYPE_INT64:
      return order(r.GetInt64(a, &field), r.GetInt64(b, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return order(r.GetUInt32(a, &field), r.GetUInt32(b, &field));
    case FieldDescriptor::CPPTYPE_UINT64:
      return order(r.GetUInt64(a, &field), r.GetUInt64(b, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return order(r.GetBool(a, &field), r.GetBool(b, &field));
    default:
      CHECK(false, "table.proto lists the types of keys");
  }
}

// As a state's keys, and those of Postgres, stand.
bool key_less(const Message& a, const Message& b) {
  for (const auto* field : key_fields(*a.GetDescriptor())) {
    const int order = compare_field(a, b, *field);
    if (order != 0) return order < 0;
  }
  return false;
}

class Rows final : public AuditedRows {
 public:
  explicit Rows(std::map<std::string, Row> rows) : rows_(std::move(rows)) {}
  [[nodiscard]] std::size_t size() const override { return rows_.size(); }
  void compare(std::span<const Message* const> expected, RowFaults& faults) const override {
    std::set<std::string> met;
    for (const Message* right : expected) {
      const std::string key = memory::key_of(*right);
      const auto found = rows_.find(key);
      const Message* const row = found == rows_.end() ? nullptr : found->second.get();
      compare_rows(RowFault::Side::view, right, row, true, faults);
      met.insert(key);
    }
    for (const auto& [key, row] : rows_) {
      if (!met.contains(key)) {
        compare_rows(RowFault::Side::view, nullptr, row.get(), true, faults);
      }
    }
  }

 private:
  const std::map<std::string, Row> rows_;
};

}  // namespace

std::optional<ViewPosition> MemoryAuditedView::begin(Partition partition) {
  snapshot_.emplace(views_);
  if (!snapshot_->taken_.contains(partition)) return std::nullopt;
  return snapshot_->position(partition);
}

std::unique_ptr<AuditedRows> MemoryAuditedView::rows_of(const google::protobuf::Descriptor& row,
                                                        const std::vector<std::string>& keys) {
  CHECK(snapshot_.has_value(), "a snapshot was begun");
  const Belonging belonging(row);
  std::map<std::string, Row> rows = snapshot_->rows_[row.full_name()];
  std::erase_if(rows, [&](const auto& each) {
    return std::ranges::find(keys, belonging.key_of(*each.second)) == keys.end();
  });
  return std::make_unique<Rows>(std::move(rows));
}

std::unique_ptr<AuditedRows> MemoryAuditedView::rows_between(
    const google::protobuf::Descriptor& row, const std::string& key, const Message* after,
    const Message* upto) {
  CHECK(snapshot_.has_value(), "a snapshot was begun");
  const Belonging belonging(row);
  std::map<std::string, Row> rows = snapshot_->rows_[row.full_name()];
  std::erase_if(rows, [&](const auto& each) {
    const Message& at = *each.second;
    return belonging.key_of(at) != key || (after != nullptr && !key_less(*after, at)) ||
           (upto != nullptr && key_less(*upto, at));
  });
  return std::make_unique<Rows>(std::move(rows));
}

RowOwners MemoryAuditedView::owners(const google::protobuf::Descriptor& row,
                                    const std::string& from, std::size_t limit) {
  CHECK(snapshot_.has_value(), "a snapshot was begun");
  const Belonging belonging(row);
  const auto& rows = snapshot_->rows_[row.full_name()];
  RowOwners found;
  for (auto at = rows.lower_bound(from); at != rows.end(); ++at) {
    if (found.owners.size() == limit) {
      found.next = at->first;
      break;
    }
    found.owners.push_back(belonging.key_of(*at->second));
  }
  return found;
}

void MemoryAuditBook::retain(Partition partition, const std::string& key,
                             std::span<const RowFault> faults) {
  std::erase_if(differences_[partition], [&](const RowFault& kept) {
    return kept.owner == key &&
           std::ranges::none_of(faults, [&](const RowFault& fault) { return fault.is_of(kept); });
  });
}

void MemoryAuditBook::add(Partition partition, std::span<const RowFault> faults) {
  std::vector<RowFault>& kept = differences_[partition];
  for (const RowFault& fault : faults) {
    const auto known =
        std::ranges::find_if(kept, [&](const RowFault& each) { return each.is_of(fault); });
    if (known != kept.end()) {
      *known = fault;
    } else if (kept.size() < kDifferencesKept) {
      kept.push_back(fault);
    }
  }
}

std::vector<std::pair<std::string, std::int64_t>> MemoryAuditBook::differing(Partition partition) {
  std::map<std::string, std::int64_t> counts;
  for (const RowFault& kept : differences_[partition]) ++counts[kept.owner];
  return {counts.begin(), counts.end()};
}

}  // namespace sluice
