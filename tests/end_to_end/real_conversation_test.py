#!/usr/bin/env python3
"""A real conversation through a real broker into a real Postgres, killed on the way.

real_conversation_test.py SLUICE REPOSITORY: imports a Polis export through `sluice up`, which is
killed (kill -9) ten times meanwhile at moments that a seed decides, once on Kafka and once on the
embedded log; imports it again; and expects the counts of participants-votes.csv, which is counted
here, and an equal refold. SLUICE_SEED=n decides other moments.
"""
import collections
import csv
import json
import subprocess
import sys

from broker import on_each_log
from postgres import ask
from system import DEADLINE_SECONDS, REPOSITORY, SLUICE, Folder, Up, chance, child, sluice
from system import verify, wait_for

EXPORT = REPOSITORY.parent / "shared/data/polis/opendata/vtaiwan.uberx"
KILLS = 10


def import_while_killing(up, moment):
    """One import that retries by itself while up dies under it, then dies no more."""
    importing = child([SLUICE, "import", "polis", EXPORT, "--http", up.http, "--batch", "200",
                       "--retry-for", "120s"], stdout=subprocess.PIPE, text=True)
    reached = 0
    for _ in range(KILLS):
        # The moment is what is random here, so nothing is waited for.
        try:
            importing.wait(moment.uniform(0.02, 0.35))
        except subprocess.TimeoutExpired:
            pass
        up.kill()
        up.start()
        before, reached = reached, int(ask(up.postgres, "SELECT coalesce(sum(position), 0) "
                                                        "FROM sluice.position")[0][0])
        assert reached >= before, "no position goes back"
    out, _ = importing.communicate(timeout=DEADLINE_SECONDS)
    assert importing.returncode == 0
    return json.loads(out)


def expected_counts():
    """Current votes by statement, from the export's final matrix."""
    counts = collections.defaultdict(lambda: [0, 0, 0])
    with open(EXPORT / "participants-votes.csv", newline="") as file:
        reader = csv.reader(file)
        header = next(reader)
        for row in reader:
            for name, vote in zip(header, row):
                if name.isdigit() and vote:
                    counts[name][{"1": 0, "-1": 1, "0": 2}[vote]] += 1
    return counts


def check(postgres, log):
    def one(sql):
        return ask(postgres, sql)[0][0]

    assert one("SELECT count(*) FROM deliberation.opinion") == "197"
    assert one("SELECT total_vote_count FROM deliberation.conversation_stats") == "49443"
    assert one("SELECT count(*) FROM deliberation.vote") == "49443"
    counts = expected_counts()
    rows = ask(postgres, "SELECT opinion_id, agrees, disagrees, passes "
                         "FROM deliberation.opinion_stats")
    found = {row[0]: [int(n) for n in row[1:]] for row in rows}
    assert found == {statement: counts[statement] for statement in found}, "counts by statement"
    assert len(found) == 197
    assert one("SELECT count(*) FROM sluice.rejection") == "0"
    assert one("SELECT count(*) FROM sluice.quarantine") == "0"
    verify(postgres, log)


def live_through(name, flags, verify_log, moment):
    with Folder() as folder, Up(folder / "data", flags) as up:
        log = verify_log or ["--data", up.folder]
        up.start()
        imported = import_while_killing(up, moment)
        wait_for(imported["token"], up.postgres)
        check(up.postgres, log)
        again = json.loads(sluice("import", "polis", EXPORT, "--http", up.http).stdout)
        wait_for(again["token"], up.postgres)
        check(up.postgres, log)
        up.stop()
    print(f"passed: {name}")


def main():
    moment = chance()
    return on_each_log("killed ten times, imported twice",
                       lambda name, flags, where: live_through(name, flags, where, moment))


if __name__ == "__main__":
    sys.exit(main())
