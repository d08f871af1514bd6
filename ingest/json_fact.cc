#include "ingest/json_fact.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "ingest/timestamp.h"
#include "schemas/descriptors/words.h"

namespace sluice {
namespace {

using google::protobuf::EnumDescriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using simdjson::dom::element;
using simdjson::dom::element_type;

constexpr std::string_view kTimestamp = "google.protobuf.Timestamp";

std::string words_of(const EnumDescriptor& type) {
  std::string words;
  for (int i = 0; i < type.value_count(); ++i) {
    if (i > 0) words += ", ";
    words += word_of(*type.value(i));
  }
  return words;
}

enum class Whole { yes, no, inexact };

// As json_fact.h says. What has a fraction or an exponent is the double nearest to it, which from
// 2^53 on may be nearest to other whole numbers too.
template <class Integer>
Whole whole_number(element value, Integer& number) {
  std::string_view text;
  if (value.get_string().get(text) == simdjson::SUCCESS) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool signed_zero = number == 0 && text.starts_with('-');
    const bool whole = error == std::errc() && end == text.data() + text.size() && !signed_zero;
    return whole ? Whole::yes : Whole::no;
  }
  if constexpr (std::is_signed_v<Integer>) {
    if (value.get_int64().get(number) == simdjson::SUCCESS) return Whole::yes;
  } else {
    if (value.get_uint64().get(number) == simdjson::SUCCESS) return Whole::yes;
  }
  double real = 0;
  if (value.type() != element_type::DOUBLE || value.get_double().get(real) != simdjson::SUCCESS) {
    return Whole::no;
  }
  constexpr double kBeyond = std::is_signed_v<Integer> ? 0x1p63 : 0x1p64;
  if (real != std::floor(real) || std::abs(real) >= kBeyond) return Whole::no;
  if (std::is_unsigned_v<Integer> && real < 0) return Whole::no;
  if (std::abs(real) >= 0x1p53) return Whole::inexact;
  number = static_cast<Integer>(real);
  return Whole::yes;
}

// Reads one value into one field; how it is stored (set or added) is the caller's.
class ValueReader {
 public:
  ValueReader(Message& message, const FieldDescriptor& field, const JsonPlace& place,
              Faults& faults)
      : message_(message),
        reflection_(*message.GetReflection()),
        field_(field),
        place_(place),
        faults_(faults) {}

  void read(element value) {
    switch (field_.cpp_type()) {
      case FieldDescriptor::CPPTYPE_STRING:
        return read_text(value);
      case FieldDescriptor::CPPTYPE_BOOL:
        return read_bool(value);
      case FieldDescriptor::CPPTYPE_ENUM:
        return read_enum(value);
      case FieldDescriptor::CPPTYPE_INT64:
      case FieldDescriptor::CPPTYPE_INT32:
        return read_signed(value);
      case FieldDescriptor::CPPTYPE_UINT64:
      case FieldDescriptor::CPPTYPE_UINT32:
        return read_unsigned(value);
      case FieldDescriptor::CPPTYPE_DOUBLE:
      case FieldDescriptor::CPPTYPE_FLOAT:
        return read_double(value);
      case FieldDescriptor::CPPTYPE_MESSAGE:
        return read_nested(value);
    }
  }

 private:
  void fault(std::string reason) { faults_.add(place_.text(), std::move(reason)); }

  void read_text(element value) {
    std::string_view text;
    if (value.get_string().get(text) != simdjson::SUCCESS) return fault("must be a text");
    if (field_.type() == FieldDescriptor::TYPE_BYTES) {
      std::string bytes;
      if (!decode_base64(text, bytes)) return fault("must be base64");
      return store_text(std::move(bytes));
    }
    store_text(std::string(text));
  }

  void store_text(std::string text) {
    if (field_.is_repeated()) {
      reflection_.AddString(&message_, &field_, std::move(text));
    } else {
      reflection_.SetString(&message_, &field_, std::move(text));
    }
  }

  void read_bool(element value) {
    bool flag = false;
    if (value.get_bool().get(flag) != simdjson::SUCCESS) return fault("must be true or false");
    field_.is_repeated() ? reflection_.AddBool(&message_, &field_, flag)
                         : reflection_.SetBool(&message_, &field_, flag);
  }

