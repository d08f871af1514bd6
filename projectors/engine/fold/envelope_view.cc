#include "projectors/engine/fold/envelope_view.h"

#include <algorithm>

namespace sluice {
namespace {

// Protobuf's wire format, as far as an Envelope's fields need it.
class WireReader {
 public:
  explicit WireReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  [[nodiscard]] bool read(std::uint64_t& number) {
    number = 0;
    for (int shift = 0; shift < 64 && !rest_.empty(); shift += 7) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      number |= std::uint64_t{byte & 0x7fu} << shift;
      if (byte < 0x80) return true;
    }
    return false;
  }

  [[nodiscard]] bool read(std::string_view& bytes) {
    std::uint64_t length = 0;
    if (!read(length) || length > rest_.size()) return false;
    bytes = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

 private:
  std::string_view rest_;
};

constexpr std::uint64_t kVarint = 0;
constexpr std::uint64_t kBytes = 2;
constexpr std::uint64_t tag(int field, std::uint64_t wire_type) {
  return static_cast<std::uint64_t>(field) << 3 | wire_type;
}

bool is_ascii(std::string_view text) {
  unsigned char all = 0;
  for (const char c : text) all |= static_cast<unsigned char>(c);
  return all < 0x80;
}

// A text that did not stand before.
bool read_text(WireReader& in, std::string_view& text) {
  return text.data() == nullptr && in.read(text) && is_ascii(text);
}

bool read_time(WireReader& in, std::optional<std::int64_t>& time) {
  std::uint64_t number = 0;
  if (time || !in.read(number)) return false;
  time = static_cast<std::int64_t>(number);
  return true;
}

}  // namespace

std::optional<EnvelopeView> EnvelopeOpener::open(std::string_view bytes) {
  EnvelopeView opened;
  if (open_plain(bytes, opened)) return opened;
  if (!whole_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    whole_.Clear();
    return std::nullopt;
  }
  return view_of_whole();
}

bool EnvelopeOpener::open_plain(std::string_view bytes, EnvelopeView& opened) {
  std::string_view actor;
  WireReader in(bytes);
  while (!in.at_end()) {
    std::uint64_t next = 0;
    if (!in.read(next)) return false;
    bool read = false;
    switch (next) {
      case tag(Envelope::kIdFieldNumber, kBytes):
        read = read_text(in, opened.id);
        break;
      case tag(Envelope::kTypeFieldNumber, kBytes):
        read = read_text(in, opened.type);
        break;
      case tag(Envelope::kDomainFieldNumber, kBytes):
        read = read_text(in, opened.domain);
        break;
      case tag(Envelope::kKeyFieldNumber, kBytes):
        read = read_text(in, opened.key);
        break;
      case tag(Envelope::kSourceFieldNumber, kBytes):
        read = read_text(in, opened.source);
        break;
      case tag(Envelope::kActorFieldNumber, kBytes):
        read = actor.data() == nullptr && in.read(actor);
        break;
      case tag(Envelope::kPayloadFieldNumber, kBytes):
        read = opened.payload.data() == nullptr && in.read(opened.payload);
        break;
      case tag(Envelope::kRecordedAtFieldNumber, kVarint):
        read = read_time(in, opened.recorded_at);
        break;
      case tag(Envelope::kOccurredAtFieldNumber, kVarint):
        read = read_time(in, opened.occurred_at);
        break;
      default:  // not plain
        break;
    }
    if (!read) return false;
  }
  opened.actor = &actor_;
  return actor_.ParseFromArray(actor.data(), static_cast<int>(actor.size()));
}

EnvelopeView EnvelopeOpener::view_of_whole() const {
  EnvelopeView opened{whole_.id(),  whole_.type(),   whole_.domain(),
                      whole_.key(), whole_.source(), whole_.payload(),
                      std::nullopt, std::nullopt,    &whole_.actor()};
  if (whole_.has_recorded_at()) opened.recorded_at = whole_.recorded_at();
  if (whole_.has_occurred_at()) opened.occurred_at = whole_.occurred_at();
  if (whole_.has_control()) opened.control = &whole_.control();
  if (whole_.has_origin()) opened.origin = &whole_.origin();
  return opened;
}

}  // namespace sluice
