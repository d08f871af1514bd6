#include "tools/import/bid_file.h"
#include "tools/import/imported.h"
#include "tools/import/importers.h"
#include "tools/sluice/client/producer.h"

namespace sluice {
namespace {

struct Options {
  ProducerOptions producer;
  std::string file;
  std::string boosted;
  BidSale sale;
};

Exit import_bids(const Options& options, const OutputForm& output) {
  std::optional<std::filesystem::path> boosts;
  if (!options.boosted.empty()) boosts = options.boosted;
  const BidFile from = read_bid_file(options.file, boosts);
  BidSale sale = options.sale;
  if (sale.session_id.empty()) sale.session_id = from.name;
  const Imported imported{"auction", "session_id", sale.session_id, bid_event_count(from),
                          [&](const auto& post) { bid_events(from, sale, post); }};
  return post_imported(imported, options.producer, output);
}

}  // namespace

void add_import_bids(Command& import) {
  auto options = std::make_shared<Options>();
  options->producer.batch = 2000;
  Command command = import.command(
      "bids",
      "Make one session of an auction's bids, in the order of their timestamps, and close it. "
      "Event ids are made of bidder, total and time: importing again, also after a failure in the "
      "middle, changes nothing. A bid that only a later file has comes too late for a session that "
      "was closed, and is rejected.",
      "sluice import bids bid_events.csv.gz --inventory 5810 --http http://127.0.0.1:8080");
  add_producer_options(command, options->producer);
  command.argument("FILE", options->file,
                   "Bids: bidder, total_amount_mist (what the bidder has bid in all by then, in "
                   "the smallest unit of money), timestamp_ms");
  command.text("boosted", options->boosted,
               "Who is boosted: bidder, boosted; boosted.csv or boosted.csv.gz beside FILE when "
               "not given");
  command.text("session-id", options->sale.session_id,
               "Id of the session, instead of the file's name");
  command.number("inventory", options->sale.inventory, 1, 1'000'000, "How many items are sold");
  command.runs([options](const OutputForm& output) { return import_bids(*options, output); });
}

}  // namespace sluice
