"""A reader of the view who looks all the time, and afterwards holds what it saw against the log."""
import contextlib

from background import Background
from model import Model, digest
from postgres import Away, Session
from system import DOMAIN, eventually

POSITIONS = ("SELECT partition, position FROM sluice.position "
             f"WHERE projection = '{DOMAIN}' ORDER BY 1")
COUNTERS = ("SELECT conversation_id, opinion_count, vote_count, participant_count, "
            "total_opinion_count, total_vote_count, total_participant_count, "
            "moderated_opinion_count, hidden_opinion_count FROM deliberation.conversation_stats")
OPINIONS = ("SELECT conversation_id, sum(agrees + disagrees + passes), md5(string_agg(concat_ws("
            "':', opinion_id, agrees, disagrees, passes), ',' ORDER BY opinion_id COLLATE \"C\")) "
            "FROM deliberation.opinion_stats GROUP BY 1")
BALLOTS = ("SELECT conversation_id, sum(vote_count), md5(string_agg(participant_id || ':' || "
           "votes::text, ',' ORDER BY participant_id COLLATE \"C\")) "
           "FROM deliberation.ballot GROUP BY 1")
REJECTED = ("SELECT partition, md5(string_agg(event_id, ',' ORDER BY position)) "
            f"FROM sluice.rejection WHERE projection = '{DOMAIN}' GROUP BY 1")
NO_BALLOTS = ["0", digest([])]
TOTAL_VOTES = 5  # column of COUNTERS


class Snapshot:
    """One REPEATABLE READ transaction: positions first, rows by statements of their own after."""

    def __init__(self, session):
        _, positions, counters, opinions, ballots, rejected, _ = session.ask(
            "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", POSITIONS, COUNTERS, OPINIONS,
            BALLOTS, REJECTED, "COMMIT")
        self.positions = {int(partition): int(position) for partition, position in positions}
        self.rejected = {int(partition): seen for partition, seen in rejected}
        opinions = {row[0]: row[1:] for row in opinions}
        ballots = {row[0]: row[1:] for row in ballots}
        self.rows = {}
        for row in counters:
            conversation, total = row[0], row[TOTAL_VOTES]
            by_opinion = opinions[conversation]
            by_person = ballots.get(conversation, NO_BALLOTS)
            assert total == by_opinion[0] == by_person[0], f"sums differ: {row}"
            self.rows[conversation] = row[1:] + [by_opinion[1], by_person[1]]


class Reader(Background):
    """Looks until it is stopped, through crashes of whatever. Positions never go back."""

    def __init__(self, url):
        super().__init__()
        self.url = url
        self.snapshots = []

    def work(self):
        with contextlib.closing(Session(self.url)) as session:
            while self.again():
                try:
                    self.take(Snapshot(session))
                except Away:
                    continue

    def reached(self):
        """The sum of the positions that were seen last."""
        self.require()
        return sum(self.snapshots[-1].positions.values()) if self.snapshots else 0

    def sees_more(self):
        """Until the view has moved from where it was."""
        before = self.reached()
        eventually("the view goes on", lambda: self.reached() > before)

    def moments(self):
        """How many different ones it has seen so far."""
        self.require()
        return len({tuple(each.positions.items()) for each in list(self.snapshots)})

    def sees_moments(self, least):
        """Until it has seen so many: less proves nothing."""
        eventually(f"{least} moments are seen", lambda: self.moments() >= least)

    def take(self, snapshot):
        if self.snapshots:
            for partition, position in self.snapshots[-1].positions.items():
                assert snapshot.positions[partition] >= position, f"{partition} went back"
        self.snapshots.append(snapshot)

    def check(self, log):
        """Every snapshot is the fold of the log up to its positions. `log`: by partition."""
        self.stop()
        moments = self.moments()
        for partition, records in log.items():
            self.check_partition(partition, records)
        print(f"  {len(self.snapshots)} snapshots of {moments} moments", flush=True)

    def check_partition(self, partition, records):
        model, folded, changed, expected = Model(), 0, set(), {}
        ours = {key for _, key, _, _ in records}
        for snapshot in self.snapshots:
            position = snapshot.positions.get(partition, 0)
            changed.update(model.fold(*record) for record in records[folded:position])
            folded = position
            for key in changed:
                expected[key] = model.conversations[key].row()
            changed.clear()
            seen = {key: row for key, row in snapshot.rows.items() if key in ours}
            assert seen == expected, (
                f"partition {partition} at {position}: "
                + "; ".join(f"{key}: {seen.get(key)}, expected {expected.get(key)}"
                            for key in seen.keys() | expected.keys()
                            if seen.get(key) != expected.get(key)))
            rejected = snapshot.rejected.get(partition)
            assert rejected == (digest(model.rejected) if model.rejected else None), (
                f"partition {partition} at {position}: rejections")
