#!/usr/bin/env python3
"""Every conversation that Polis has exported, imported twice, counts as its own final matrix does.

exports_test.py SLUICE REPOSITORY TOPIC_ADMIN: reads ../shared/data/polis; what is expected is counted here.
"""
import csv
import json
import pathlib
import sys

from program import Folder, Up, result, run

SMALL_EVENTS = 100_000


def matrix(folder):
    """Votes by statement from participants-votes.csv, or None where the export has none."""
    if not (folder / "participants-votes.csv").exists():
        return None
    counts = {}
    with open(folder / "participants-votes.csv", newline="") as file:
        rows = csv.reader(file)
        header = next(rows)
        for row in rows:
            for name, choice in zip(header, row):
                if name.isdigit() and choice:
                    of = counts.setdefault(name, [0, 0, 0])
                    of[{"1": 0, "-1": 1, "0": 2}[choice]] += 1
    return counts


def last_votes(folder):
    """The same from votes.csv: the last of each voter on each statement."""
    last = {}
    with open(folder / "votes.csv", newline="") as file:
        for row in csv.DictReader(file):
            key = row["comment-id"], row["voter-id"]
            last[key] = max(last.get(key, (0, "")), (int(row["timestamp"]), row["vote"]))
    counts = {}
    for (comment, _), (_, choice) in last.items():
        counts.setdefault(comment, [0, 0, 0])[{"1": 0, "-1": 1, "0": 2}[choice]] += 1
    return counts


def comments(folder):
    with open(folder / "comments.csv", newline="", encoding="utf-8-sig") as file:
        return {row["comment-id"]: row for row in csv.DictReader(file)}


def imported(up, folder):
    reply = result("import", "polis", folder, "--http", up.http)
    assert reply["conversation_id"] == folder.name
    run("wait", reply["token"], "--postgres", up.postgres, "--timeout", "100s", code=0)
    return reply["events"]


def check(up, folder):
    name = folder.name
    expected = matrix(folder) or last_votes(folder)
    rows = up.ask("SELECT opinion_id, agrees, disagrees, passes FROM deliberation.opinion_stats "
                  f"WHERE conversation_id = '{name}'")
    found = {row[0]: [int(n) for n in row[1:]] for row in rows}
    texts = comments(folder)
    assert found.keys() == texts.keys(), name
    assert found == {statement: expected.get(statement, [0, 0, 0]) for statement in texts}, name
    total = sum(map(sum, expected.values()))
    assert up.ask("SELECT total_opinion_count, total_vote_count, hidden_opinion_count FROM "
                  f"deliberation.conversation_stats WHERE conversation_id = '{name}'") == [
        [str(len(texts)), str(total),
         str(sum(row["moderated"] == "-1" for row in texts.values()))]], name
    bodies = json.loads(up.ask("SELECT json_object_agg(opinion_id, body) FROM deliberation.opinion "
                               f"WHERE conversation_id = '{name}'")[0][0])
    for comment, row in texts.items():
        text = row["comment-body"][:1000]
        assert bodies[comment] == (text or "-"), (name, comment)


def main():
    data = pathlib.Path(sys.argv[2]).parent / "shared/data/polis"
    folders = [file.parent for file in sorted(data.glob("*/*/comments.csv"))]
    assert len(folders) >= 11, "the exports are there"
    with Folder() as scratch:
        up = Up(scratch / "data", [])
        up.start()
        try:
            for folder in folders:
                events = imported(up, folder)
                check(up, folder)
                if events < SMALL_EVENTS:
                    assert imported(up, folder) == events
                    check(up, folder)
            for kind in ("rejection", "quarantine"):
                assert up.ask(f"SELECT count(*) FROM sluice.{kind}") == [["0"]], kind
            verified = result("verify", "deliberation", "--postgres", up.postgres, "--data",
                              scratch / "data")
            assert verified["differences"] == 0, verified
        finally:
            up.stop()


main()
