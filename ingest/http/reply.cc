#include "ingest/http/reply.h"

#include <array>
#include <charconv>
#include <ctime>

namespace sluice::http {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};
constexpr auto kReasons = std::to_array<Reason>({
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
});

void append_number(std::string& out, std::size_t number) {
  std::array<char, 20> digits;
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  out.append(digits.data(), end);
}

// A value may come from a request: it must not begin a line of its own.
void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ");
  for (const char c : value) out.push_back(is_control(c) ? ' ' : c);
  out.append("\r\n");
}

bool has_body(int status) { return status >= 200 && status != 204 && status != 304; }

}  // namespace

std::string_view reason_phrase(int status) {
  for (const Reason& known : kReasons) {
    if (known.status == status) return known.phrase;
  }
  return {};
}

void append_reply(std::string& out, const Response& response, const ReplyTo& to,
                  std::string_view date) {
  out.append("HTTP/1.1 ");
  append_number(out, static_cast<std::size_t>(response.status));
  out.append(" ")
      .append(reason_phrase(response.status))
      .append("\r\nDate: ")
      .append(date)
      .append("\r\n");
  if (!response.content_type.empty()) append_field(out, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.fields) append_field(out, name, value);
  if (!to.keep_alive) {
    out.append("Connection: close\r\n");
  } else if (to.minor_version == 0) {
    out.append("Connection: keep-alive\r\n");
  }
  if (has_body(response.status)) {
    out.append("Content-Length: ");
    append_number(out, response.body.size());
    out.append("\r\n");
  }
  out.append("\r\n");
  if (has_body(response.status) && !to.head_only) out.append(response.body);
}

std::string http_date(std::int64_t unix_seconds) {
  const auto time = static_cast<std::time_t>(unix_seconds);
  std::tm parts{};
  gmtime_r(&time, &parts);
  // Not strftime's %a and %b: they follow the locale.
  constexpr std::array<std::string_view, 7> kDays = {"Sun", "Mon", "Tue", "Wed",
                                                     "Thu", "Fri", "Sat"};
  constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::array<char, 32> rest;
  std::string date(kDays[static_cast<std::size_t>(parts.tm_wday)]);
  std::strftime(rest.data(), rest.size(), ", %d ", &parts);
  date.append(rest.data()).append(kMonths[static_cast<std::size_t>(parts.tm_mon)]);
  std::strftime(rest.data(), rest.size(), " %Y %H:%M:%S GMT", &parts);
  return date.append(rest.data());
}

}  // namespace sluice::http
