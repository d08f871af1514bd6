#!/usr/bin/env python3
"""A program with new rules comes to the views of an older one: built, compared, promoted by itself, once.

new_version_test.py SLUICE_V1 REPOSITORY TOPIC_ADMIN SLUICE_V2 SLUICE_V3: in place, under load, killed at each step; never
a second time; `--rebuild ask`; refused and told; rules that were mended, and what was decided on what they threw at; two
versions side by side on Kafka.
"""
import os
import pathlib
import re
import subprocess

from program import Folder, brokers, eventually
from two_versions import DOMAIN, Counters, Poster, Reader, added, send, version

# In the order in which an upgrade comes to them.
STEPS = ["generation.made", "bulk.noted", "load.before", "load.rows_copied", "load.committed", "generation.keys_made",
         "generation.compared", "swap.positions_locked", "swap.marked", "swap.views_made", "swap.committed"]
# More than bulk folding leaves to following, in one partition.
MANY = 15_000


def filled(up, batch=1000):
    token = ""
    for begin in range(0, MANY, batch):
        token = send(up, [added("big", f"first{n}") for n in range(begin, begin + batch)])
    up.sluice(1, "wait", token, "--timeout", "60s")
    up.sluice(1, "wait", send(up, [added(f"{'ab'[n % 2]}{n}", "first") for n in range(40)]), "--timeout", "60s")
    # What version 1 rejects and 2 does not.
    up.sluice(1, "wait", send(up, [added("a0", "much", 60)]), "--timeout", "60s")


def shown(up, number):
    eventually(f"readers see version {number}", lambda: up.ask(
        f"SELECT version FROM sluice.projection WHERE live AND projection = '{DOMAIN}'") == [[str(number)]])


def recorded(up):
    """What promoting by itself has changed stands in the generation's row, and in the log."""
    two = up.generations()[2]
    assert not two["promotes_itself"] and two["promoted_at"] and two["reason"] is None, two
    tables = {table["table"]: table for table in two["differences"]["tables"]}
    assert tables["counter"]["columns"]["total"] == 22 and tables["counter"]["changed"] == 22, tables
    assert tables["sluice.rejection"]["missing"] == 1, tables
    assert two["differences"]["against"] == 1 and sum(two["differences"]["positions"].values()) > MANY, two
    assert up.generations()[1]["differences"] is None
    said = [line for line in up.words().splitlines() if "new version differs" in line]
    assert any("table=counter " in line and "changed=22" in line and "total:22" in line for line in said), said
    assert up.ask("SELECT count(*) FROM sluice.rejection JOIN sluice.projection g USING (projection, generation) "
                  "WHERE g.live") == [["0"]]


def in_place(scratch):
    """Stopped, started with the new program, killed at every step; events come all the time."""
    with Counters(scratch / "data") as up:
        up.start()
        filled(up)
        with Reader(up.ready["reader"]) as reader, Poster(up) as poster:
            eventually("readers see the first version", lambda: reader.seen == [1])
            up.stop()
            for step in STEPS:
                version(up, 2).start(SLUICE_CRASH_AT=step)
                up.dies_at(step)
                print(f"  died at {step}", flush=True)
            up.start()
            shown(up, 2)
            eventually("readers see the second version", lambda: reader.seen == [1, 2])
            token = poster.token
            eventually("events come", lambda: poster.token != token)
        eventually("nothing stands still", lambda: not up.readiness())
        up.sluice(2, "wait", poster.token, "--timeout", "60s")
        assert up.statuses() == {1: "standing", 2: "live"}, up.statuses()
        assert reader.looks > 20, reader.looks
        recorded(up)
        up.verify(2)
        # What the first version has emitted and what the second has, each once.
        up.sluice(2, "verify", "echoes", "--data", up.folder)
        eventually("each is emitted once", lambda: up.ask(
            "SELECT (SELECT sum(heard) FROM echoes.echo) = (SELECT sum(additions) - 1 FROM counters.counter)") == [["t"]])
        never_again(up)
        up.stop()


def owned_for_a_while(up, number):
    """Whoever would promote it has had the time to."""
    eventually(f"generation {number} is folded", lambda: up.ask(
        "SELECT count(*) = 4 AND bool_and(NOT released AND seen_at > claimed_at + interval '3 s' AND "
        f"seen_at > now() - interval '5 s') FROM sluice.heartbeat WHERE projection = '{DOMAIN}' "
        f"AND generation = {number}") == [["t"]])


def promoted(up):
    """By hand, once it is near enough."""
    eventually("it is promoted", lambda: "live" in up.sluice(2, "promote", DOMAIN, "--accept-unexpected", 1000, code=None))


