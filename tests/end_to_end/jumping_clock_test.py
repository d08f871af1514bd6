#!/usr/bin/env python3
"""The clock of one process jumps, forwards and backwards, while others' clocks are right.

jumping_clock_test.py SLUICE REPOSITORY: `up` with a clock of its own, its Postgres not. The jump is told until the clock is right
again, no age is below zero, a session that ends in half an hour stays open when the clock says that it is over, flushes and
waiting go on by the steady clock, and every event counts once.
"""
import datetime
import json
import sys
import urllib.error
import urllib.request

from faulty_system import FaultyUp
from postgres import ask
from reader import Reader
from system import Folder, chance, eventually, sluice
from traffic import Traffic, check, event

JUMPS = (3600, -3600, 1, 7200)  # seconds; one of a leap


def open_session(up):
    """One that ends in half an hour."""
    ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=30)
    body = json.dumps(event("e1", "session.created", {
        "session_id": "half-an-hour", "owner_id": "shop", "product": "watch", "inventory": 1,
        "starts_at": "2026-01-01T00:00:00Z", "ends_at": ends.isoformat()}, actor="shop", actorrole="service"))
    request = urllib.request.Request(up.http + "/v1/auction/events", body.encode(),
                                     {"Content-Type": "application/cloudevents+json"})
    try:
        urllib.request.urlopen(request, timeout=30).close()
    except urllib.error.HTTPError as refusal:
        raise AssertionError(refusal.read().decode()) from refusal
    eventually("it is open", lambda: state(up) == "open")


def state(up):
    rows = ask(up.postgres, "SELECT status FROM auction.session WHERE session_id = 'half-an-hour'")
    return rows[0][0] if rows else None


def told(up):
    """What it says of itself while it is ready."""
    with urllib.request.urlopen(up.http + "/readyz", timeout=30) as reply:
        return reply.read().decode()


def no_age_below_zero(up):
    status = json.loads(sluice("status", "--postgres", up.postgres, "--json", check=False).stdout)
    for partition in status["partitions"]:
        assert not str(partition["age"]).startswith("-"), partition
        assert (partition["freshness_seconds"] or 0) >= 0, partition


def main():
    moment = chance()
    with Folder() as folder, FaultyUp(folder / "data", []) as up:
        up.start()
        open_session(up)
        with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
            traffic.goes_on()
            for seconds in JUMPS:
                up.system.clock_is_off(seconds)
                if abs(seconds) > 60:
                    eventually("the jump is told", lambda: "clock" in told(up))
                traffic.goes_on()
                reader.sees_more()
                no_age_below_zero(up)
                assert state(up) == "open", "ended by a clock that is wrong"
                up.system.clock_is_off(0)
                eventually("it is told no more", lambda: told(up) == "ready\n")
                traffic.goes_on(100)
                reader.sees_more()
                print(f"  {seconds:+d} s and back", flush=True)
            check(traffic, reader, up.postgres, ["--data", up.folder])
        up.stop()
    print("passed: a clock that jumps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
