#!/usr/bin/env python3
"""What people decide on quarantine, while the process that has the log runs, and while none does.

decisions_test.py SLUICE REPOSITORY TOPIC_ADMIN: the embedded log; records that nothing can fold are written into it
while nobody has it open.
"""
import base64
import json
import pathlib
import re
import subprocess
import sys

from program import (Folder, Stopwatch, Up, cloud_event, conversation, eventually, post, result,
                     run, sluice, vote, within)

LOG_WRITER = pathlib.Path(sys.argv[3]).parent / "log_writer"
SMALL = ["--memory", "128MiB"]
NO_TEXT = "\udcff"  # the byte 255, as an argument


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
    up = Up(scratch / "data", [*SMALL, "--parked-limit", "2"])
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


def shown(up, places):
    """The garbage as its bytes, what waits behind it as the event that it is; and a line of the log says that they came."""
    partition, offset = places["garbage"]
    (_, behind, _), = waiting(up, f"key = 'bad' AND position > {offset}")
    garbage, event = (result("quarantine", "show", "--domain", "deliberation", "--partition", partition, "--offset", at,
                             "--postgres", up.postgres)[0] for at in (offset, behind))
    assert garbage["event"] is None and base64.b64decode(garbage["value"]) == b"garbage", garbage
    posted = json.loads(vote("bad", "p"))
    assert {name: event["event"][name] for name in ("id", "type", "data", "offset")} == {
        **{name: posted[name] for name in ("id", "type", "data")}, "offset": int(behind)}, event
    assert posted["id"].encode() in base64.b64decode(event["value"])
    assert len(event["value"]) > 76 and not set(event["value"]) & set("\r\n"), event
    eventually("a line of the log says so", lambda: "records entered quarantine projection=deliberation" in up.words())


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
    assert sorted(row[2] for row in decisions(up)) == ["discard"] * 3 + ["release"], decisions(up)
    assert all(row[3] for row in decisions(up)), "who made it"
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


def decisions(up, where="true"):
    return up.ask('SELECT partition, "offset", kind, who, why FROM sluice.decision '
                  f"WHERE {where} ORDER BY partition, position")


def worn(up, scratch):
    """Two records under one key that nothing can read, and three votes behind them: more than --parked-limit."""
    partition = partition_of(post(up, [conversation("worn")]))
    up.stop()
    offsets = [write(scratch / "data", partition, "worn", "garbage"), write(scratch / "data", partition, "worn", "more")]
    up.start()
    eventually("both are in quarantine", lambda: len(waiting(up)) == 2)
    post(up, [vote("worn", who) for who in "xyz"])
    return partition, offsets


def beyond_the_limit(up):
    """They wait in the state, and somebody is told."""
    rows = up.ask("SELECT bytes IS NULL, beyond_limit FROM sluice.quarantine ORDER BY position")
    assert rows == [["f", "f"]] * 2 + [["t", "t"]] * 3, rows
    status = result("status", "--postgres", up.postgres, "--json", code=1)
    assert any("3 records wait under keys beyond --parked-limit" in trouble["trouble"]
               for trouble in status["troubles"]), status["troubles"]
    assert [each["beyond_limit"] for each in status["quarantined"]] == [3], status["quarantined"]
    within(10, "nothing stands still", lambda: up.readiness() == "")
    assert "more waits under one key than --parked-limit" in up.words()
    listed = json.loads(run("quarantine", "list", "--postgres", up.postgres, "--json", code=1).stdout)
    assert [each["aged_out"] for each in listed] == [False] * 5, listed


def edit(up, offset, event, *flags, code=0, says="", key="worn", log=()):
    file = pathlib.Path(up.folder).parent / "event.json"
    file.write_text(event)
    return run("quarantine", "edit", "--domain", "deliberation", "--key", key, "--offset", offset, "--file", file,
               "--why", "it was torn", *(log or ["--postgres", up.postgres]), *flags, code=code, says=says)


