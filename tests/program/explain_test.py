#!/usr/bin/env python3
"""`sluice explain`: each fate of an event, found by token, by id and by key, on the embedded log and on Kafka.

explain_test.py SLUICE REPOSITORY TOPIC_ADMIN: what nothing can fold is written to the log past ingest; one waits for
a view that somebody holds up; one is edited, one discarded.
"""
import contextlib
import json
import pathlib
import re
import subprocess
import sys

from program import Folder, Up, brokers, conversation, eventually, post, result, run, vote

LOG_WRITER = pathlib.Path(sys.argv[3]).parent / "log_writer"
STREAM = "deliberation.events"


def place_of(token):
    """Partition and offset of the last event that a token of one partition names."""
    partition, position = re.search(r":(\d+)@(\d+)", token).groups()
    return int(partition), int(position) - 1


class System:
    """`up` and how commands find its log beside it."""

    def __init__(self, folder, flags, brokers_):
        self.folder, self.brokers = folder, brokers_
        self.up = Up(folder / "data", ["--memory", "128MiB", "--domains", "deliberation", *flags])
        self.log = ["--brokers", brokers_] if brokers_ else ["--data", folder / "data"]

    def write(self, partition, key, value):
        """A record past ingest. The embedded log is nobody else's meanwhile."""
        if self.brokers:
            subprocess.run(["kcat", "-b", self.brokers, "-P", "-t", STREAM, "-p", str(partition), "-K", "\t",
                            "-D", "\f"], input=f"{key}\t{value}".encode(), check=True, capture_output=True)
            return
        self.up.stop()
        subprocess.run([LOG_WRITER, self.folder / "data", STREAM, str(partition), key, value], check=True,
                       capture_output=True)
        self.up.start()

    def explain(self, what, *flags, code=0, says=""):
        return result("explain", what, "--postgres", self.up.postgres, *self.log, *flags, code=code, says=says)["found"]

    def one(self, what, fate, *flags, **more):
        """The only record of that name: its fate, and what is expected of it besides."""
        found = self.explain(what, *flags)
        assert len(found) == 1, found
        assert set(found[0]) == {"domain", "partition", "offset", "key", "type", "recorded_at", "fate", "reason",
                                 "of"}, found
        assert found[0]["fate"] == fate and more.items() <= found[0].items(), (fate, more, found)
        return found[0]


def visible_and_refused(s):
    made = post(s.up, [conversation("lunch")])
    partition, offset = place_of(made["token"])
    seen = s.one(made["token"], "visible", domain="deliberation", partition=partition, offset=offset, key="lunch",
                 type="conversation.created", reason=None, of=None)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", seen["recorded_at"]), seen
    assert s.one("lunch/created", "visible") == seen == s.one("lunch/created", "visible", "--key", "lunch")
    _, first = place_of(post(s.up, [vote("lunch", "p")])["token"])
    again = post(s.up, [vote("lunch", "p")])["token"]
    s.one(again, "duplicate", offset=place_of(again)[1], of=first, reason=None)
    both = s.explain("lunch/p/0/agree", "--domain", "deliberation")
    assert [(each["fate"], each["of"]) for each in both] == [("visible", None), ("duplicate", first)], both
    assert both == s.explain("lunch/p/0/agree", "--key", "lunch")
    otherwise = {**json.loads(vote("lunch", "p2")), "id": "lunch/p/0/agree"}
    s.one(post(s.up, [json.dumps(otherwise)])["token"], "rejected", reason="event.id_reused", of=first)
    s.one(post(s.up, [vote("nowhere", "p")])["token"], "rejected", reason="conversation.unknown", of=None)
    # Ids that look like tokens: of no domain that there is, or beside a key.
    for like in ("order:7@3", "deliberation:0@1"):
        post(s.up, [json.dumps({**json.loads(vote("lunch", "like-a-token")), "id": like})])
        s.one(like, "visible", "--key", "lunch", key="lunch", type="vote.set")
    s.one("order:7@3", "visible", key="lunch")
    return partition


def unknown_and_wrong(s):
    assert s.explain("never-posted", code=1, says="no such event") == []
    assert s.explain("never-posted", "--key", "lunch", code=1) == []
    assert s.explain("lunch/created", "--since", "1ms", code=1, says="--key finds it at any age") == []
    assert s.explain("lunch/created", "--key", "dinner", code=1) == []
    assert s.explain("deliberation:0@99999", code=1) == []
    assert s.explain("people:0@1", "--domain", "deliberation", code=1) == []
    run("explain", "", "--postgres", s.up.postgres, *s.log, code=2, says="is empty")
    run("explain", "x\n", "--postgres", s.up.postgres, *s.log, code=2, says="neither a token")
    run("explain", "deliberation~zzzzzz:0@1", "--postgres", s.up.postgres, *s.log, code=2, says="another system")
    run("explain", "x", "--domain", "nope", "--postgres", s.up.postgres, *s.log, code=2)
    run("explain", "x", "--postgres", s.up.postgres, code=2, says="--data")


