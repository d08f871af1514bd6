#!/usr/bin/env python3
"""What people decide on quarantine, while the process that has the log runs, and while none does.

decisions_test.py SLUICE REPOSITORY TOPIC_ADMIN: the embedded log; records that nothing can fold are written into it
while nobody has it open.
"""
import json
import pathlib
import re
import subprocess
import sys
import time

from program import Folder, Up, conversation, eventually, post, result, run, sluice, vote

LOG_WRITER = pathlib.Path(sys.argv[3]).parent / "log_writer"
SMALL = ["--memory", "128MiB"]


def partition_of(reply):
    return int(re.search(r":(\d+)@", reply["token"]).group(1))


def write(folder, partition, key, value):
    """A record as it is; the offset that it got."""
    ran = subprocess.run([LOG_WRITER, folder, "deliberation.events", str(partition), key, value],
                         capture_output=True, text=True, check=True)
    return int(ran.stdout)


def votes(up, name):
    return up.ask("SELECT total_vote_count FROM deliberation.conversation_stats "
                  f"WHERE conversation_id = '{name}'")[0][0]


def waiting(up, where="true"):
    return up.ask(f"SELECT partition, position, key FROM sluice.quarantine WHERE {where} ORDER BY 1, 2")


def decide(what, up, *flags, code=0, says=""):
    ran = run("quarantine", what, "--domain", "deliberation", "--postgres", up.postgres, *flags, code=code, says=says)
    if code == 0:
        token = json.loads(ran.stdout)["token"]
        assert re.fullmatch(r"deliberation~[a-z0-9]{6}:\d+@\d+", token), token
        run("wait", token, "--postgres", up.postgres, "--timeout", "30s", code=0)
        return token
    return None


def requests(up, column="answer"):
    return [row[0] for row in up.ask(f"SELECT {column} FROM sluice.request ORDER BY made_at")]


def prepared(scratch):
    """Two conversations; garbage under one's key, and under the other's in a partition that is not its own."""
    up = Up(scratch / "data", SMALL)
    up.start()
    bad = partition_of(post(up, [conversation("bad")]))
    good = partition_of(post(up, [conversation("good")]))
    up.stop()
    places = {"garbage": (bad, write(scratch / "data", bad, "bad", "garbage")),
              "misrouted": ((good + 1) % 4, write(scratch / "data", (good + 1) % 4, "good", "stray")),
              "unkeyed": (good, write(scratch / "data", good, "", "nobody's"))}
    up.start()
    eventually("all are in quarantine", lambda: len(waiting(up)) == 3)
    post(up, [vote("bad", "p"), vote("good", "p")])
    assert votes(up, "bad") == "0" and votes(up, "good") == "1"
    return up, places


def only_what_is_there(up, places):
    partition, offset = places["garbage"]
    decide("discard", up, "--key", "bad", "--offset", offset + 17, code=2,
           says=f"of this key there is partition {partition} offset {offset}")
    decide("discard", up, "--key", "nobody", "--offset", offset, code=2, says="sluice quarantine list")
    partition, offset = places["misrouted"]
    decide("discard", up, "--key", "good", "--partition", (partition + 1) % 4, "--offset", offset, code=2,
           says=f"partition {partition} offset {offset}")
    decide("release", up, "--key", "good", code=2, says="post its event again, then discard it")
    decide("release", up, "--key", "nobody", code=2, says="nothing is in quarantine")
    decide("discard", up, "--offset", offset, code=2, says="--partition and --offset")
    run("quarantine", "discard", "--domain", "deliberation", "--key", "good", "--offset", offset, code=2,
        says="--postgres", SLUICE_POSTGRES="")
    assert len(waiting(up)) == 4 and requests(up) == [], "nothing was asked"


def discarded_where_they_stand(up, places):
    partition, offset = places["misrouted"]
    assert f":{partition}@" in decide("discard", up, "--key", "good", "--offset", offset)
    assert waiting(up, "key = 'good'") == []
    partition, offset = places["unkeyed"]
    decide("discard", up, "--partition", partition, "--offset", offset)
    assert waiting(up, "key = ''") == []
    partition, offset = places["garbage"]
    decide("release", up, "--key", "bad")
    assert len(waiting(up)) == 2, "nobody can read it"
    decide("discard", up, "--key", "bad", "--partition", partition, "--offset", offset)
    assert waiting(up) == [] and votes(up, "bad") == "1", "what waited behind it is folded"
    assert all("token" in answer for answer in requests(up)) and "" not in requests(up, "who")


