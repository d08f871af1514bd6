#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <thread>

#include "projectors/engine/fold/refold.h"
#include "projectors/engine/tables/stored_rows.h"
#include "schemas/descriptors/row_options.h"
#include "schemas/descriptors/words.h"
#include "storage/base/errors.h"
#include "storage/base/partitioner.h"
#include "storage/postgres/published_rows.h"
#include "storage/rocksdb/rocks_state_store.h"
#include "tools/sluice/cli/progress.h"
#include "tools/sluice/cli/shutdown.h"
#include "tools/sluice/client/producer.h"
#include "tools/sluice/commands.h"
#include "tools/sluice/database.h"
#include "tools/sluice/node/domain_choice.h"
#include "tools/sluice/node/log.h"
#include "tools/sluice/node/memory_budget.h"
#include "tools/sluice/node/published.h"
#include "tools/sluice/verification/computed_account.h"
#include "tools/sluice/verification/scratch_folder.h"

namespace sluice {
namespace {

constexpr int kShown = 20;  // rows of a table
constexpr std::chrono::milliseconds kPoll{200};
// How long the log may show nothing of what the view has folded.
constexpr int kEmptyPolls = 150;
// While the view moves on, it is followed until this few records are missing, at most so often.
constexpr std::uint64_t kNear = 100'000;
constexpr int kRounds = 4;
// For something computed to be computed anew.
constexpr std::chrono::seconds kPatience{120};

struct Options {
  std::string domain;
  std::string postgres;
  LogOptions log;
  std::string scratch;
  std::uint64_t memory = std::uint64_t{512} << 20;
};

// Reads every partition from its start.
class FromTheStart final : public Ownership {
 public:
  Offset acquired(Partition) override { return Offset{0}; }
  void lost(Partition) override {}
};

using Targets = std::map<Partition, ViewPosition>;

// All partitions of a generation, folded from a log into stores of their own.
class Account {
 public:
  Account(const Projection& projection, const Generation& generation, Log& log,
          const MemoryBudget& memory, const std::string& scratch)
      : name_(projection.name),
        scratch_(scratch),
        topology_(log.topology()),
        resources_(memory.state, generation.partitions) {
    const auto partitions = static_cast<std::uint64_t>(generation.partitions);
    const RefoldMemory each{.rows = (memory.dirty_rows + memory.row_cache) / partitions,
                            .filters = memory.dedupe / partitions};
    for (int p = 0; p < generation.partitions; ++p) {
      const Partition partition{p};
      partitions_.push_back(partition);
      const LogRange range = topology_->range(stream_of(projection.name), partition);
      if (range.begin > Offset{0}) {
        throw Misconfigured("the log of partition " + std::to_string(p) + " begins at " +
                            std::to_string(range.begin.value) +
                            ": what a view was folded from is no longer there to compare with");
      }
      stores_.push_back(std::make_unique<RocksStateStore>(
          scratch_.path() / std::to_string(p), resources_, RocksStateStore::KeptThrough::shutdown));
      folds_.push_back(
          std::make_unique<Refold>(projection, generation, partition, each, *stores_.back()));
      if (projection.computed == nullptr) continue;
      computed_.push_back(
          std::make_unique<ComputedAccount>(*projection.computed, *folds_.back(), *stores_.back()));
    }
    reader_ = log.reader(stream_of(projection.name), partitions_, from_the_start_);
  }

  // How many records are to fold up to the positions of the view.
  [[nodiscard]] std::uint64_t behind(const Targets& targets) const {
    std::uint64_t missing = 0;
    for (const auto& [partition, view] : targets) missing += lag(partition, view);
    return missing;
  }

