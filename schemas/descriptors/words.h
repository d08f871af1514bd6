#pragma once

// How schema names read on the wire and in SQL.

#include <google/protobuf/descriptor.h>

#include <optional>
#include <string>
#include <string_view>

namespace sluice {

// The wire's name of a fact from its field in Event's oneof: vote_set is "vote.set". The first
// underscore stands for the dot, so a fact's noun is one word.
[[nodiscard]] std::string type_of(const google::protobuf::FieldDescriptor& fact);

// An enum value's word: CHOICE_AGREE of Choice is "agree", ROLE_SERVICE of Actor.Role "service".
[[nodiscard]] std::string word_of(const google::protobuf::EnumValueDescriptor& value);

// The value with this word; null when there is none.
[[nodiscard]] const google::protobuf::EnumValueDescriptor* value_of(
    const google::protobuf::EnumDescriptor& type, std::string_view word);

// A row message's Postgres table: ConversationStats is "conversation_stats".
[[nodiscard]] std::string table_name(const google::protobuf::Descriptor& row);

}  // namespace sluice