  void read_enum(element value) {
    std::string_view word;
    const auto* named = value.get_string().get(word) == simdjson::SUCCESS
                            ? value_of(*field_.enum_type(), word)
                            : nullptr;
    if (named == nullptr) return fault("must be one of " + words_of(*field_.enum_type()));
    field_.is_repeated() ? reflection_.AddEnum(&message_, &field_, named)
                         : reflection_.SetEnum(&message_, &field_, named);
  }

  template <class Integer>
  bool read_whole(element value, int bits, Integer& number) {
    switch (whole_number(value, number)) {
      case Whole::yes:
        return true;
      case Whole::no:
        fault("must be a whole number of " + std::to_string(bits) + " bits" +
              (std::is_signed_v<Integer> ? "" : " that is not negative"));
        return false;
      case Whole::inexact:
        fault("must be written without fraction and exponent, since it is 2^53 or more");
        return false;
    }
    return false;
  }

  void read_signed(element value) {
    using Limits = std::numeric_limits<std::int32_t>;
    std::int64_t number = 0;
    if (field_.cpp_type() == FieldDescriptor::CPPTYPE_INT64) {
      if (!read_whole(value, 64, number)) return;
      field_.is_repeated() ? reflection_.AddInt64(&message_, &field_, number)
                           : reflection_.SetInt64(&message_, &field_, number);
      return;
    }
    if (!read_whole(value, 32, number)) return;
    if (number < Limits::min() || number > Limits::max()) {
      return fault("must be a whole number of 32 bits");
    }
    const auto small = static_cast<std::int32_t>(number);
    field_.is_repeated() ? reflection_.AddInt32(&message_, &field_, small)
                         : reflection_.SetInt32(&message_, &field_, small);
  }

  void read_unsigned(element value) {
    std::uint64_t number = 0;
    if (field_.cpp_type() == FieldDescriptor::CPPTYPE_UINT64) {
      if (!read_whole(value, 64, number)) return;
      field_.is_repeated() ? reflection_.AddUInt64(&message_, &field_, number)
                           : reflection_.SetUInt64(&message_, &field_, number);
      return;
    }
    if (!read_whole(value, 32, number)) return;
    if (number > std::numeric_limits<std::uint32_t>::max()) {
      return fault("must be a whole number of 32 bits that is not negative");
    }
    const auto small = static_cast<std::uint32_t>(number);
    field_.is_repeated() ? reflection_.AddUInt32(&message_, &field_, small)
                         : reflection_.SetUInt32(&message_, &field_, small);
  }

  void read_double(element value) {
    double number = 0;
    std::string_view text;
    if (value.get_string().get(text) == simdjson::SUCCESS) {
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
      if (error != std::errc() || end != text.data() + text.size()) {
        return fault("must be a number within the range of a double");
      }
    } else if (value.get_double().get(number) != simdjson::SUCCESS) {
      return fault("must be a number within the range of a double");
    }
    number += 0.0;  // makes 0 of -0, as it is for integers
    if (field_.cpp_type() == FieldDescriptor::CPPTYPE_DOUBLE) {
      field_.is_repeated() ? reflection_.AddDouble(&message_, &field_, number)
                           : reflection_.SetDouble(&message_, &field_, number);
    } else {
      const auto small = static_cast<float>(number);
      field_.is_repeated() ? reflection_.AddFloat(&message_, &field_, small)
                           : reflection_.SetFloat(&message_, &field_, small);
    }
  }

  void read_nested(element value) {
    if (field_.message_type()->full_name() == kTimestamp) return read_timestamp(value);
    simdjson::dom::object object;
    if (value.get_object().get(object) != simdjson::SUCCESS) {
      // The others keep their places in the list.
      if (field_.is_repeated()) reflection_.AddMessage(&message_, &field_);
      return fault("must be an object");
    }
    read_message(object, nested(), place_, faults_);
  }

  Message& nested() {
    return field_.is_repeated() ? *reflection_.AddMessage(&message_, &field_)
                                : *reflection_.MutableMessage(&message_, &field_);
  }