  // Folds up to the positions of the view, and no further.
  void reach(const Targets& targets, bool shown) {
    Progress progress(shown, "records refolded", behind(targets));
    for (const Partition partition : partitions_) {
      if (!targets.contains(partition)) continue;
      reader_wanted_[partition] = lag(partition, targets.at(partition)) > 0;
    }
    int empty_polls = 0;
    while (std::ranges::any_of(reader_wanted_, [](const auto& wanted) { return wanted.second; })) {
      heed_interrupt();
      const auto records = reader_->poll(kPoll);
      empty_polls = records.empty() ? empty_polls + 1 : 0;
      if (empty_polls > kEmptyPolls) {
        throw Corrupt("the log of " + name_ + " ends before what the view was folded from");
      }
      std::uint64_t folded = 0;
      for (const LogRecord& record : records) folded += fold(record, targets);
      progress.advance(folded);
    }
    for (const auto& [partition, view] : targets) {
      const auto& fold = *folds_.at(static_cast<std::size_t>(partition.value));
      if (!computed_.empty())
        computed_.at(static_cast<std::size_t>(partition.value))->reached(fold.position());
      if (fold.position() != view.position || fold.digest() != view.digest) {
        throw Corrupt("partition " + std::to_string(partition.value) + " of " + name_ +
                      " was folded from another log than this one: at position " +
                      std::to_string(view.position.value) + " the records differ");
      }
    }
  }

  void heed_interrupt() const {
    if (shutdown_.token().stop_requested()) throw Retryable("interrupted: nothing was decided");
  }

  // Has what is computed from where the view says so computed on the way there. Returns a key of
  // which it is too late; empty: there is none.
  [[nodiscard]] std::string expect(const AsOfs& published, const Targets* last = nullptr) {
    std::vector<AsOfs> by_partition(computed_.size());
    const int partitions = static_cast<int>(computed_.size());
    for (const auto& each : published) {
      by_partition.at(static_cast<std::size_t>(partition_of(each.first, partitions).value))
          .insert(each);
    }
    std::vector<std::string> too_late;
    for (std::size_t p = 0; p < computed_.size() && too_late.empty(); ++p) {
      heed_interrupt();
      if (last == nullptr) {
        too_late = computed_[p]->expect(by_partition[p]);
        continue;
      }
      const auto view = last->find(partitions_[p]);
      if (view == last->end()) continue;
      too_late = computed_[p]->expect_last(by_partition[p], view->second.position);
    }
    return too_late.empty() ? "" : too_late.front();
  }

  // Goes on where the last reach() ended.
  void resume() {
    for (const Partition partition : held_) {
      reader_->seek(partition, folds_.at(static_cast<std::size_t>(partition.value))->position());
      reader_->pause(partition, false);
    }
    held_.clear();
  }

  RowComparison compare(PublishedRows& rows, const google::protobuf::Descriptor& row) {
    const auto* prototype =
        google::protobuf::MessageFactory::generated_factory()->GetPrototype(&row);
    std::size_t at = 0;
    std::unique_ptr<StoredRows> stored;
    return rows.compare(
        row,
        [&]() -> const google::protobuf::Message* {
          heed_interrupt();
          for (;;) {
            if (!stored) {
              if (at == stores_.size()) return nullptr;
              folds_[at]->write_state();
              stored = std::make_unique<StoredRows>(*stores_[at++], *prototype);
            }
            if (const auto* next = stored->next()) return next;
            stored.reset();
          }
        },
        kShown);
  }

 private:
  [[nodiscard]] std::uint64_t lag(Partition partition, const ViewPosition& view) const {
    const auto position = folds_.at(static_cast<std::size_t>(partition.value))->position();
    return static_cast<std::uint64_t>(
        std::max(std::int64_t{0}, view.position.value - position.value));
  }

  std::uint64_t fold(const LogRecord& record, const Targets& targets) {
    const auto target = targets.find(record.partition);
    Refold& refold = *folds_.at(static_cast<std::size_t>(record.partition.value));
    if (target != targets.end() && record.offset < target->second.position) {
      if (!computed_.empty()) {
        computed_[static_cast<std::size_t>(record.partition.value)]->reached(record.offset);
      }
      refold.fold(record);
      reader_wanted_[record.partition] = refold.position() < target->second.position;
      return 1;
    }
    // Read again when the view has come as far.
    if (!held_.contains(record.partition)) {
      reader_->pause(record.partition, true);
      held_.insert(record.partition);
    }
    return 0;
  }

