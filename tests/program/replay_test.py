#!/usr/bin/env python3
"""`sluice replay`: a key alone, now and earlier, step by step, held against the view, and repaired.

replay_test.py SLUICE REPOSITORY TOPIC_ADMIN: on the embedded log and on Kafka, with and without an index;
rows that somebody changed, deleted and added are found and mended, and so is the state, whose rows are
taken out while nobody runs.
"""
import datetime
import json
import pathlib
import subprocess
import sys

from program import Folder, Up, brokers, cloud_event, conversation, post, result, run, vote

EDITOR = pathlib.Path(sys.argv[3]).parent / "state_editor"
OPTIONS = "SELECT agrees, disagrees, passes FROM deliberation.opinion_stats WHERE conversation_id = "


def replay(up, log, *arguments, code=0, says=""):
    return result("replay", "deliberation", "--key", "lunch", "--postgres", up.postgres, *log, *arguments,
                  "--json", code=code, says=says)


def by_owner(event_id, kind):
    return json.dumps({**json.loads(cloud_event(event_id, kind, {"conversation_id": "lunch"})), "actor": "o"})


def fill(up):
    """Two conversations, in one of which something is refused, repeated, and said twice under one id."""
    events = [conversation("lunch"), conversation("dinner")]
    for n in range(40):
        events += [vote("lunch", f"p{n % 15}", str(n % 3), ("agree", "disagree", "pass")[n % 3 - n % 2]),
                   vote("dinner", f"p{n}", str(n % 3))]
    post(up, events)
    # Again, and as something else under an id that was used.
    again = json.loads(vote("lunch", "p1", "1", "agree"))
    again["id"] = json.loads(events[2])["id"]
    post(up, [events[2], json.dumps(again)])
    ids = [json.loads(event)["id"] for event in [*events, events[2]] if '"lunch' in event]
    post(up, [by_owner("lunch/closed", "conversation.closed"),
              vote("lunch", "late", "0")])
    return len(ids) - len(set(ids))


def as_the_view_has_it(up, log, index):
    told = replay(up, log, "--diff")
    assert told["differences"] == [] and told["index"] is index, told
    stats = {row["opinion_id"]: row for row in told["tables"]["opinion_stats"]}
    for opinion, *counts in up.ask("SELECT opinion_id, agrees, disagrees, passes FROM "
                                   "deliberation.opinion_stats WHERE conversation_id = 'lunch'"):
        row = stats.pop(opinion)
        assert [row["agrees"], row["disagrees"], row["passes"]] == [int(n) for n in counts], told
    assert not stats, stats
    reasons = {rejection["reason"] for rejection in told["rejections"]}
    assert reasons == {"event.id_reused", "conversation.closed"}, told["rejections"]
    return told