def a_decision_has_one_effect(up, scratch):
    """A process that is killed before it answers has another answer again."""
    up.ask("UPDATE sluice.request SET id = 'again', answer = NULL, done_at = NULL, made_at = now() WHERE kind = "
           "'quarantine.release'")
    refused = eventually("answered", lambda: up.ask("SELECT answer FROM sluice.request WHERE id = 'again' AND "
                                                    "done_at IS NOT NULL"))
    assert "nothing is in quarantine" in refused[0][0], refused
    up.stop()
    up.start()
    up.ask("INSERT INTO sluice.request (id, kind, projection, argument) VALUES ('odd', 'quarantine.discard', "
           "'deliberation', '{\"key\": \"bad\", \"offset\": \"1; DROP\"}')")
    odd = eventually("answered", lambda: up.ask("SELECT answer->>'reason' FROM sluice.request WHERE id = 'odd' AND "
                                                "done_at IS NOT NULL"))
    assert "the argument is" in odd[0][0], odd
    up.ask("INSERT INTO sluice.request (id, kind, projection, made_at) VALUES ('old', 'quarantine.discard', "
           "'deliberation', now() - interval '1 hour')")
    old = eventually("answered", lambda: up.ask("SELECT answer->>'refused' FROM sluice.request WHERE id = 'old' AND "
                                                "done_at IS NOT NULL"))
    assert old == [["late"]], old
    run("verify", "deliberation", "--postgres", up.postgres, "--data", scratch / "data", code=0)


def nobody_answers(host, scratch):
    """The view is in another's database, which goes on when its process ends."""
    host.ask("CREATE DATABASE apart")
    apart = Up(scratch / "apart", [*SMALL, "--postgres", host.postgres.rsplit("/", 1)[0] + "/apart"])
    apart.start()
    partition = partition_of(post(apart, [conversation("bad")]))
    apart.stop()
    offset = write(scratch / "apart", partition, "bad", "garbage")
    apart.start()
    eventually("it is in quarantine", lambda: len(waiting(apart)) == 1)
    apart.stop()
    begun = time.monotonic()
    decide("discard", apart, "--key", "bad", "--offset", offset, code=2, says="answered within 10 s, and none will")
    assert 9 < time.monotonic() - begun < 20
    apart.start()
    post(apart, [vote("bad", "p")])
    assert len(waiting(apart)) == 2, "what was given up stays given up"
    held = sluice("quarantine", "discard", "--domain", "deliberation", "--key", "bad", "--offset", offset, "--data",
                  scratch / "apart", check=False)
    assert held.returncode == 2 and "asked by --postgres" in held.stderr, held.stderr
    apart.stop()
    # While nothing runs: straight into the log, whether or not Postgres is there to be asked.
    run("quarantine", "discard", "--domain", "deliberation", "--key", "other", "--offset", offset, "--partition",
        partition, "--data", scratch / "apart", code=2, says='is of another key, "bad"', SLUICE_POSTGRES="")
    token = result("quarantine", "discard", "--domain", "deliberation", "--key", "bad", "--offset", offset, "--data",
                   scratch / "apart", SLUICE_POSTGRES="")["token"]
    assert re.fullmatch(rf"deliberation~[a-z0-9]{{6}}:{partition}@\d+", token), token
    apart.start()
    run("wait", token, "--postgres", apart.postgres, code=0)
    eventually("what waited is folded", lambda: waiting(apart) == [] and votes(apart, "bad") == "1")
    apart.stop()


def lists_are_cut_and_paged(up, scratch):
    up.stop()
    wide = "w" * 4000
    for n in range(5):
        write(scratch / "data", n % 4, f"{wide}{n}\n", "garbage")
    up.start()
    eventually("all are in quarantine", lambda: up.ask("SELECT count(*) FROM sluice.quarantine") == [["5"]])
    shown = run("quarantine", "list", "--postgres", up.postgres, "--limit", "3", code=1, says="There are more: --after ")
    assert len(shown.stdout) < 1500 and len(shown.stdout.splitlines()) == 4, shown.stdout
    after = re.search(r"--after (\S+);", shown.stderr).group(1)
    rest = run("quarantine", "list", "--postgres", up.postgres, "--after", after, code=1).stdout.splitlines()
    assert len(rest) == 3, rest
    whole = json.loads(run("quarantine", "list", "--postgres", up.postgres, "--json", code=1).stdout)
    assert len(whole) == 5 and all(len(row["key"]) > 4000 for row in whole)
    assert len(json.loads(run("quarantine", "list", "--postgres", up.postgres, "--json", "--limit", "2",
                              code=1).stdout)) == 2
    run("quarantine", "list", "--postgres", up.postgres, "--after", "x", code=2, says="PROJECTION:PARTITION@POSITION")
    run("quarantine", "list", "--postgres", up.postgres, "--after", "zzz:0@0", code=0)


def main():
    with Folder() as scratch:
        up, places = prepared(scratch)
        try:
            only_what_is_there(up, places)
            discarded_where_they_stand(up, places)
            a_decision_has_one_effect(up, scratch)
            nobody_answers(up, scratch)
            lists_are_cut_and_paged(up, scratch)
        finally:
            up.stop()
    print("passed: decisions on quarantine")


main()
