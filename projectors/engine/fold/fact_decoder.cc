#include "projectors/engine/fold/fact_decoder.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "schemas/descriptors/words.h"
#include "storage/base/check.h"

namespace sluice {
namespace {

using google::protobuf::internal::WireFormatLite;

bool parse(google::protobuf::Message& message, std::string_view bytes) {
  return message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()));
}

}  // namespace

FactDecoder::FactDecoder(google::protobuf::Message& event) : event_(event) {
  const auto& facts = *event.GetDescriptor()->oneof_decl(0);
  for (int i = 0; i < facts.field_count(); ++i) {
    const auto* field = facts.field(i);
    kinds_.push_back({field, &FactRules::of(*field->message_type()), type_of(*field)});
  }
}

// The payload's field when it has only one, of bytes; else none.
FactDecoder::Framed FactDecoder::only_field(std::string_view payload) {
  const auto size = static_cast<int>(payload.size());
  google::protobuf::io::CodedInputStream in(reinterpret_cast<const std::uint8_t*>(payload.data()),
                                            size);
  Framed framed;
  framed.tag = in.ReadTag();
  std::uint32_t length = 0;
  if (WireFormatLite::GetTagWireType(framed.tag) != WireFormatLite::WIRETYPE_LENGTH_DELIMITED ||
      !in.ReadVarint32(&length) ||
      length != static_cast<std::uint32_t>(size - in.CurrentPosition())) {
    return {};
  }
  framed.fact = payload.substr(payload.size() - length);
  return framed;
}

bool FactDecoder::decode(std::string_view payload) {
  const Framed framed = only_field(payload);
  if (fact_ != nullptr && framed.tag == tag_ && parse(*fact_, framed.fact)) return true;
  kind_ = nullptr;
  fact_ = nullptr;
  tag_ = 0;
  if (!parse(event_, payload)) return false;
  const auto& reflection = *event_.GetReflection();
  const auto* field =
      reflection.GetOneofFieldDescriptor(event_, event_.GetDescriptor()->oneof_decl(0));
  if (field == nullptr) return true;
  kind_ = &kinds_[static_cast<std::size_t>(field->index_in_oneof())];
  fact_ = reflection.MutableMessage(&event_, field);
  tag_ = WireFormatLite::MakeTag(field->number(), WireFormatLite::WIRETYPE_LENGTH_DELIMITED);
  return true;
}

std::vector<Fault> FactDecoder::check() const {
  if (kind_ == nullptr) return {{"", "no known fact"}};
  return kind_->rules->check(*fact_);
}

const FactRules& FactDecoder::rules() const {
  CHECK(kind_ != nullptr, "an admissible event has a fact");
  return *kind_->rules;
}

std::string_view FactDecoder::key() const { return rules().key(*fact_); }

const std::string& FactDecoder::type() const {
  CHECK(kind_ != nullptr, "an admissible event has a fact");
  return kind_->type;
}

}  // namespace sluice