def earlier(up, log, whole):
    """Votes never become fewer as the prefix grows, and a prefix has what was in it."""
    votes = []
    for offset in (0, 1, whole["as_of"] // 3, whole["as_of"] // 2, whole["as_of"]):
        told = replay(up, log, "--as-of", str(offset), says="" if offset == whole["as_of"] else
                      "also what a deletion took later")
        assert told["as_of"] == offset, told
        votes.append(len(told["tables"]["ballot"]) if "ballot" in told["tables"] else told["records"])
    assert votes == sorted(votes) and votes[0] == 0 and votes[-1] > votes[2], votes
    assert replay(up, log, "--as-of", str(whole["as_of"]))["tables"] == whole["tables"]
    assert replay(up, log, "--as-of", "2001-01-01T00:00:00Z")["records"] == 0
    assert replay(up, log, "--as-of", "2101-01-01T00:00:00Z")["tables"] == whole["tables"]
    at_a_time(up, log)


def at_a_time(up, log):
    """A record is in from its own millisecond on, and what a time gives is what the position of that time gives."""
    closed, = result("explain", "lunch/closed", "--domain", "deliberation", "--key", "lunch", "--postgres", up.postgres,
                     *log)["found"]
    at = datetime.datetime.fromisoformat(closed["recorded_at"])
    until, before = (replay(up, log, "--as-of", time.isoformat(timespec="milliseconds"))
                     for time in (at, at - datetime.timedelta(milliseconds=1)))
    assert before["as_of"] <= closed["offset"] < until["as_of"], (before["as_of"], closed, until["as_of"])
    assert before["records"] < until["records"] and before["tables"] != until["tables"], (before, until)
    for told in (until, before):
        assert replay(up, log, "--as-of", str(told["as_of"])) == told


def step_by_step(up, log, whole, repeats):
    """What records changed adds up to the rows, and who changed nothing says why."""
    told = replay(up, log, "--trace")
    records = [step for step in told["trace"] if step["type"] != "timer"]
    assert len(records) == whole["records"], (len(records), whole["records"])
    reasons = [step["reason"] for step in records if step["reason"]]
    assert reasons.count("duplicate") == repeats, reasons
    assert "event.id_reused" in reasons and "conversation.closed" in reasons, reasons
    rows = {}
    for step in told["trace"]:
        for change in step["changes"]:
            at = (change["table"], json.dumps(change["key"], sort_keys=True))
            if change["column"] is None:
                assert rows.get(at) == change["old"], (change, rows.get(at))
                rows[at] = change["new"]
            else:
                assert rows[at][change["column"]] == change["old"], change
                rows[at][change["column"]] = change["new"]
    left = sorted(json.dumps(row, sort_keys=True) for row in rows.values() if row is not None)
    expected = sorted(json.dumps(row, sort_keys=True) for table in whole["tables"].values()
                      for row in table)
    assert left == expected


def mended(up, log):
    up.ask("UPDATE deliberation_g1.opinion_stats SET agrees = 77 WHERE conversation_id = 'lunch' "
           "AND opinion_id = '0'")
    up.ask("DELETE FROM deliberation_g1.opinion WHERE conversation_id = 'lunch' AND opinion_id = '1'")
    up.ask("INSERT INTO deliberation_g1.opinion (conversation_id, opinion_id) VALUES ('lunch', 'x')")
    told = replay(up, log, "--diff", code=1)
    found = {(d["table"], d["key"]["opinion_id"], d["column"]) for d in told["differences"]}
    assert found == {("opinion_stats", "0", "agrees"), ("opinion", "1", None), ("opinion", "x", None)}, told
    of_column = next(d for d in told["differences"] if d["column"])
    assert of_column["found"] == 77 and of_column["expected"] != 77, told
    told = replay(up, log, "--repair")
    assert told["differences"] == [] and told["repair"]["token"].startswith("deliberation~"), told
    assert replay(up, log, "--diff")["differences"] == []
    run("verify", "deliberation", "--postgres", up.postgres, *log, code=0)
    ((kind, answer),) = up.ask("SELECT kind, answer FROM sluice.request WHERE kind = 'key.repair'")
    assert told["repair"]["token"] in answer, answer


def state_mended(up, log, partition):
    """Rows that state has lost would be missed by the next vote only."""
    up.stop()
    folder = up.folder / "state" / "deliberation-g1" / str(partition)
    gone = subprocess.run([EDITOR, folder, "lunch"], capture_output=True, text=True, check=True)
    assert int(gone.stdout) > 5, gone.stdout
    up.start()
    assert replay(up, log, "--repair")["differences"] == []
    post(up, [vote("dinner", "p1", "2", "disagree"),
              by_owner("lunch/reopened", "conversation.reopened"),
              *[vote("lunch", f"p{n}", "2", "pass") for n in range(15)]])
    run("verify", "deliberation", "--postgres", up.postgres, *log, code=0)


def refusals(up, log):
    def refused(*arguments, says):
        run("replay", "deliberation", "--postgres", up.postgres, *log, *arguments, code=2, says=says)
    refused("--key", "", says="--key: is empty")
    refused("--key", "lunch", "--as-of", "", says="--as-of: is empty")
    refused("--key", "lunch", "--as-of", "yesterday", says="give an offset, such as 812, or a time")
    refused("--key", "lunch", "--as-of", "2026-99-01T00:00:00Z", says="give an offset, such as 812")
    refused("--key", "lunch", "--as-of", "123456789", says="is beyond what the view shows")
    refused("--key", "lunch", "--as-of", "3", "--diff", says="give one of them")
    refused("--key", "lunch", "--as-of", "3", "--repair", says="give one of them")
    never = result("replay", "deliberation", "--key", "never", "--postgres", up.postgres, *log,
                   says='no record of the key "never"')
    assert never["records"] == 0 and not any(never["tables"].values()), never


def on(name, up_log, replay_log, *flags, index=True):
    with Folder() as folder:
        log = replay_log or ["--data", folder / "data"]
        up = Up(folder / "data", [*up_log, "--memory", "128MiB"], *flags)
        up.start()
        try:
            repeats = fill(up)
            whole = as_the_view_has_it(up, log, index)
            earlier(up, log, whole)
            step_by_step(up, log, whole, repeats)
            refusals(up, log)
            if index:
                mended(up, log)
                state_mended(up, log, whole["partition"])
                as_the_view_stands_without_up(up, log)
            else:
                refused = result("replay", "deliberation", "--key", "lunch", "--repair", "--postgres", up.postgres,
                                 *log, code=1)
                assert refused["refused"] == "no_index" and "sluice rebuild" in refused["reason"], refused
        finally:
            up.stop()
    print(f"passed: {name}")


def as_the_view_stands_without_up(up, log):
    """A second look at the same key, the process having begun anew: nothing depends on its memory."""
    up.kill()
    up.start()
    assert replay(up, log, "--diff")["differences"] == []


on("embedded log", ["--log", "embedded"], None)
on("embedded log without an index", ["--log", "embedded"], None, "--no-key-index", index=False)
with brokers() as address:
    if address is None:
        print("SKIPPED (no Kafka jars): replay over Kafka")
    else:
        on("Kafka", ["--log", "kafka", "--brokers", address], ["--brokers", address])
sys.exit(0)
