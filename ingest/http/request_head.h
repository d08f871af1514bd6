#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ingest/http/field_line.h"

namespace sluice::http {

// Why a request is refused: a status and a sentence for the client.
struct Refusal {
  int status;
  std::string_view detail;  // a literal
};

// The head of a request, whole and valid. Owns its bytes; the views are valid while it lives and
// is neither moved nor parsed into again.
class RequestHead {
 public:
  std::string_view method() const { return view(method_); }
  std::string_view target() const { return view(target_); }
  // Of the target, as sent: nothing is percent-decoded. Never empty; "*" is the server itself
  // (OPTIONS).
  std::string_view path() const;
  std::string_view query() const { return view(query_); }
  int minor_version() const { return minor_version_; }

  std::size_t field_count() const { return fields_.size(); }
  FieldLine field(std::size_t index) const;
  // The first of this name, in any case.
  std::optional<std::string_view> find(std::string_view name) const;
  std::size_t count(std::string_view name) const;

  // Absent where there is none; a length of over 19 digits is the largest number.
  std::optional<std::uint64_t> content_length() const { return content_length_; }
  bool chunked() const { return chunked_; }
  bool keep_alive() const { return keep_alive_; }
  // Of HTTP/1.1 alone: from HTTP/1.0 it is ignored.
  bool expect_continue() const { return expect_continue_; }

  // Bytes that this holds of memory; and gives all of them back where they are more than `kept`.
  std::size_t memory() const;
  void shrink(std::size_t kept);

  // `block` is everything up to and with the first CRLFCRLF; one empty line before the request
  // line is skipped. Reuses this object's memory; after a refusal only method() may be asked, and
  // is empty if there was no request line.
  std::optional<Refusal> parse(std::string_view block);

 private:
  struct Span {
    std::uint32_t at = 0;
    std::uint32_t size = 0;
  };
  struct FieldSpan {
    Span name;
    Span value;
  };

  std::string_view view(Span span) const {
    return std::string_view(bytes_).substr(span.at, span.size);
  }
  Span span(std::string_view part) const;
  std::optional<Refusal> parse_request_line(std::string_view line);
  std::optional<Refusal> parse_target(std::string_view target);
  std::optional<Refusal> interpret();
  std::optional<Refusal> interpret_framing();
  void interpret_connection();

  std::string bytes_;
  Span method_, target_, path_, query_;
  int minor_version_ = 1;
  std::vector<FieldSpan> fields_;
  std::optional<std::uint64_t> content_length_;
  bool chunked_ = false;
  bool keep_alive_ = true;
  bool expect_continue_ = false;
};

}  // namespace sluice::http
