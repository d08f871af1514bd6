#!/usr/bin/env python3
"""A real auction through a real broker into a real Postgres: every row of its published ranking.

auction_import_test.py SLUICE REPOSITORY TOPIC_ADMIN: imports the bids of ../shared/data/bids through
`sluice up`; expects all rows of reconcilled.csv in the order of `bid` before the close and in `ranking`
after it, in `auction.rank`, after a refold, and after a second import; and that posting the rows in the
order of the file gives another ranking.
"""
import csv
import gzip
import json
import subprocess
import sys

from broker import on_each_log
from postgres import ask
from system import (DEADLINE_SECONDS, REPOSITORY, SLUICE, Folder, Up, eventually, sluice, verify,
                    wait_for)

BIDS = REPOSITORY.parent / "shared/data/bids"
SESSION, WINNERS = "real", 5810
ORDER = "score DESC, placed_at, position"


def rows_of(name):
    with gzip.open(BIDS / name, "rt", newline="") as file:
        return list(csv.DictReader(file))


def golden():
    """What the auction's own reconciliation has: bidder, amount, last bid, number of bids, by rank."""
    rows = sorted(rows_of("reconcilled.csv.gz"), key=lambda row: int(row["rank"]))
    assert [int(row["rank"]) for row in rows] == list(range(1, len(rows) + 1))
    return [[row["bidder"].removeprefix("0x"), row["boostedAmount"], row["timestamp"], row["bids"]]
            for row in rows]


def milliseconds(column):
    return f"(extract(epoch FROM {column}) * 1000)::bigint"


def live_order(up, session):
    return ask(up.postgres, f"SELECT user_id, score::numeric::text AS amount, {milliseconds('occurred_at')}, bid_count "
                            f"FROM auction.bid WHERE session_id = '{session}' ORDER BY {ORDER}")


def final_order(up, session):
    return ask(up.postgres, f"""
        SELECT ranking.user_id, ranking.score::numeric::text AS amount, {milliseconds('bid.occurred_at')},
               bid.bid_count
        FROM auction.ranking JOIN auction.bid USING (session_id, user_id)
        WHERE session_id = '{session}' ORDER BY rank""")


def post(up, lines):
    ran = subprocess.run([SLUICE, "post", "--http", up.http, "--domain", "auction", "--batch", "2000", "-"],
                         input="\n".join(lines) + "\n", capture_output=True, text=True,
                         timeout=DEADLINE_SECONDS)
    assert ran.returncode == 0, ran.stderr
    wait_for(json.loads(ran.stdout)["token"], up.postgres)


def event(identity, fact, data):
    return json.dumps({"specversion": "1.0", "id": identity, "source": "/test", "type": fact,
                       "actor": "import", "actorrole": "service", "data": data})


def events_in(rows, session):
    """The import's events without the close, made once more here, in the order of these rows."""
    boosted = {row["bidder"] for row in rows_of("boosted.csv.gz") if row["boosted"] == "TRUE"}
    start = "2025-08-01T00:00:00Z"
    yield event(f"{session}:created", "session.created",
                {"session_id": session, "owner_id": "import", "product": "bid_events", "upset_price": 0,
                 "inventory": WINNERS, "alpha": 1, "beta": 0, "gamma": 1, "starts_at": start})
    for number, row in rows:
        total = int(row["total_amount_mist"])
        weight = total * 105 // 100 - total if row["bidder"] in boosted else 0
        yield json.dumps({"specversion": "1.0", "id": f"{session}:{number}", "source": "/test",
                          "type": "bid.placed", "actor": "import", "actorrole": "service",
                          "time": timestamp(int(row["timestamp_ms"])),
                          "data": {"session_id": session, "user_id": row["bidder"].removeprefix("0x"),
                                   "price": total, "weight": weight}})