def never_again(up):
    """Not after a rollback, nor once it is retired, nor by an older program; a person may."""
    up.stop()
    version(up, 1).start()
    eventually("the first is folded again", lambda: up.sluice(1, "rollback", DOMAIN, code=None) != {}
               and up.statuses() == {1: "live", 2: "ready"})
    assert "is left to a program of that version" in up.words()
    up.verify(1)
    # Every row would differ: that the rules are others is said instead.
    assert up.sluice(2, "verify", DOMAIN, "--data", up.folder, code=2) == {}
    up.stop()
    version(up, 2).start()
    owned_for_a_while(up, 2)
    assert up.statuses() == {1: "live", 2: "ready"}, up.statuses()
    up.sluice(2, "retire", DOMAIN, "--generation", 2)
    up.stop()
    up.start()
    eventually("it waits", lambda: "is not made a second time by itself" in up.readiness())
    assert up.statuses() == {1: "live", 2: "retired"}, up.statuses()
    assert up.sluice(2, "rebuild", DOMAIN, "--wait")["generation"] == 3
    owned_for_a_while(up, 3)
    assert up.statuses() == {1: "live", 2: "retired", 3: "ready"}, up.statuses()
    promoted(up)
    up.sluice(2, "retire", DOMAIN, "--generation", 1)
    up.stop()
    version(up, 1).start()
    eventually("an older program waits", lambda: "was made by a newer one: start that one" in up.readiness())
    assert up.statuses() == {1: "retired", 2: "retired", 3: "live"}, up.statuses()
    up.stop()
    # A version higher than all of them is built again.
    version(up, 3).start()
    shown(up, 3)
    print("  once", flush=True)


def asked(scratch):
    """`--rebuild ask` makes nothing and promotes nothing, takes posts, and says what it waits for."""
    with Counters(scratch / "asked") as up:
        up.start()
        filled(up)
        up.stop()
        up.command += ["--rebuild", "ask"]
        version(up, 2).start()
        eventually("it says so", lambda: "`sluice rebuild counters` of this program" in up.readiness())
        nobody_has_its_rules(up)
        send(up, [added("b1", "meanwhile")])
        assert up.statuses() == {1: "live"}, up.statuses()
        assert up.sluice(2, "rebuild", DOMAIN, "--share", "0.01")["status"] == "building"
        being_built(up)
        assert up.sluice(2, "rebuild", DOMAIN, "--wait")["status"] == "ready"
        owned_for_a_while(up, 2)
        assert up.statuses() == {1: "live", 2: "ready"}, up.statuses()
        promoted(up)
        eventually("nothing stands still", lambda: not up.readiness())
        up.verify(2)
        up.stop()
    print("  asked", flush=True)


def being_built(up):
    """A view without owner says what is built in its place, how far, and by whom."""
    says = rf"generation 2 of version 2 (is being built|is ready): \d+ of 15\d\d\d records, by process {up.process.pid} on \S+"
    eventually("readiness says what is built", lambda: re.search(f"{DOMAIN}:0: .*{says}", up.readiness()))
    troubles = up.sluice(2, "status", "--json", code=1)["troubles"]
    assert [bool(re.search(says, each["trouble"])) for each in troubles
            if each["projection"] == DOMAIN and each["partition"] is not None] == [True] * 4, troubles


def nobody_has_its_rules(up):
    """A view that stands still since nobody who runs has its rules says so, to readers too."""
    says = "generation 1 is of version 1 of the rules, and those who project counters have version 2"
    eventually("freshness says why", lambda: up.ask(
        f"SELECT count(*) FROM sluice.freshness WHERE projection = '{DOMAIN}' AND NOT owned AND "
        f"trouble LIKE '%{says}%'") == [["4"]])
    troubles = up.sluice(2, "status", "--json", code=1)["troubles"]
    of_domain = [each for each in troubles if each["projection"] == DOMAIN]
    assert [says in each["trouble"] for each in of_domain if each["partition"] is not None] == [True] * 4, troubles
    # And what the program that could do something about it waits for.
    eventually("status says so", lambda: any(
        each["partition"] is None and "`sluice rebuild counters` of this program" in each["trouble"]
        for each in up.sluice(2, "status", "--json", code=1)["troubles"]))