def waiting_in_quarantine(s, partition):
    s.write(partition, "lunch", "garbage")
    eventually("it is in quarantine", lambda: s.up.ask("SELECT count(*) FROM sluice.quarantine") == [["1"]])
    parked = int(s.up.ask("SELECT position FROM sluice.quarantine")[0][0])
    first = s.one(f"deliberation:{partition}@{parked + 1}", "quarantined", key="lunch", type=None, of=None)
    assert "Envelope" in first["reason"], first
    # Behind it wait a repeat of what was folded, one that is refused, and a first.
    tokens = [post(s.up, [event])["token"] for event in (vote("lunch", "p"), vote("lunch", "p", opinion="99"),
                                                         vote("lunch", "q"))]
    for token in tokens:
        behind = s.one(token, "quarantined", of=parked)
        assert "waits behind" in behind["reason"], behind
    return parked, tokens


def decided(s, partition, parked, tokens):
    """An event takes the first's place; of what waited behind it each has its own fate."""
    event = s.folder / "event.json"
    event.write_text(vote("lunch", "r"))
    edit = result("quarantine", "edit", "--domain", "deliberation", "--key", "lunch", "--offset", parked, "--file", event,
                  "--why", "was cut short", "--postgres", s.up.postgres)["token"]
    run("wait", edit, "--postgres", s.up.postgres, code=0)
    s.one(edit, "visible", type="control.edit")
    edited = s.one(f"deliberation:{partition}@{parked + 1}", "visible", of=None)
    assert "edited" in edited["reason"] and "was cut short" in edited["reason"], edited
    repeat, refused, folded = tokens
    assert s.one(repeat, "duplicate")["of"] < parked
    assert s.one(refused, "rejected")["reason"] == "opinion.unknown"
    s.one(folded, "visible")
    post(s.up, [conversation("lost")])
    there = place_of(post(s.up, [vote("lost", "p")])["token"])[0]
    s.write(there, "lost", "garbage")
    eventually("it is in quarantine", lambda: s.up.ask("SELECT count(*) FROM sluice.quarantine") == [["1"]])
    at = int(s.up.ask("SELECT position FROM sluice.quarantine")[0][0])
    dropped = result("quarantine", "discard", "--domain", "deliberation", "--key", "lost", "--offset", at, "--why",
                     "nobody's", "--postgres", s.up.postgres)["token"]
    run("wait", dropped, "--postgres", s.up.postgres, code=0)
    gone = s.one(f"deliberation:{there}@{at + 1}", "rejected", of=None)
    assert "discarded" in gone["reason"] and "nobody's" in gone["reason"], gone
    run("verify", "deliberation", "--postgres", s.up.postgres, *s.log, code=0)


def misrouted(s, partition):
    """In another partition than its key's, where the key's own index does not know of it."""
    stray = (partition + 1) % 4
    s.write(stray, "lunch", "\n\x05stray")  # an envelope of nothing but an id
    at = int(eventually("it is in quarantine", lambda: s.up.ask(
        f"SELECT position FROM sluice.quarantine WHERE partition = {stray} AND key = 'lunch'"))[0][0])
    by_log = s.one("stray", "quarantined", partition=stray, offset=at, key="lunch")
    assert by_log["reason"].startswith("misrouted") and by_log == s.one("stray", "quarantined", "--key", "lunch")
    assert s.explain("stray", "--key", "dinner", code=1) == []
    dropped = result("quarantine", "discard", "--domain", "deliberation", "--key", "lunch", "--partition", stray,
                     "--offset", at, "--why", "nobody's", "--postgres", s.up.postgres)["token"]
    run("wait", dropped, "--postgres", s.up.postgres, code=0)
    assert "nobody's" in s.one("stray", "rejected", "--key", "lunch", offset=at)["reason"]


@contextlib.contextmanager
def held_up(s, partition):
    """Somebody's transaction has the row that a flush moves."""
    with subprocess.Popen(["psql", s.up.postgres, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as holder:
        holder.stdin.write("BEGIN; SELECT 'held' FROM sluice.position WHERE projection = 'deliberation' AND partition "
                           f"= {partition} FOR UPDATE;\n")
        holder.stdin.flush()
        assert holder.stdout.readline() == "held\n"
        yield
        holder.stdin.close()


def waiting_for_the_view(s, partition):
    with held_up(s, partition):
        ahead = [result("post", "--http", s.up.http, "--domain", "deliberation", "-",
                        stdin=vote("lunch", who) + "\n")["token"] for who in ("s", "t")]
        at = place_of(ahead[0])[1]
        s.one(ahead[0], "waiting", of=None)
        s.one(ahead[1], "waiting", of=at)
        s.one("lunch/t/0/agree", "waiting", "--key", "lunch", of=at)
    for token in ahead:
        run("wait", token, "--postgres", s.up.postgres, code=0)
        s.one(token, "visible")


def on(name, flags, brokers_):
    with Folder() as scratch:
        system = System(scratch, flags, brokers_)
        with system.up:
            system.up.start()
            partition = visible_and_refused(system)
            unknown_and_wrong(system)
            decided(system, partition, *waiting_in_quarantine(system, partition))
            misrouted(system, partition)
            waiting_for_the_view(system, partition)
            system.up.stop()
    print(f"passed: {name}")


on("explain, embedded log", [], None)
with brokers() as address:
    if address is None:
        print("SKIPPED (no Kafka jars): explain over Kafka")
    else:
        on("explain, Kafka", ["--log", "kafka", "--brokers", address], address)
