#pragma once

#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/rules.h"

namespace sluice {

// A domain as ingest needs it, from its descriptors alone. Shared by all threads.
class DomainCodec {
 public:
  DomainCodec(const Domain& domain, int partitions);

  struct Fact {
    std::string type;                                // "vote.set"
    std::size_t index;                               // among the domain's facts
    const google::protobuf::FieldDescriptor* field;  // of the event's oneof
    const google::protobuf::FieldDescriptor* key;    // of the fact
    FactRules rules;

    [[nodiscard]] std::unique_ptr<google::protobuf::Message> make() const;
  };
  // Null: no such fact.
  [[nodiscard]] const Fact* find(std::string_view type) const;
  [[nodiscard]] const Fact* find(int field_number) const;
  [[nodiscard]] const std::vector<Fact>& facts() const { return facts_; }
  [[nodiscard]] const std::string& types() const { return types_; }

  const Domain& domain;
  const int partitions;

 private:
  std::vector<Fact> facts_;
  std::string types_;  // "opinion.created, vote.set"
};

}  // namespace sluice