def refused(scratch):
    """What is in the way of promoting is told by name wherever one looks, and tried again."""
    with Counters(scratch / "refused") as up:
        up.start()
        filled(up)
        # The private Postgres goes with its process: the reader comes while the next one builds.
        up.stop()
        version(up, 2).start(SLUICE_CRASH_AT="generation.compared")
        up.dies_at("generation.compared")
        up.command += ["--domains", "echoes"]
        up.start()
        with subprocess.Popen(["psql", up.postgres, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              text=True) as reader:
            # Views that stand otherwise: readers have a column of another type.
            reader.communicate("DROP VIEW counters.counter; CREATE VIEW counters.counter AS SELECT counter_id, additions, "
                               "total::text FROM counters_g1.counter; GRANT SELECT ON counters.counter TO sluice_reader;\n",
                               timeout=30)
        up.stop()
        up.command = up.command[:-2]
        up.start()
        told = eventually("it is told", lambda: "could not be promoted" in up.readiness() and up.readiness())
        assert "columns: counter.total is bigint in generation 2, text for readers" in told, told
        reason = up.generations()[2]["reason"]
        assert reason.startswith("columns: "), reason
        troubles = up.sluice(2, "status", "--json", code=1)["troubles"]
        assert any(each["trouble"].endswith(reason) for each in troubles), troubles
        up.ask("DROP VIEW counters.counter; CREATE VIEW counters.counter AS SELECT * FROM counters_g1.counter; "
               "GRANT SELECT ON counters.counter TO sluice_reader")
        shown(up, 2)
        eventually("nothing stands still", lambda: not up.readiness())
        assert up.generations()[2]["reason"] is None
        up.stop()
    print("  refused", flush=True)


def replaced(scratch):
    """A program is replaced by a newer one before what it built was shown."""
    with Counters(scratch / "replaced") as up:
        up.start()
        up.sluice(1, "wait", send(up, [added("b1", "first")]), "--timeout", "60s")
        up.stop()
        version(up, 2).start(SLUICE_CRASH_AT="generation.made")
        up.dies_at("generation.made")
        version(up, 3).start()
        eventually("it waits", lambda: "comes first: it is given up once nobody of version 2" in up.readiness())
        refusal = up.sluice(3, "rebuild", DOMAIN, "--wait", code=1)
        assert refusal["refused"] == "another_version" and "--generation 2" in refusal["reason"], refusal
        aged = "UPDATE sluice.projection SET promotes_itself = {}, made_at = now() - interval '1 min' WHERE generation = 2"
        up.ask(aged.format("false"))
        eventually("one that was asked for stays", lambda: "it was asked for, and nobody runs version 2" in up.readiness())
        assert up.statuses() == {1: "live", 2: "building"}, up.statuses()
        eventually("status says so, too", lambda: any(
            "it was asked for, and nobody runs version 2" in each["trouble"]
            for each in up.sluice(3, "status", "--json", code=1)["troubles"]))
        up.ask(aged.format("true"))
        shown(up, 3)
        assert up.statuses() == {1: "standing", 2: "retired", 3: "live"}, up.statuses()
        assert up.generations()[2]["reason"].startswith("given up for version 3"), up.generations()
        assert "generation given up" in up.words()
        eventually("nothing stands still", lambda: not up.readiness())
        up.verify(3)
        up.stop()
    print("  replaced", flush=True)


def decide(up, what, counter, *flags):
    where = "key = '%s' AND reason LIKE '%%13 is no number'" % counter
    (offset,), = up.ask(f"SELECT position FROM sluice.quarantine WHERE {where}")
    token = up.sluice(1, "quarantine", what, "--domain", DOMAIN, "--key", counter, "--offset", offset, "--why", "13", *flags)
    up.sluice(1, "wait", token["token"], "--timeout", "60s")


def decisions(up, generation):
    return up.ask('SELECT partition, position, "offset", kind, who, why FROM sluice.decision '
                  f"WHERE projection = '{DOMAIN}' AND generation = {generation} ORDER BY 1, 2")


def counted(up):
    return {row[0]: row[1:] for row in up.ask(f"SELECT counter_id, additions, total FROM {DOMAIN}.counter")}


def fates(up, event, counter):
    found = up.sluice(1, "explain", event, "--domain", DOMAIN, "--key", counter, "--data", up.folder)["found"]
    return [(each["fate"], (each["reason"] or "").split(" at ")[0]) for each in found]


def decided_on_13(up):
    """Under the rules that throw: one is discarded, one is edited, and both waited for."""
    up.sluice(1, "wait", send(up, [added(counter, at, amount) for counter in ("drop", "edit")
                                   for at, amount in (("first", 1), ("bad", 13), ("behind", 2))]), "--timeout", "60s")
    eventually("four wait", lambda: up.ask("SELECT count(*) FROM sluice.quarantine") == [["4"]])
    event = pathlib.Path(up.folder).parent / "event.json"
    event.write_text(added("edit", "bad", 5))
    decide(up, "discard", "drop")
    decide(up, "edit", "edit", "--file", event)
    assert counted(up) == {"drop": ["2", "3"], "edit": ["3", "8"]}, counted(up)


def says_what_differs(up):
    """The program is mended and its version is not raised: nothing is called damaged, and every look tells of differences."""
    # Its id has not counted by the old rules.
    up.sluice(1, "wait", send(up, [added("drop", "bad", 13)]), "--timeout", "60s")
    assert counted(up)["drop"] == ["3", "16"], counted(up)
    for counter, column, expected in ("edit", "total", 16), ("drop", None, None):
        replayed = up.sluice(1, "replay", DOMAIN, "--key", counter, "--diff", "--trace", "--data", up.folder,
                             code=1 if column else 0)
        differing = {each["column"]: each["expected"] for each in replayed["differences"]}
        assert differing == ({column: expected} if column else {}), replayed
    # That total, and what both have told in other words.
    assert up.sluice(1, "verify", DOMAIN, "--data", up.folder, code=1)["differences"] == 3
    assert fates(up, "drop/bad", "drop") == [("rejected", "discarded"), ("visible", "")]
    assert fates(up, "edit/bad", "edit") == [("visible", "edited")]
    audited = "SELECT DISTINCT partition_key, column_name FROM sluice.audit_difference"
    eventually("the audit tells", lambda: up.ask(audited) == [["edit", "total"]])
    eventually("its round goes on", lambda: up.ask(
        f"SELECT count(*) FROM sluice.audit WHERE projection = '{DOMAIN}' AND finished_at IS NOT NULL") == [["4"]])
    assert "cause=\"rules that were changed without their version\"" in up.words(), up.words()[-2000:]
    repaired = up.sluice(1, "replay", DOMAIN, "--key", "edit", "--repair", "--data", up.folder, code=1)
    assert len(repaired["differences"]) == 1, repaired
    assert "key not repaired" in up.words()


def built_anew(up):
    """A generation that the mended rules have folded is what verify makes of the log; decisions stand in it, and change nothing."""
    assert up.sluice(1, "rebuild", DOMAIN, "--wait")["status"] == "ready"
    compared = up.sluice(1, "compare", DOMAIN, code=None)
    tables = {table["table"]: table for table in compared["tables"]}
    assert tables["counter"]["columns"] == {"total": 1}, compared
    assert tables["sluice.decision"]["same"] == 2 and tables["sluice.decision"]["changed"] == 0, compared
    eventually("it is promoted", lambda: "live" in up.sluice(1, "promote", DOMAIN, "--accept-unexpected", 1, code=None))
    assert counted(up) == {"drop": ["3", "16"], "edit": ["3", "16"]}, counted(up)
    up.verify(1)
    assert decisions(up, 2) == decisions(up, 1) and len(decisions(up, 2)) == 2, decisions(up, 2)
    assert fates(up, "drop/bad", "drop") == [("visible", ""), ("duplicate", "")]
    assert fates(up, "edit/bad", "edit") == [("visible", "")]


def mended(scratch):
    """What a decision means once the rules fold the record: nothing, in whatever generation these rules have built."""
    with Counters(scratch / "mended", "--audit", "0.5") as up:
        up.start()
        decided_on_13(up)
        up.verify(1)
        up.stop()
        os.environ["COUNTERS_MENDED"] = "1"
        try:
            up.start()
            says_what_differs(up)
            built_anew(up)
            up.stop()
        finally:
            del os.environ["COUNTERS_MENDED"]
        version(up, 2).start()
        shown(up, 2)
        up.verify(2)
        assert decisions(up, 3) == decisions(up, 2), decisions(up, 3)
        up.stop()
    print("  mended", flush=True)


def side_by_side(scratch, bootstrap):
    """The old process folds its own on while the new one's is built; then the other way round."""
    log = ["--log", "kafka", "--brokers", bootstrap]
    with Counters(scratch / "old", *log) as old:
        old.start()
        filled(old)
        with Counters(scratch / "new", *log, "--postgres", old.postgres, program=2) as new, \
                Reader(old.ready["reader"]) as reader, Poster(old) as poster:
            eventually("readers see the first version", lambda: reader.seen == [1])
            new.start()
            shown(old, 2)
            eventually("readers see the second version", lambda: reader.seen == [1, 2])
            new_token = poster.token
            eventually("events come", lambda: poster.token != new_token)
            poster.stop()
            old.sluice(2, "wait", poster.token, "--timeout", "60s")
            assert old.statuses() == {1: "standing", 2: "live"}, old.statuses()
            eventually("the old one stands where the new one is", lambda: old.ask(
                "SELECT count(DISTINCT (partition, position)) = 4 FROM sluice.position "
                f"WHERE projection = '{DOMAIN}'") == [["t"]])
            owners = {n: {owner["pid"] for owner in each["owners"]} for n, each in old.generations().items()}
            assert owners == {1: {old.process.pid}, 2: {new.process.pid}}, owners
            old.verify(2, "--brokers", bootstrap)
            reader.stop()
            new.stop()
        old.stop()
    print("  side by side", flush=True)


with Folder() as folder:
    in_place(folder)
    asked(folder)
    refused(folder)
    replaced(folder)
    mended(folder)
    with brokers() as address:
        if address:
            side_by_side(folder, address)
