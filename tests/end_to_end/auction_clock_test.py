#!/usr/bin/env python3
"""Sessions that open and close by themselves on a quiet system, and what the wire refuses.

auction_clock_test.py SLUICE REPOSITORY TOPIC_ADMIN: a session with one bid starts and ends while nobody
posts; `open`, then `closed` and the ranking must be readable within two seconds of their times, also when
the process was killed in between. On both logs; a refold closes it at the same offset.
"""
import datetime
import json
import os
import sys
import time
import urllib.error
import urllib.request

from broker import on_each_log
from postgres import Session
from system import Folder, Stopwatch, Up, verify

READABLE_SECONDS = 2


def post(up, *events):
    """Status and body of the reply."""
    request = urllib.request.Request(
        up.http + "/v1/auction/events", json.dumps(events).encode(),
        {"Content-Type": "application/cloudevents-batch+json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as reply:
            return reply.status, json.load(reply)
    except urllib.error.HTTPError as refusal:
        return refusal.code, json.load(refusal)


def event(fact, **data):
    return {"specversion": "1.0", "source": "/test", "type": fact, "actor": "shop",
            "actorrole": "service", "data": data}


def created(session, **data):
    return event("session.created", **{"session_id": session, "owner_id": "shop", "product": "watch",
                                       "inventory": 1, "starts_at": "2026-01-01T00:00:00Z", **data})


def after(now, seconds):
    return (now + datetime.timedelta(seconds=seconds)).isoformat()


def readable(session, sql):
    """When the answer is "t", by the clock that the times were set by."""
    end = time.monotonic() + 60
    while session.ask(sql)[0] != [["t"]]:
        assert time.monotonic() < end, f"never: {sql}"
        time.sleep(0.01)
    return datetime.datetime.now(datetime.timezone.utc)


def lives_by_itself(up, name, kill):
    watch = Stopwatch()
    now = datetime.datetime.now(datetime.timezone.utc)
    starts, ends = now + datetime.timedelta(seconds=1), now + datetime.timedelta(seconds=8)
    status, reply = post(up, created(name, starts_at=starts.isoformat(), ends_at=ends.isoformat()))
    assert status == 202, reply
    status = f"FROM auction.session WHERE session_id = '{name}'"
    session = Session(up.postgres)
    opened = readable(session, f"SELECT count(*) = 1 {status} AND status = 'open'")
    assert opened >= starts, "open before its time"
    if not kill:
        assert (opened - starts).total_seconds() <= READABLE_SECONDS + watch.stalls(), opened - starts
    assert post(up, event("bid.placed", session_id=name, user_id="ann", price=5))[0] == 202
    if kill:
        session.close()
        up.kill()
        up.start()
        session = Session(up.postgres)
        ends = max(ends, datetime.datetime.now(datetime.timezone.utc))
    closed = readable(session, f"""
        SELECT count(*) = 1 {status} AND status = 'closed' AND closed_at = ends_at
        AND winner_count = 1 AND final_price = 5
        AND EXISTS (SELECT FROM auction.ranking WHERE session_id = '{name}' AND is_winner)""")
    session.close()
    # A partition on Kafka is given to who starts when the dead one's session has timed out.
    patience = READABLE_SECONDS if not kill else 30
    assert (closed - ends).total_seconds() <= patience + watch.stalls(), closed - ends
    print(f"  {name}: open {(opened - starts).total_seconds():.2f} s, closed and ranked "
          f"{(closed - ends).total_seconds():.2f} s after its time", flush=True)


def refused(up):
    """The wire's rules: field at fault, by what is sent."""
    def fault(sent):
        status, reply = post(up, sent)
        assert status == 422, (sent, status, reply)
        return " ".join(each["field"] for each in reply["errors"])

    def bid(**data):
        return event("bid.placed", **{"session_id": "s", "user_id": "u", "price": 1, **data})

    for price in (-1, 1.5, 9007199254740992, "9007199254740992", "-0", "+5", "5.0", "", "0x5", None):
        assert fault(bid(price=price)) == "data.price", price
    for weight in (-0.5, 9007199254740992, "NaN", "Infinity", "x"):
        assert fault(bid(weight=weight)) == "data.weight", weight
    assert fault(bid(client_bid_id="x" * 201)) == "data.client_bid_id"
    assert fault(bid(user_id="")) == "data.user_id"
    assert fault(created("s", alpha=1.1e12)) == "data.alpha"
    assert fault(created("s", inventory=0)) == "data.inventory"
    assert fault(created("s", inventory="1000001")) == "data.inventory"
    assert fault(created("s", product="")) == "data.product"
    for when in ("2026-01-01", "2026-01-01T00:00:00", "soon", 5, "10000-01-01T00:00:00Z"):
        assert fault(created("s", starts_at=when)) == "data.starts_at", when
        assert fault(created("s", ends_at=when)) == "data.ends_at", when
    assert fault(event("session.created", session_id="s")) == (
        "data.owner_id data.product data.inventory data.starts_at")
    assert fault(event("session.closed", session_id="s", reason="late")) == "data.reason"

    # What is taken: text of digits, any offset, fractions cut down to the millisecond.
    status, reply = post(up, created("texts", inventory="3", upset_price="7", alpha="0.5",
                                     starts_at="2026-01-01T02:00:00.123999+02:00"),
                         event("bid.placed", session_id="texts", user_id="u",
                               price="9007199254740991", weight=9007199254740991))
    assert status == 202, reply
    session = Session(up.postgres)
    readable(session, "SELECT count(*) = 1 FROM auction.bid WHERE session_id = 'texts' "
                      "AND price = 9007199254740991 AND weight = 9007199254740991")
    readable(session, "SELECT count(*) = 1 FROM auction.session WHERE session_id = 'texts' "
                      "AND starts_at = '2026-01-01T00:00:00.123Z' AND inventory = 3 AND alpha = 0.5 "
                      "AND beta = 1 AND ends_at IS NULL AND status = 'open'")
    session.close()


def live_through(name, flags, where):
    with Folder() as folder, Up(folder / "data", flags, "--domains", "auction") as up:
        log = where or ["--data", up.folder]
        up.start()
        # When many sessions are readable every partition has an owner.
        post(up, *[created(f"warm{n}") for n in range(32)])
        session = Session(up.postgres)
        readable(session, "SELECT count(*) = 32 FROM auction.session")
        # Nor does one change hands any more: nobody has a partition's time while it does.
        readable(session, f"SELECT count(DISTINCT split_part(owner, '/', 2)) = {min(os.cpu_count(), 4)} "
                          "AND count(*) FILTER (WHERE owner = '') = 0 FROM sluice.position")
        session.close()
        lives_by_itself(up, "quiet", kill=False)
        lives_by_itself(up, "killed", kill=True)
        refused(up)
        verify(up.postgres, log, "auction")
        up.stop()
    print(f"passed: {name}")


if __name__ == "__main__":
    sys.exit(on_each_log("sessions by themselves", live_through))