  const Shutdown shutdown_;
  const std::string name_;
  const ScratchFolder scratch_;
  const std::unique_ptr<LogTopology> topology_;
  const RocksResources resources_;
  FromTheStart from_the_start_;
  std::vector<Partition> partitions_;
  std::vector<std::unique_ptr<RocksStateStore>> stores_;
  std::vector<std::unique_ptr<Refold>> folds_;
  std::vector<std::unique_ptr<ComputedAccount>> computed_;  // none without computed tables
  std::unique_ptr<EventReader> reader_;
  std::map<Partition, bool> reader_wanted_;
  std::set<Partition> held_;
};

void show(const RowComparison& comparison, const std::string& table) {
  for (const RowDifference& d : comparison.first) {
    std::fprintf(stderr, "%s [%s]%s%s: expected %s, found %s\n", d.table.c_str(), d.key.c_str(),
                 d.column.empty() ? "" : " ", d.column.c_str(), d.expected.c_str(),
                 d.found.c_str());
  }
  if (comparison.differences > kShown) {
    std::fprintf(stderr, "%s: %lld more rows differ\n", table.c_str(),
                 static_cast<long long>(comparison.differences - kShown));
  }
}

using RowTypes = std::vector<const google::protobuf::Descriptor*>;

// To one snapshot of the view. What is computed of a busy key lags behind what is folded, and was
// computed from a state that the refold may have passed: it waits where it is until the view has
// computed that anew.
void catch_up(Account& account, PublishedRows& rows, const RowTypes& tables) {
  const auto deadline = std::chrono::steady_clock::now() + kPatience;
  for (;;) {
    rows.begin_snapshot();
    const Targets targets = rows.positions();
    const std::string too_late = account.expect(rows.as_ofs(tables), &targets);
    if (too_late.empty()) return account.reach(targets, false);
    rows.end_snapshot();
    account.heed_interrupt();
    if (std::chrono::steady_clock::now() > deadline) {
      throw Retryable("nothing was decided: what is computed of " + too_late +
                      " is older than what was folded by now, and is not computed anew: try again");
    }
    std::this_thread::sleep_for(kPoll);
  }
}

Exit verify(const Options& options, const OutputForm& output) {
  const Domain domain = choose_domains({options.domain}).front();
  const std::vector<Domain> one{domain};
  const std::vector<Projection> projections = projections_of(one);
  if (projections.empty()) throw Misconfigured(options.domain + " has no projection");
  // Before Postgres is asked for the number of partitions: what is missing here is said first.
  const auto log = look_at_log(options.log, divide_memory(options.memory, {.projectors = 1}).log);
  const Generation generation = open_sink(options.postgres, domain.name)->generation();
  const MemoryBudget memory = divide_memory(options.memory, {.projectors = generation.partitions});
  Account account(projections.front(), generation, *log, memory, options.scratch);

  // The bulk without a snapshot, which would keep Postgres from tidying up; then what came since.
  PublishedRows rows(options.postgres, generation.projection, generation.number);
  const auto tables = published_rows(*domain.tables);
  for (int round = 0; round < kRounds; ++round) {
    const Targets targets = rows.positions();
    const bool near = account.behind(targets) <= kNear;
    (void)account.expect(rows.as_ofs(tables));
    account.reach(targets, output.progress && round == 0);
    account.resume();
    if (near) break;
  }
  catch_up(account, rows, tables);

  RowComparison all;
  for (const auto* row : tables) {
    const RowComparison one_table = account.compare(rows, *row);
    all.rows += one_table.rows;
    all.differences += one_table.differences;
    show(one_table, table_name(*row));
  }
  print_line("{\"rows\":" + std::to_string(all.rows) +
             ",\"differences\":" + std::to_string(all.differences) + "}");
  return all.differences == 0 ? Exit::done : Exit::found;
}

}  // namespace

void add_verify(Command& root) {
  auto options = std::make_shared<Options>();
  Command command = root.command(
      "verify",
      "Refold a domain's log from its start into a fresh store and compare every published row "
      "with it. Exit 0 when they are equal, 1 when not; the first differences are named.",
      "sluice verify deliberation --postgres postgresql://... --data DIR");
  command.argument("DOMAIN", options->domain, "Whose view");
  add_postgres_option(command, options->postgres);
  add_log_options(command, options->log);
  command.text("scratch", options->scratch,
               "Folder for the fresh store; the system's when not given");
  command.bytes("memory", options->memory, kLeastMemory,
                "For caches, memtables, rows and the log together");
  command.runs([options](const OutputForm& output) { return verify(*options, output); });
}

}  // namespace sluice
