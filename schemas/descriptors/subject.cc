#include "schemas/descriptors/subject.h"

#include "sluice/rule.pb.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// Null without one.
const FieldDescriptor* fact_of(const Message& event) {
  return event.GetReflection()->GetOneofFieldDescriptor(event,
                                                        event.GetDescriptor()->oneof_decl(0));
}

const FieldDescriptor& field_of(const Message& fact, const std::string& name) {
  const auto* field = fact.GetDescriptor()->FindFieldByName(name);
  CHECK(field != nullptr, "a subject is named by a field of its fact");
  return *field;
}

std::string text_of(const Message& fact, const std::string& name) {
  if (name.empty()) return {};
  return fact.GetReflection()->GetString(fact, &field_of(fact, name));
}

const Subject& declared(const google::protobuf::Descriptor& fact) {
  return fact.options().GetExtension(sluice::subject);
}

}  // namespace

FactSubject subject_of(const Message& event) {
  const FieldDescriptor* field = fact_of(event);
  if (field == nullptr) return {};
  const Message& fact = event.GetReflection()->GetMessage(event, field);
  const Subject& subject = declared(*fact.GetDescriptor());
  return {text_of(fact, subject.of()), text_of(fact, subject.erases()),
          text_of(fact, subject.from()), text_of(fact, subject.into())};
}

bool is_nobodys(const Message& event) {
  const FieldDescriptor* field = fact_of(event);
  return field != nullptr && declared(*field->message_type()).of().empty();
}

bool clear_subject(Message& event) {
  Message& fact = *event.GetReflection()->MutableMessage(&event, fact_of(event));
  const Subject& subject = declared(*fact.GetDescriptor());
  if (subject.clears().empty()) return false;
  fact.GetReflection()->ClearField(&fact, &field_of(fact, subject.clears()));
  return true;
}

}  // namespace sluice