  void read_timestamp(element value) {
    std::string_view text;
    std::optional<Time> time;
    if (value.get_string().get(text) == simdjson::SUCCESS) time = parse_timestamp(text);
    if (!time) return fault("must be an RFC 3339 time such as 2026-01-31T12:00:00Z");
    constexpr std::int64_t kMillisecondsASecond = 1000;
    constexpr std::int64_t kNanosAMillisecond = 1'000'000;
    const std::int64_t count = time->time_since_epoch().count();
    std::int64_t seconds = count / kMillisecondsASecond;
    std::int64_t rest = count % kMillisecondsASecond;
    if (rest < 0) {
      rest += kMillisecondsASecond;
      --seconds;
    }
    Message& timestamp = nested();
    const auto& fields = *timestamp.GetReflection();
    const auto& type = *timestamp.GetDescriptor();
    fields.SetInt64(&timestamp, type.FindFieldByNumber(1), seconds);
    fields.SetInt32(&timestamp, type.FindFieldByNumber(2),
                    static_cast<std::int32_t>(rest * kNanosAMillisecond));
  }

  Message& message_;
  const google::protobuf::Reflection& reflection_;
  const FieldDescriptor& field_;
  const JsonPlace& place_;
  Faults& faults_;
};

const FieldDescriptor* field_named(const google::protobuf::Descriptor& type,
                                   std::string_view name) {
  for (int i = 0; i < type.field_count(); ++i) {
    if (type.field(i)->name() == name) return type.field(i);
  }
  return nullptr;
}

}  // namespace

std::string JsonPlace::text() const {
  std::string text = within == nullptr ? std::string() : within->text() + ".";
  text += name;
  if (item) text += "[" + std::to_string(*item) + "]";
  return text;
}

void read_message(simdjson::dom::object object, Message& message, const JsonPlace& place,
                  Faults& faults) {
  const auto& type = *message.GetDescriptor();
  std::vector<bool> met(static_cast<std::size_t>(type.field_count()));
  for (const auto [name, value] : object) {
    JsonPlace inner{name, &place};
    const FieldDescriptor* field = field_named(type, name);
    if (field == nullptr) {
      faults.add(inner.text(), "is no field of this fact");
      continue;
    }
    if (met[static_cast<std::size_t>(field->index())]) {
      faults.add(inner.text(), "stands in the object twice");
      continue;
    }
    met[static_cast<std::size_t>(field->index())] = true;
    if (value.is_null()) continue;
    if (!field->is_repeated()) {
      ValueReader(message, *field, inner, faults).read(value);
      continue;
    }
    simdjson::dom::array items;
    if (value.get_array().get(items) != simdjson::SUCCESS) {
      faults.add(inner.text(), "must be a list");
      continue;
    }
    inner.item = 0;
    for (const element item : items) {
      ValueReader(message, *field, inner, faults).read(item);
      ++*inner.item;
    }
  }
}

bool decode_base64(std::string_view text, std::string& bytes) {
  if (text.size() % 4 != 0) return false;
  for (int padding = 0; padding < 2 && !text.empty() && text.back() == '='; ++padding) {
    text.remove_suffix(1);
  }
  std::uint32_t bits = 0;
  int held = 0;
  for (const char c : text) {
    std::uint32_t digit = 0;
    if (c >= 'A' && c <= 'Z')
      digit = static_cast<std::uint32_t>(c - 'A');
    else if (c >= 'a' && c <= 'z')
      digit = static_cast<std::uint32_t>(c - 'a') + 26;
    else if (c >= '0' && c <= '9')
      digit = static_cast<std::uint32_t>(c - '0') + 52;
    else if (c == '+')
      digit = 62;
    else if (c == '/')
      digit = 63;
    else
      return false;
    bits = bits << 6 | digit;
    held += 6;
    if (held >= 8) {
      held -= 8;
      bytes += static_cast<char>(bits >> held & 0xff);
    }
  }
  // A single digit more is no byte, and what is left over is zero.
  return held < 6 && (bits & ((1u << held) - 1)) == 0;
}

}  // namespace sluice
