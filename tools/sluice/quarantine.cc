#include <cstdio>
#include <limits>

#include "storage/base/errors.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/quarantine/deciding.h"
#include "tools/sluice/quarantine/listing.h"

namespace sluice {
namespace {

constexpr std::int64_t kNone = std::numeric_limits<std::int64_t>::max();
constexpr int kShownWidth = 60;  // characters of a text in a table
constexpr std::int64_t kJsonPage = 500;

struct Options {
  std::string postgres;
  std::string domain;
  std::int64_t partition = kNone;
  std::int64_t offset = kNone;
  ListedPage page;
};

Exit list_table(const Options& options) {
  Database database(options.postgres);
  bool more = false;
  const Answer answer = list_quarantine(database, options.page, kShownWidth, more);
  std::fputs(answer.table().c_str(), stdout);
  if (more) {
    std::fprintf(stderr, "There are more: --after %s; --json shows all of each text.\n",
                 end_of(answer).c_str());
  }
  return answer.rows.empty() ? Exit::done : Exit::found;
}

// One array, of which never more than a page is held.
Exit list_json(const Options& options) {
  Database database(options.postgres);
  ListedPage page = options.page;
  std::int64_t left = options.page.limit;
  bool any = false;
  bool more = true;
  std::fputs("[", stdout);
  while (more && left > 0) {
    page.limit = std::min(left, kJsonPage);
    const Answer answer = list_quarantine(database, page, 0, more);
    left -= page.limit;
    page.after = end_of(answer);
    const std::string rows = answer.json();
    if (answer.rows.empty()) break;
    std::fputs(any ? "," : "", stdout);
    std::fwrite(rows.data() + 1, 1, rows.size() - 2, stdout);
    any = true;
  }
  print_line("]");
  return any ? Exit::found : Exit::done;
}

Exit show(const Options& options) {
  Database database(options.postgres);
  const Answer answer =
      show_quarantined(database, choose_domains({options.domain}).front(),
                       Partition{static_cast<int>(options.partition)}, Offset{options.offset});
  if (answer.rows.empty())
    throw Misconfigured("nothing is in quarantine there: sluice quarantine list says what is");
  print_line(answer.json());
  return Exit::done;
}

void add_list(Command& quarantine, const std::shared_ptr<Options>& options) {
  Command lists = quarantine.command(
      "list",
      "What is there, and why; exit 1 when there is anything. Its `position` is what --offset of "
      "the other commands takes. Long texts are cut",
      "sluice quarantine list --postgres postgresql://...");
  add_postgres_option(lists, options->postgres);
  lists.number("limit", options->page.limit, 1, kNone, "How many records, at most");
  lists.text("after", options->page.after, "Only what stands behind PROJECTION:PARTITION@POSITION");
  lists.runs([options](const OutputForm& output) {
    return output.json ? list_json(*options) : list_table(*options);
  });
}

void add_show(Command& quarantine, const std::shared_ptr<Options>& options) {
  Command shows = quarantine.command("show",
                                     "One record: the event in it, if it can be read, as `sluice "
                                     "tail` prints it, and its bytes in base64",
                                     "sluice quarantine show --domain deliberation --partition 3 "
                                     "--offset 812 --postgres postgresql://...");
  add_postgres_option(shows, options->postgres);
  shows.text("domain", options->domain, "Whose quarantine").required();
  shows.number("partition", options->partition, 0, 1'000'000, "The record's partition").required();
  shows
      .number("offset", options->offset, -kNone, kNone,
              "The record's `position` in the list; below 0: a timer that failed")
      .required();
  shows.runs([options](const OutputForm&) { return show(*options); });
}

}  // namespace

void add_quarantine(Command& root) {
  auto options = std::make_shared<Options>();
  Command quarantine =
      root.command("quarantine", "Records that could not be folded, and what to do with them",
                   "sluice quarantine list --postgres postgresql://...");
  add_list(quarantine, options);
  add_show(quarantine, options);
  add_decisions(quarantine);
}

}  // namespace sluice