def timestamp(count):
    import datetime
    at = datetime.datetime.fromtimestamp(count // 1000, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S") + f".{count % 1000:03}Z"


def differing(found, expected):
    assert len(found) == len(expected), f"{len(found)} rows, expected {len(expected)}"
    return [f"rank {rank + 1}: {a}, expected {b}"
            for rank, (a, b) in enumerate(zip(found, expected)) if a != b]


def check_import(up, expected, again):
    reply = json.loads(sluice("import", "bids", BIDS / "bid_events.csv.gz", "--http", up.http,
                              "--session-id", SESSION, "--inventory", WINNERS).stdout)
    assert reply["session_id"] == SESSION and reply["events"] == 59288, reply
    wait_for(reply["token"], up.postgres)
    for found in (final_order(up, SESSION), live_order(up, SESSION)):
        wrong = differing(found, expected)
        assert not wrong, f"{len(wrong)} rows: {wrong[:3]}"
    session = ask(up.postgres, "SELECT status, winner_count, final_price, product FROM auction.session "
                               f"WHERE session_id = '{SESSION}'")
    assert session == [["closed", str(WINNERS), "5010000000", "bid_events"]], session
    clearing = ask(up.postgres, f"SELECT price FROM auction.ranking WHERE session_id = '{SESSION}' "
                                f"AND rank = {WINNERS + 1}")
    assert clearing == [["5010000000"]], clearing
    assert ask(up.postgres, f"SELECT count(*) FILTER (WHERE is_winner), count(*) FILTER (WHERE is_winner "
                            f"<> (rank <= {WINNERS})) FROM auction.ranking") == [[str(WINNERS), "0"]]
    assert ask(up.postgres, """
        SELECT count(*) FROM auction.leaderboard FULL JOIN
               (SELECT * FROM auction.ranking WHERE rank <= 100) AS first USING (session_id, rank)
        WHERE (leaderboard.user_id, leaderboard.price, leaderboard.score, leaderboard.placed_at)
              IS DISTINCT FROM (first.user_id, first.price, first.score, first.placed_at)""") == [["0"]]
    assert ask(up.postgres, "SELECT count(*) FROM sluice.rejection") == [["0"]]
    print(f"  {len(expected)} rows equal{again}", flush=True)


def check_before_the_close(up, expected, rows):
    """The import's own order, but nobody closes: the rows of bid have the ranking already."""
    post(up, events_in(sorted(rows, key=lambda row: (int(row[1]["timestamp_ms"]), row[0])), "live"))
    wrong = differing(live_order(up, "live"), expected)
    assert not wrong, f"{len(wrong)} rows: {wrong[:3]}"
    ranks = ask(up.postgres, f"""
        SELECT count(*), count(*) FILTER (WHERE auction.rank('live', user_id) = place)
        FROM (SELECT user_id, row_number() OVER (ORDER BY {ORDER}) AS place FROM auction.bid
              WHERE session_id = 'live') AS places WHERE place % 97 = 0""")
    assert ranks[0][0] == ranks[0][1], ranks
    assert ask(up.postgres, "SELECT count(*) FROM auction.ranking WHERE session_id = 'live'") == [["0"]]
    print("  equal in bid before the close", flush=True)


def check_file_order_fails(up, expected, rows):
    post(up, events_in(rows, "unsorted"))
    wrong = differing(live_order(up, "unsorted"), expected)
    assert wrong, "the file has its bids in order: the test proves nothing"
    print(f"  in file order {len(wrong)} rows differ", flush=True)


def live_through(name, flags, where):
    expected = golden()
    rows = list(enumerate(rows_of("bid_events.csv.gz"), 1))
    with Folder() as folder, Up(folder / "data", flags, "--domains", "deliberation,people,auction") as up:
        log = where or ["--data", up.folder]
        up.start()
        check_import(up, expected, "")
        check_import(up, expected, ", imported twice")
        check_before_the_close(up, expected, rows)
        check_file_order_fails(up, expected, rows)
        verify(up.postgres, log, "auction")
        eventually("ready", lambda: up.readiness() == "")
        up.stop()
    print(f"passed: {name}")


if __name__ == "__main__":
    sys.exit(on_each_log("a real auction", live_through))
