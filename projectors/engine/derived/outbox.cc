#include "projectors/engine/derived/outbox.h"

#include "schemas/descriptors/domain.h"
#include "schemas/descriptors/rules.h"
#include "schemas/descriptors/words.h"
#include "storage/base/check.h"
#include "storage/base/record_digest.h"

namespace sluice {

Outbox::Outbox(std::string_view projection, Partition partition) {
  envelope_.mutable_origin()->set_projection(std::string(projection));
  envelope_.mutable_origin()->set_partition(partition.value);
  envelope_.mutable_actor()->set_role(Actor::ROLE_SERVICE);
  envelope_.set_source("/" + std::string(projection));
}

void Outbox::begin(Offset position, bool open) {
  open_ = open;
  ordinal_ = 0;
  envelope_.mutable_origin()->set_position(position.value);
}

void Outbox::add(const google::protobuf::Message& event) {
  CHECK(emits_, "rules that emit say so: kEmits");
  if (!open_ && !notes_) return;
  const auto* fact =
      event.GetReflection()->GetOneofFieldDescriptor(event, event.GetDescriptor()->oneof_decl(0));
  CHECK(fact != nullptr, "what is emitted is a fact");
  const std::string& domain = event.GetDescriptor()->file()->package();
  const FactRules& rules = FactRules::of(*fact->message_type());
  const std::string_view key = rules.key(event.GetReflection()->GetMessage(event, fact));
  CHECK(!key.empty(), "what is emitted has its key");

  event.SerializeToString(envelope_.mutable_payload());
  if (notes_) noted_.push_back({stream_of(domain), digest_of(key, envelope_.payload())});
  if (!open_) return;
  const Origin& origin = envelope_.origin();
  envelope_.mutable_origin()->set_ordinal(ordinal_++);
  envelope_.set_id(origin.projection() + ":" + std::to_string(origin.partition()) + "@" +
                   std::to_string(origin.position()) + "/" + std::to_string(origin.ordinal()));
  envelope_.set_type(type_of(*fact));
  envelope_.set_domain(domain);
  envelope_.set_key(std::string(key));

  records_.push_back({stream_of(domain), std::string(key), envelope_.SerializeAsString()});
  const DerivedRecord& added = records_.back();
  bytes_ += sizeof added + added.stream.size() + added.key.size() + added.value.size();
}

void Outbox::take_back(const Mark& mark) {
  CHECK(mark.records >= acknowledged_, "what was appended cannot be taken back");
  records_.erase(records_.begin() + static_cast<std::ptrdiff_t>(mark.records), records_.end());
  bytes_ = mark.bytes;
  ordinal_ = mark.ordinal;
  noted_.resize(mark.noted);
}

void Outbox::clear() {
  records_.clear();
  acknowledged_ = 0;
  bytes_ = 0;
  noted_.clear();
}

}  // namespace sluice
