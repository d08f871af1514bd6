#include "ingest/http/content_coding.h"

#include "ingest/http/field_line.h"

namespace sluice::http {
namespace {

ContentCoding named(std::string_view name) {
  if (name.empty() || same_name(name, "identity")) return ContentCoding::kIdentity;
  const bool is_gzip = same_name(name, "gzip") || same_name(name, "x-gzip");
  return is_gzip ? ContentCoding::kGzip : ContentCoding::kOther;
}

}  // namespace

// A list, in one field or several: codings in the order in which they were applied. One counts.
ContentCoding content_coding(const RequestHead& head) {
  ContentCoding coding = ContentCoding::kIdentity;
  for (std::size_t i = 0; i < head.field_count(); ++i) {
    const FieldLine field = head.field(i);
    if (!same_name(field.name, "Content-Encoding")) continue;
    for (std::string_view rest = field.value; !rest.empty();) {
      const std::size_t comma = rest.find(',');
      const ContentCoding next = named(trim_space(rest.substr(0, comma)));
      rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
      if (next == ContentCoding::kIdentity) continue;
      if (coding != ContentCoding::kIdentity) return ContentCoding::kOther;
      coding = next;
    }
  }
  return coding;
}

}  // namespace sluice::http
