#!/usr/bin/env python3
"""A lock in the way of a flush is named within two seconds, whoever looks where, and lag counts what is acknowledged
and not visible meanwhile.

locks_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import re
import signal
import sys

from program import Folder, Stopwatch, Up, conversation, eventually, post, result, run, sluice, vote, within
from postgres import Session, ask

SECONDS = 2
SINCE = r" since (2\S* \S*Z): process"
VOTES = 300


class Holder(Session):
    """An operator's transaction that goes on."""

    def __init__(self, url, *statements):
        super().__init__(url + "?application_name=psql")
        self.pid = self.ask("BEGIN", *statements, "SELECT pg_backend_pid()")[-1][0][0]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def post_votes(up, round_number):
    """Acknowledged, and not waited for."""
    events = [vote("c", f"p{round_number}-{n}") for n in range(VOTES)]
    return result("post", "--http", up.http, "--domain", "deliberation", "-",
                  stdin="\n".join(events) + "\n")["token"]


def told(up):
    """Lag and trouble of the partition that the votes went to, as a reader sees it."""
    return ask(up.ready["reader"], "SELECT lag, trouble FROM sluice.freshness "
               "WHERE projection = 'deliberation' ORDER BY lag DESC LIMIT 1")[0]


def in_the_way(up, round_number, what, *statements):
    with Holder(up.postgres, *statements) as holder:
        token = post_votes(up, round_number)

        def named():
            lag, trouble = told(up)
            return what in trouble and holder.pid in trouble and int(lag) >= VOTES and trouble

        trouble = within(SECONDS, f"{what} by {holder.pid}", named)
        assert "psql" in trouble and "since 2" in trouble, trouble
        assert f"pg_terminate_backend({holder.pid})" in trouble, trouble
        within(SECONDS, "/readyz says so", lambda: f"process {holder.pid}" in up.readiness())
        shown = run("status", "--postgres", up.postgres, code=1).stdout
        assert f"process {holder.pid}" in shown, shown
        # It waits longer than a lock is waited for: what fails then does not hide who is in the way.
        within(30, "a try failed for it", lambda: "lock timeout" in told(up)[1])
        assert holder.pid in told(up)[1], told(up)
        # Since it was first in the way, however often it was tried.
        within(30, "it is tried again", lambda: told(up)[1].count(" since 2") > 1 and "lock timeout" in told(up)[1])
        assert re.search(SINCE, told(up)[1])[1] == re.search(SINCE, trouble)[1], (trouble, told(up)[1])
        more = post_votes(up, f"{round_number}-more")
        within(SECONDS, "lag grows", lambda: int(told(up)[0]) >= 2 * VOTES)
    run("wait", token, "--postgres", up.postgres, "--timeout", "30s", code=0)
    run("wait", more, "--postgres", up.postgres, "--timeout", "30s", code=0)
    within(5, "it is ready", lambda: not up.readiness())
    eventually("all is well", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)


def stops_in_time(up):
    """What cannot be flushed is left to the next start: a stop is in order, and within its ten seconds."""
    with Holder(up.postgres, "LOCK TABLE deliberation_g1.ballot IN ACCESS EXCLUSIVE MODE") as holder:
        token = post_votes(up, "last")
        within(SECONDS, "it waits", lambda: holder.pid in told(up)[1])
        watch = Stopwatch()
        up.process.send_signal(signal.SIGTERM)
        assert up.process.wait(60) == 0, up.words()
        assert watch.took() < 10, watch.seconds()
        assert "the last flush is given up" in up.words() and "not stopped after" not in up.words()
    up.start()
    run("wait", token, "--postgres", up.postgres, "--timeout", "30s", code=0)


with Folder() as scratch:
    with Up(scratch / "data", ["--memory", "128MiB"]) as running:
        running.start()
        post(running, [conversation("c")])
        eventually("it is ready", lambda: not running.readiness())
        in_the_way(running, 1, "on deliberation_g1.ballot since",
                   "LOCK TABLE deliberation_g1.ballot IN ACCESS EXCLUSIVE MODE")
        in_the_way(running, 2, "a row of deliberation_g1.opinion_stats since",
                   "UPDATE deliberation_g1.opinion_stats SET agrees = agrees")
        in_the_way(running, 3, "on deliberation_g1.opinion_stats since",
                   "ALTER TABLE deliberation_g1.opinion_stats ADD COLUMN note text")
        stops_in_time(running)
        running.stop()
sys.exit(0)
