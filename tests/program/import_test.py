#!/usr/bin/env python3
"""What comes in means what its producer meant: exports that are taken again, that other programs wrote, and that
contradict themselves.

import_test.py SLUICE REPOSITORY: reads ../shared/data/cases and a conversation of ../shared/data/polis.
"""
import csv
import pathlib
import random
import shutil
import sys

from program import Folder, Up, cloud_event, post, result, run

SHARED = pathlib.Path(sys.argv[2]).parent / "shared/data"
CASES = SHARED / "cases"
REAL = SHARED / "polis/opendata/brexit-consensus"


def imported(up, folder, *flags, conversation=None):
    reply = result("import", "polis", folder, "--http", up.http, "--conversation-id", conversation or folder.name,
                   *flags)
    run("wait", reply["token"], "--postgres", up.postgres, "--timeout", "100s", code=0)
    return reply


def refused(folder, *says, flags=()):
    """Before anything is posted: nobody listens there."""
    ran = run("import", "polis", folder, "--http", "http://127.0.0.1:9", *flags, code=2)
    for text in says:
        assert text in ran.stderr, ran.stderr


def counts(up, conversation):
    """Agrees, disagrees and passes by opinion."""
    return {row[0]: tuple(map(int, row[1:])) for row in up.ask(
        "SELECT opinion_id, agrees, disagrees, passes FROM deliberation.opinion_stats "
        f"WHERE conversation_id = '{conversation}'")}


def imports(up, conversation):
    """Whether each was completed, in the order of their starts."""
    return [row[0] for row in up.ask("SELECT completed_at IS NOT NULL FROM deliberation.import WHERE "
                                     f"conversation_id = '{conversation}' ORDER BY started_at")]


def everything(up, conversation):
    """Every row that the conversation has, but for the imports."""
    return {table: sorted(up.ask(f"SELECT t::text FROM deliberation.{table} AS t WHERE "
                                 f"conversation_id = '{conversation}'"))
            for table in ("conversation", "conversation_stats", "opinion", "opinion_stats", "ballot",
                          "notification")}


def copy_of(folder, scratch, name):
    """The folder under another name."""
    shutil.rmtree(scratch / name, ignore_errors=True)
    return pathlib.Path(shutil.copytree(folder, scratch / name))


def nothing_was_refused(up):
    assert up.ask("SELECT count(*) FROM sluice.rejection") == [["0"]], up.ask("SELECT * FROM sluice.rejection")
    assert up.ask("SELECT count(*) FROM sluice.quarantine") == [["0"]]


def an_export_taken_again(up, scratch):
    """Tuesday's has rows among Monday's. Between them somebody votes here, which stays."""
    again = CASES / "export-taken-again"
    imported(up, copy_of(again / "monday", scratch, "talk"))
    assert counts(up, "talk") == {"0": (2, 0, 0), "1": (0, 0, 0)}
    post(up, [cloud_event("here", "vote.set", {"conversation_id": "talk", "opinion_id": "0", "participant_id": "2",
                                               "choice": "disagree"})])
    notified = up.ask("SELECT count(*) FROM deliberation.notification WHERE conversation_id = 'talk'")
    imported(up, copy_of(again / "tuesday", scratch, "talk"))
    assert counts(up, "talk") == {"0": (2, 1, 0), "1": (0, 0, 0), "2": (0, 0, 0)}, "of what was there, nothing is set again"
    assert imports(up, "talk") == ["t", "t"], "each of its own"
    assert up.ask("SELECT opinion_id, extract(epoch FROM created_at)::bigint FROM deliberation.opinion "
                  "WHERE conversation_id = 'talk' ORDER BY 1") == [
        ["0", "1700000000"], ["1", "1700000001"], ["2", "1700090000"]], "the export's own times"
    assert up.ask("SELECT count(*) FROM deliberation.notification WHERE conversation_id = 'talk'") == notified
    before = everything(up, "talk")
    imported(up, scratch / "talk")
    imported(up, copy_of(again / "monday", scratch, "talk"))
    assert everything(up, "talk") == before, "what was imported before changes nothing"
    assert imports(up, "talk") == ["t", "t"]
    nothing_was_refused(up)


def moderators_change_their_mind(up, scratch):
    """Each export that differs says what holds then."""
    folder = copy_of(CASES / "export-taken-again/tuesday", scratch, "moderated")
    text = (folder / "comments.csv").read_text()
    hidden = text.replace("1700000001,x,1,0,1,0,1,second", "1700000001,x,1,0,1,0,-1,second")
    assert hidden != text

    def shown(what, extra_vote):
        (folder / "comments.csv").write_text(what)
        (folder / "votes.csv").write_text(votes + extra_vote)
        imported(up, folder)
        return up.ask("SELECT moderation FROM deliberation.opinion WHERE conversation_id = 'moderated' "
                      "AND opinion_id = '1'")[0][0]

    votes = (folder / "votes.csv").read_text()
    assert shown(hidden, "") == "hide"
    assert shown(text, "") == "none"
    assert shown(hidden, "1700090200,x,0,4,1\n") == "hide"
    nothing_was_refused(up)


