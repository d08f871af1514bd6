#include "ingest/domain_codec.h"

#include <algorithm>

#include "schemas/descriptors/words.h"
#include "sluice/rule.pb.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::MessageFactory;

const FieldDescriptor* key_of(const Descriptor& fact) {
  for (int i = 0; i < fact.field_count(); ++i) {
    if (fact.field(i)->options().GetExtension(rule).key()) return fact.field(i);
  }
  CHECK(false, "each fact has a key field");
}

}  // namespace

DomainCodec::DomainCodec(const Domain& of, int partition_count)
    : domain(of), partitions(partition_count) {
  const auto& facts = *of.event->oneof_decl(0);
  for (int i = 0; i < facts.field_count(); ++i) {
    const FieldDescriptor* field = facts.field(i);
    const Descriptor& type = *field->message_type();
    facts_.push_back({type_of(*field), facts_.size(), field, key_of(type), FactRules(type)});
  }
  std::vector<std::string_view> types;
  types.reserve(facts_.size());
  for (const Fact& fact : facts_) types.emplace_back(fact.type);
  std::sort(types.begin(), types.end());
  for (const std::string_view type : types) {
    types_.append(types_.empty() ? "" : ", ").append(type);
  }
}

std::unique_ptr<google::protobuf::Message> DomainCodec::Fact::make() const {
  const auto* prototype = MessageFactory::generated_factory()->GetPrototype(field->message_type());
  return std::unique_ptr<google::protobuf::Message>(prototype->New());
}

const DomainCodec::Fact* DomainCodec::find(std::string_view type) const {
  const auto found = std::find_if(facts_.begin(), facts_.end(),
                                  [&](const Fact& fact) { return fact.type == type; });
  return found == facts_.end() ? nullptr : &*found;
}

const DomainCodec::Fact* DomainCodec::find(int field_number) const {
  const auto found = std::find_if(facts_.begin(), facts_.end(), [&](const Fact& fact) {
    return fact.field->number() == field_number;
  });
  return found == facts_.end() ? nullptr : &*found;
}

}  // namespace sluice
