#include "tools/sluice/client/poster.h"

#include <simdjson.h>

#include <algorithm>
#include <thread>

namespace sluice {
namespace {

using std::chrono::milliseconds;

// Ingest takes 16 MiB a request unless told otherwise; an event is at most 512 KiB of it.
constexpr std::size_t kMostBatchBytes = std::size_t{8} << 20;
constexpr milliseconds kFirstPause{100};
constexpr milliseconds kLongestPause{5000};
constexpr std::size_t kMostFaultsShown = 20;

std::string_view text_or(simdjson::dom::element element, const char* key,
                         std::string_view otherwise) {
  std::string_view text;
  return element[key].get(text) == simdjson::SUCCESS ? text : otherwise;
}

}  // namespace

Poster::Poster(HttpClient& client, std::string_view domain, milliseconds patience)
    : client_(client), path_("/v1/" + std::string(domain) + "/events"), patience_(patience) {}

void Poster::add(std::string_view event, std::string origin) {
  if (!lines_.empty() && lines_.size() + event.size() > kMostBatchBytes) flush();
  lines_ += event;
  lines_ += '\n';
  origins_.push_back(std::move(origin));
  if (origins_.size() >= batch_) flush();
}

void Poster::flush() {
  if (origins_.empty()) return;
  const HttpReply reply = deliver();
  if (reply.status != 202 && reply.status != 200) refuse(reply);
  simdjson::dom::parser parser;
  simdjson::dom::element answer;
  std::uint64_t count = 0;
  if (parser.parse(reply.body).get(answer) != simdjson::SUCCESS ||
      answer["accepted"].get(count) != simdjson::SUCCESS) {
    throw Misconfigured("the server's reply is not Sluice's: is --http the URL of ingest?");
  }
  accepted_ += count;
  token_.add(text_or(answer, "token", ""));
  lines_.clear();
  origins_.clear();
}

// The same bytes, so the same ids, until the server decides.
HttpReply Poster::deliver() {
  const auto deadline = std::chrono::steady_clock::now() + patience_;
  milliseconds pause = kFirstPause;
  for (;;) {
    HttpReply reply;
    std::string problem;
    try {
      reply = client_.send({"POST", path_, "application/x-ndjson", lines_});
      const bool later = reply.status == 429 || reply.status == 503 || reply.status == 408 ||
                         reply.status == 502 || reply.status == 504;
      if (!later) return reply;
      problem = complaint(reply);
    } catch (const Retryable& error) {
      problem = error.what();
    }
    std::uniform_real_distribution<double> spread(0.5, 1.0);
    auto wait = std::chrono::duration_cast<milliseconds>(pause * spread(jitter_));
    if (reply.retry_after) wait = std::max(wait, milliseconds(*reply.retry_after));
    if (std::chrono::steady_clock::now() + wait > deadline) {
      throw Retryable(problem + ", for longer than --retry-for allows" + so_far());
    }
    std::this_thread::sleep_for(wait);
    pause = std::min(pause * 2, kLongestPause);
  }
}

void Poster::refuse(const HttpReply& reply) const {
  const std::string message = complaint(reply) + so_far();
  // Malformed, too large, not admissible: the events' fault. Else the request's: the wrong domain,
  // no such right.
  if (reply.status == 400 || reply.status == 413 || reply.status == 422) throw Refused(message);
  throw Misconfigured(message);
}

std::string Poster::complaint(const HttpReply& reply) const {
  simdjson::dom::parser parser;
  simdjson::dom::element problem;
  std::string message = "the server answers " + std::to_string(reply.status);
  if (parser.parse(reply.body).get(problem) != simdjson::SUCCESS) return message;
  for (const char* key : {"title", "detail"}) {
    const std::string_view text = text_or(problem, key, "");
    if (!text.empty()) message += ": " + std::string(text);
  }
  simdjson::dom::array errors;
  if (problem["errors"].get(errors) == simdjson::SUCCESS) {
    std::size_t shown = 0;
    for (const simdjson::dom::element fault : errors) {
      if (shown++ == kMostFaultsShown) break;
      std::uint64_t index = 0;
      const bool has_index =
          fault["index"].get(index) == simdjson::SUCCESS && index < origins_.size();
      message += "; " + (has_index ? origins_[index] : std::string("the batch")) + ": " +
                 std::string(text_or(fault, "field", "")) + " " +
                 std::string(text_or(fault, "reason", ""));
    }
    if (errors.size() > kMostFaultsShown) {
      message += "; and " + std::to_string(errors.size() - kMostFaultsShown) + " more";
    }
  }
  return message;
}

std::string Poster::so_far() const {
  return "; accepted before: " + std::to_string(accepted_) +
         (accepted_ > 0 ? ", token " + token_.text() : std::string());
}

}  // namespace sluice
