#!/usr/bin/env python3
"""Posting from a file and from standard input, and lines that are at fault.

post_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import json
import sys

from program import Folder, Up, conversation, post, result, run, vote


def faults_are_named_by_line(up, folder):
    """Batches before the faulty one are in, it is not, nor is what comes after."""
    lines = [conversation("faulty")] + [vote("faulty", f"p{n}") for n in range(1, 9)]
    bad = json.loads(lines[5])
    bad["data"].update(choice="perhaps", nonsense=1)
    lines[5] = json.dumps(bad)
    file = folder / "faulty.jsonl"
    file.write_text("\n".join(lines))
    to = ["post", "--http", up.http, "--domain", "deliberation"]
    ran = run(*to, "--batch", "2", file, code=1, says="line 6: data.choice")
    assert "accepted before: 4, token deliberation~" in ran.stderr, ran.stderr
    token = ran.stderr.split("token ")[1].split()[0]
    run("wait", token, "--postgres", up.postgres, code=0)
    counted = up.ask("SELECT total_vote_count FROM deliberation.conversation_stats "
                     "WHERE conversation_id = 'faulty'")
    assert counted == [["3"]], counted
    # Corrected and posted again, what was in stays as it is.
    lines[5] = vote("faulty", "p5")
    reply = post(up, lines)
    assert reply["accepted"] == 9
    assert up.ask("SELECT total_vote_count FROM deliberation.conversation_stats "
                  "WHERE conversation_id = 'faulty'") == [["8"]]
    for text, says in [("{", "line 1"), ("\n\n[1]\n", "line 3"), ("{}", "line 1: "),
                       (lines[0] + "\nnonsense", "line 2")]:
        run(*to, "-", stdin=text, code=1, says=says)
    run(*to, folder / "nothing", code=2, says="cannot read")
    run("post", "--http", up.http, "--domain", "nothing", file, code=2, says="no domain nothing")


def lines_have_any_form(up, folder):
    lines = [conversation("forms")] + [vote("forms", f"p{n}") for n in range(5)]
    anonymous = json.loads(vote("forms", "p7"))
    del anonymous["id"]
    file = folder / "events.jsonl"
    file.write_bytes(("\r\n".join(lines) + "\n\n  \n" + json.dumps(anonymous)).encode())
    for from_file in (True, False):
        reply = result("post", "--http", up.http, "--domain", "deliberation", "--batch", "3",
                       file if from_file else "-", stdin=None if from_file else file.read_text())
        assert reply["accepted"] == 7, reply
        run("wait", reply["token"], "--postgres", up.postgres, code=0)
    assert up.ask("SELECT total_vote_count FROM deliberation.conversation_stats "
                  "WHERE conversation_id = 'forms'") == [["6"]]
    nothing = result("post", "--http", up.http, "--domain", "deliberation", "-", stdin="")
    assert nothing == {"accepted": 0, "token": ""}
    run("wait", "", "--postgres", up.postgres, code=0)


with Folder() as scratch:
    running = Up(scratch / "data", ["--memory", "128MiB"])
    running.start()
    try:
        faults_are_named_by_line(running, scratch)
        lines_have_any_form(running, scratch)
    finally:
        running.stop()
sys.exit(0)