def only_what_could_be_posted(up, offset):
    edit(up, offset, vote("worn", "q", choice="maybe"), code=2, says="data.choice: must be one of")
    edit(up, offset, "{", code=2, says="not JSON")
    edit(up, offset, cloud_event("e", "vote.set", {"conversation_id": "worn"}), code=2, says="data.opinion_id")
    edit(up, offset, vote("worn", "q" * 600_000), code=2, says="an event may have 524288")
    edit(up, offset, vote("good", "q"), code=2, says='of another key, "good"')
    edit(up, offset + 1000, vote("worn", "q"), code=2, says="of this key there is")
    edit(up, offset, vote("good", "q"), key="good", code=2, says="nothing is in quarantine")
    run("quarantine", "edit", "--domain", "deliberation", "--key", "worn", "--offset", offset, "--file", "/nowhere",
        "--why", "w", "--postgres", up.postgres, code=2, says="/nowhere cannot be read")
    up.ask("INSERT INTO sluice.request (id, kind, projection, argument) VALUES ('by hand', 'quarantine.edit', "
           f"'deliberation', '{{\"key\": \"worn\", \"offset\": {offset}, \"event\": \"[]\"}}')")
    told = eventually("answered", lambda: up.ask("SELECT answer->>'reason' FROM sluice.request WHERE id = 'by hand' "
                                                 "AND done_at IS NOT NULL"))
    assert "the event is not admissible" in told[0][0], told


def previewed(up, scratch, offsets):
    """What a decision would change is told by the process that runs and beside it, and nothing is changed."""
    before = waiting(up), decisions(up), votes(up, "worn")
    end = up.ask("SELECT sum(position) FROM sluice.position")
    one = json.loads(edit(up, offsets[0], vote("worn", "q"), "--dry-run").stdout)["differences"]
    same = json.loads(edit(up, offsets[0], vote("worn", "q"), "--dry-run", log=[
        "--postgres", up.postgres, "--data", scratch / "data"]).stdout)["differences"]
    assert one == same and set(one[0]) == {"table", "key", "column", "expected", "found"}, (one, same)
    total = [each for each in one if each["table"] == "conversation_stats" and each["column"] == "total_vote_count"]
    assert [(each["expected"], each["found"]) for each in total] == [(1, 0)], one
    assert json.loads(run("quarantine", "release", "--domain", "deliberation", "--key", "worn", "--dry-run",
                          "--postgres", up.postgres, code=0).stdout) == {"differences": []}
    run("quarantine", "release", "--domain", "deliberation", "--key", "worn", "--dry-run", "--data",
        scratch / "data", code=2, says="give --postgres", SLUICE_POSTGRES="")
    assert (waiting(up), decisions(up), votes(up, "worn")) == before
    assert up.ask("SELECT sum(position) FROM sluice.position") == end, "nothing was appended"


def edited(up, scratch):
    partition, offsets = worn(up, scratch)
    beyond_the_limit(up)
    only_what_could_be_posted(up, offsets[0])
    previewed(up, scratch, offsets)
    told = json.loads(edit(up, offsets[0], vote("worn", "q")).stdout)["token"]
    run("wait", told, "--postgres", up.postgres, code=0)
    assert votes(up, "worn") == "1" and len(waiting(up)) == 4, "as far as it can be folded"
    edit(up, offsets[0], vote("worn", "q"), code=2, says="of this key there is")
    # Of what is the first now the row has the bytes.
    assert up.ask(f"SELECT encode(bytes, 'escape') FROM sluice.quarantine WHERE position = {offsets[1]}") == [["more"]]
    up.stop()
    # While nothing runs, straight into the log.
    told = json.loads(edit(up, offsets[1], vote("worn", "r"), log=["--data", scratch / "data"]).stdout)["token"]
    up.start()
    run("wait", told, "--postgres", up.postgres, code=0)
    assert votes(up, "worn") == "5" and waiting(up) == []
    assert up.ask("SELECT count(*) FROM sluice.request WHERE argument ? 'event' OR answer ? 'differences'") == [["0"]], \
        "what users wrote is kept where it is erased"
    assert result("status", "--postgres", up.postgres, "--json")["troubles"] == []
    rows = decisions(up, "kind = 'edit'")
    assert [(row[0], row[1], row[4]) for row in rows] == [(str(partition), str(offset), "it was torn")
                                                         for offset in offsets], rows
    assert all("@" in row[3] for row in rows), rows