def a_real_conversation_that_grows(up, scratch):
    """Its rows in any order, in five exports; each says what its own file counts."""
    chance = random.Random(7)
    with open(REAL / "votes.csv", newline="") as file:
        header, *votes = list(csv.reader(file))
    with open(REAL / "comments.csv", newline="", encoding="utf-8-sig") as file:
        names, *comments = list(csv.reader(file))
    votes.sort(key=lambda row: int(row[0]))
    folder = scratch / "grown"
    folder.mkdir()
    for part in (0.2, 0.4, 0.6, 0.8, 1.0):
        cut = votes[:int(len(votes) * part)]
        latest = {}
        for row in cut:
            latest[row[2], row[3]] = row[4]
        # No comment of a vote is missing; the others come as they do in a live conversation: later.
        seen = {row[2] for row in cut}
        rows = [row for row in comments if row[names.index("comment-id")] in seen]
        for name, head, body in (("votes.csv", header, cut), ("comments.csv", names, rows)):
            chance.shuffle(body := list(body))
            with open(folder / name, "w", newline="") as file:
                csv.writer(file).writerows([head, *body])
        imported(up, folder)
        expected = {row[names.index("comment-id")]: [0, 0, 0] for row in rows}
        for (comment, _), choice in latest.items():
            expected[comment][{"1": 0, "-1": 1, "0": 2}[choice]] += 1
        assert counts(up, "grown") == {c: tuple(n) for c, n in expected.items()}, part
    assert imports(up, "grown") == ["t"] * 5
    imported(up, REAL, conversation="whole")
    assert counts(up, "whole") == counts(up, "grown")
    assert up.ask("SELECT sum(done) FROM deliberation.import WHERE conversation_id = 'grown'") != [["0"]]
    nothing_was_refused(up)


def as_others_write_them(up, scratch):
    imported(up, CASES / "flags-as-spreadsheets-write-them")
    assert up.ask("SELECT is_meta, is_seed FROM deliberation.opinion WHERE conversation_id = "
                  "'flags-as-spreadsheets-write-them'") == [["t", "f"]]
    imported(up, CASES / "participant-votes-name")
    assert counts(up, "participant-votes-name") == {"0": (1, 1, 0), "1": (1, 0, 0)}
    imported(up, CASES / "declared-vote-sign")
    assert counts(up, "declared-vote-sign") == {"0": (1, 0, 0)}
    imported(up, CASES / "spreadsheet-tail")
    assert counts(up, "spreadsheet-tail") == {"0": (1, 0, 0)}
    wide = copy_of(CASES / "flags-as-spreadsheets-write-them", scratch, "wide")
    for file in wide.glob("*.csv"):
        file.write_text(file.read_text().replace("first", "f\u00fcrst \U0001f600"), encoding="utf-16")
    imported(up, wide)
    assert up.ask("SELECT body FROM deliberation.opinion WHERE conversation_id = 'wide'") == [["f\u00fcrst \U0001f600"]]
    nothing_was_refused(up)


def what_contradicts_itself(scratch):
    case = CASES / "declared-vote-sign"
    undeclared = copy_of(case, scratch, "undeclared")
    (undeclared / "summary.csv").unlink()
    refused(undeclared, "votes.csv has 0 agree and 1 disagree on comment 0", "comments.csv counts 1 agree and 0 disagree",
            "--agree -1")
    refused(case, "counts 1 agree and 0 disagree", flags=("--agree", "1"))
    unknown = copy_of(case, scratch, "unknown")
    (unknown / "summary.csv").write_text("vote-convention,up is up\n")
    refused(unknown, 'summary.csv line 1: vote-convention is "up is up"')
    latin = copy_of(case, scratch, "latin")
    (latin / "comments.csv").write_text("timestamp,datetime,comment-id,author-id,agrees,disagrees,moderated,"
                                        "comment-body\n1700000000,x,0,0,1,0,0,f\u00fcrst\n", encoding="latin-1")
    refused(latin, "comments.csv line 2, byte 25: not UTF-8")
    flags = copy_of(CASES / "flags-as-spreadsheets-write-them", scratch, "flags")
    text = (flags / "comments.csv").read_text()
    (flags / "comments.csv").write_text(text.replace("TRUE", "WAHR"))
    refused(flags, 'comments.csv line 2: is-meta is "WAHR", neither true nor false')


def main():
    with Folder() as scratch:
        up = Up(scratch / "data", ["--memory", "128MiB"])
        up.start()
        try:
            an_export_taken_again(up, scratch)
            moderators_change_their_mind(up, scratch)
            a_real_conversation_that_grows(up, scratch)
            as_others_write_them(up, scratch)
            what_contradicts_itself(scratch)
            verified = result("verify", "deliberation", "--postgres", up.postgres, "--data", scratch / "data")
            assert verified["differences"] == 0, verified
        finally:
            up.stop()
    print("passed: what comes in means what its producer meant")


main()
