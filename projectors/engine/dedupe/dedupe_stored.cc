#include "projectors/engine/dedupe/dedupe_stored.h"

#include <algorithm>
#include <ranges>

#include "storage/damaged_state.h"

namespace sluice::dedupe {
namespace {

void load_open(StateStore& store, Stored& stored) {
  for (auto block = store.scan(kBlocks, kBlocksEnd); block->valid(); block->next()) {
    stored.last_to = static_cast<std::int64_t>(number_at(block->key(), kBlocks.size()));
    const std::size_t marks = mark_count(block->value());
    for (std::size_t i = 0; i < marks; ++i) {
      stored.open.push_back(mark_at(block->value(), i));
    }
  }
}

std::vector<std::unique_ptr<Run>> load_records(StateStore& store) {
  std::vector<std::unique_ptr<Run>> runs;
  for (auto entry = store.scan(kRecords, kRecordsEnd); entry->valid(); entry->next()) {
    RunRecord record;
    if (entry->value().size() != sizeof(record)) {
      throw DamagedState("dedupe: the record of a run has another size");
    }
    std::memcpy(&record, entry->value().data(), sizeof(record));
    if (record.marks == 0) throw DamagedState("dedupe: a run has no marks");
    runs.push_back(std::make_unique<Run>(number_at(entry->key(), kRecords.size()), record));
  }
  return runs;
}

void group(std::vector<std::unique_ptr<Run>> runs, std::vector<Segment>& segments) {
  const auto order = [](const auto& run) { return run->record().order; };
  std::ranges::sort(runs, {}, order);
  if (std::ranges::adjacent_find(runs, {}, order) != runs.end()) {
    throw DamagedState("dedupe: two runs are of one time");
  }
  for (auto& run : runs) {
    const RunRecord& record = run->record();
    if (!segments.empty() && segments.back().id() > record.segment) {
      throw DamagedState("dedupe: a run is of a segment that another has ended");
    }
    if (segments.empty() || segments.back().id() != record.segment) {
      segments.emplace_back(record.segment, record.segment_capacity);
    }
    segments.back().add(std::move(run));
  }
}

// Empty ones: filled with the pages.
void make_filters(std::vector<Segment>& segments, std::size_t bytes_max) {
  std::size_t held = 0;
  for (Segment& segment : std::views::reverse(segments)) {
    // Only the newest gets more marks.
    const bool newest = &segment == &segments.back();
    const std::uint64_t ids = newest ? segment.capacity() : segment.marks();
    held += IdFilter::bytes_for(ids) + IdFilter::bytes_for(segment.marks());
    if (held > bytes_max) {
      return;
    }
    segment.set_filter(IdFilter(ids));
    for (const auto& run : segment.runs()) {
      if (run->record().level == 0) run->set_filter(IdFilter(run->record().marks));
    }
  }
}

struct Place {
  Run* run;
  Segment* segment;
  std::uint64_t marks = 0;  // loaded
};

std::vector<Place> by_run(std::vector<Segment>& segments) {
  std::vector<Place> places;
  for (Segment& segment : segments) {
    for (const auto& run : segment.runs()) {
      places.push_back({run.get(), &segment});
    }
  }
  std::ranges::sort(places, {}, [](const Place& place) { return place.run->id(); });
  return places;
}

void load_page(std::string_view page, Place& place) {
  const std::size_t marks = mark_count(page);
  if (marks == 0) {
    throw DamagedState("dedupe: a page of a run is empty");
  }
  place.run->add_page(mark_at(page, 0).id);
  for (std::size_t i = 0; i < marks; ++i) {
    const EventId id = mark_at(page, i).id;
    place.run->filter().add(id);
    place.segment->filter().add(id);
  }
  place.marks += marks;
}

void load_pages(StateStore& store, Stored& stored) {
  std::vector<Place> places = by_run(stored.segments);
  auto place = places.begin();
  for (auto page = store.scan(kPages, kPagesEnd); page->valid(); page->next()) {
    const std::uint64_t id = number_at(page->key(), kPages.size());
    while (place != places.end() && place->run->id() < id) {
      ++place;
    }
    if (place != places.end() && place->run->id() == id) {
      load_page(page->value(), *place);
    } else if (stored.orphans.empty() || stored.orphans.back() != id) {
      stored.orphans.push_back(id);
    }
  }
  for (const Place& loaded : places) {
    if (loaded.marks != loaded.run->record().marks) {
      throw DamagedState("dedupe: a run has not the marks that its record says");
    }
  }
}

}  // namespace

Stored load(StateStore& store, std::size_t filter_bytes_max) {
  Stored stored;
  load_open(store, stored);
  std::vector<std::unique_ptr<Run>> runs = load_records(store);
  for (const auto& run : runs) {
    stored.next_run = std::max(stored.next_run, run->id() + 1);
  }
  group(std::move(runs), stored.segments);
  make_filters(stored.segments, filter_bytes_max);
  load_pages(store, stored);
  for (const std::uint64_t run : stored.orphans) {
    stored.next_run = std::max(stored.next_run, run + 1);
  }
  return stored;
}

}  // namespace sluice::dedupe