def rows_by_the_fold(up, scratch):
    """A refold has the same decisions: another row than the log's is found."""
    log = ["--postgres", up.postgres, "--data", scratch / "data"]
    run("verify", "deliberation", *log, code=0)
    up.ask("UPDATE sluice.decision SET why = 'of another' WHERE kind = 'edit'")
    assert result("verify", "deliberation", *log, code=1, says="sluice.decision [")["differences"] == 2
    up.ask("UPDATE sluice.decision SET why = 'it was torn' WHERE kind = 'edit'")
    assert result("rebuild", "deliberation", "--postgres", up.postgres, "--wait")["status"] == "ready"
    # On a busy machine the two may not be at one position within the times that it looks.
    compared = json.loads(eventually("compared", lambda: sluice("compare", "deliberation", "--postgres", up.postgres,
                                                                check=False).stdout.partition('{"refused"')[0]))
    same = {table["table"]: table["same"] for table in compared["tables"]}
    assert same["sluice.decision"] == len(decisions(up, "generation = 1")) > 3, compared
    run("retire", "deliberation", "--generation", "2", "--postgres", up.postgres, code=0)
    assert decisions(up, "generation = 2") == []


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
    watch = Stopwatch()
    decide("discard", apart, "--key", "bad", "--offset", offset, code=2, says="answered within 10 s, and none will")
    assert watch.seconds() > 9 and watch.took() < 20
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


def a_key_that_is_no_text(up, scratch, row, offset):
    """It is JSON wherever it is shown, and what is under it can be decided on."""
    assert (row["key"], row["position"]) == ("\\xff", offset), row
    replayed = result("replay", "deliberation", "--key", NO_TEXT, "--diff", "--postgres", up.postgres, "--data",
                      scratch / "data")
    assert replayed["key_base64"] == "/w==" and "key" not in replayed, replayed
    run("replay", "deliberation", "--key", NO_TEXT, "--repair", "--postgres", up.postgres, "--data", scratch / "data",
        code=2, says="no UTF-8")
    decide("discard", up, "--key", NO_TEXT, "--offset", offset)
    assert waiting(up, f"partition = 3 AND position = {offset}") == []


def lists_are_cut_and_paged(up, scratch):
    up.stop()
    wide = "w" * 4000
    for n in range(5):
        write(scratch / "data", n % 4, f"{wide}{n}\n", "garbage")
    odd = write(scratch / "data", 3, NO_TEXT, "garbage")
    up.start()
    eventually("all are in quarantine", lambda: up.ask("SELECT count(*) FROM sluice.quarantine") == [["6"]])
    shown = run("quarantine", "list", "--postgres", up.postgres, "--limit", "3", code=1, says="There are more: --after ")
    assert len(shown.stdout) < 1500 and len(shown.stdout.splitlines()) == 4, shown.stdout
    after = re.search(r"--after (\S+);", shown.stderr).group(1)
    rest = run("quarantine", "list", "--postgres", up.postgres, "--after", after, code=1).stdout.splitlines()
    assert len(rest) == 4, rest
    whole = json.loads(run("quarantine", "list", "--postgres", up.postgres, "--json", code=1).stdout)
    assert len(whole) == 6 and [len(row["key"]) > 4000 for row in whole] == [True] * 5 + [False]
    a_key_that_is_no_text(up, scratch, whole[-1], odd)
    assert len(json.loads(run("quarantine", "list", "--postgres", up.postgres, "--json", "--limit", "2",
                              code=1).stdout)) == 2
    run("quarantine", "list", "--postgres", up.postgres, "--after", "x", code=2, says="PROJECTION:PARTITION@POSITION")
    run("quarantine", "list", "--postgres", up.postgres, "--after", "zzz:0@0", code=0)


def main():
    with Folder() as scratch:
        up, places = prepared(scratch)
        try:
            shown(up, places)
            only_what_is_there(up, places)
            discarded_where_they_stand(up, places)
            a_decision_has_one_effect(up, scratch)
            edited(up, scratch)
            rows_by_the_fold(up, scratch)
            nobody_answers(up, scratch)
            lists_are_cut_and_paged(up, scratch)
        finally:
            up.stop()
    print("passed: decisions on quarantine")


main()
