#!/usr/bin/env python3
"""An operator drops what the view is made of: it stands still and says so, and the named command
brings all of it back.

lost_tables_test.py SLUICE REPOSITORY: while `up` runs and before it starts, of a schema, a table,
a column and a partition's position; other domains go on.
"""
import re
import sys

from postgres import ask
from system import Folder, Up, eventually, sluice, verify, wait_for, within
from traffic import Traffic

LOST_POSITION = """DELETE FROM sluice.position WHERE projection = 'deliberation' AND partition = (SELECT partition
FROM sluice.position WHERE projection = 'deliberation' ORDER BY position DESC LIMIT 1)"""
COMMAND = "sluice schema apply --refold deliberation"


def rows(up):
    return ask(up.postgres, "SELECT (SELECT count(*) FROM deliberation.opinion), "
               "(SELECT sum(total_vote_count) FROM deliberation.conversation_stats), "
               "(SELECT count(*) FROM deliberation.ballot)")


def told(up):
    """Its own words, those of its readiness and of `status`."""
    within(30, "it is not ready", lambda: COMMAND in up.readiness())
    within(30, "status says so", lambda: COMMAND in sluice("status", "--postgres", up.postgres,
                                                               check=False).stdout)
    named = re.search(r"`(sluice schema apply [^`]*)`", up.readiness()).group(1)
    return named.split()[1:]


def mended(up, folder, token):
    # Applying as it was once advised makes nothing that would stay empty.
    refused = sluice("schema", "apply", "--postgres", up.postgres, check=False)
    assert refused.returncode == 2 and COMMAND in refused.stderr, refused
    applied = sluice(*told(up), "--postgres", up.postgres)
    assert '"refolded":["deliberation"]' in applied.stdout, applied.stdout
    eventually("it is ready again", lambda: not up.readiness())
    wait_for(token, up.postgres)
    verify(up.postgres, ["--data", folder / "data"])


def drops(folder, statement, restarts):
    with Up(folder / "data", []) as up:
        up.start()
        with Traffic([up.http], 1) as traffic:
            traffic.goes_on(200)
            token = traffic.finish()
        wait_for(token, up.postgres)
        before = rows(up)
        ask(up.postgres, statement)
        if restarts:
            up.stop()
            up.start()
        # Something to flush; the other domains take what they are given.
        sluice("simulate", "auction", "--http", up.http, "--seconds", "1s")
        sluice("simulate", "deliberation", "--http", up.http, "--seconds", "1s",
               "--conversations", "3", "--seed", "5")
        mended(up, folder, token)
        after = rows(up)
        assert all(int(new) >= int(old) for new, old in zip(after[0], before[0])), (before, after)
        verify(up.postgres, ["--data", folder / "data"], "auction")
        up.stop()
    print(f"passed: {statement}, {'before a start' if restarts else 'while it runs'}")


def main():
    for statement, restarts in [
            ("DROP SCHEMA deliberation_g1 CASCADE", False),
            ("DROP SCHEMA deliberation_g1 CASCADE", True),
            ("DROP TABLE deliberation_g1.opinion CASCADE", False),
            ("ALTER TABLE deliberation_g1.opinion_stats DROP COLUMN agrees CASCADE", True),
            (LOST_POSITION, False), (LOST_POSITION, True)]:
        with Folder() as folder:
            drops(folder, statement, restarts)
    return 0


if __name__ == "__main__":
    sys.exit(main())
