#!/usr/bin/env python3
"""Generations as an operator asks for them: rebuild, generations, retire, and what is refused.

generations_test.py SLUICE REPOSITORY TOPIC_ADMIN. Nobody folds the domain while its generations are looked at, so that they
are what the commands make of them.
"""
import json
import os
import pty
import subprocess
import sys

from program import SLUICE, Folder, Stopwatch, Up, conversation, eventually, post, result, run, vote

SMALL = ["--memory", "128MiB"]
KEYS = ["projection", "generation", "version", "status", "phase", "live", "position_sum", "end_sum", "lag",
        "events_a_second", "eta_seconds", "bytes", "share", "owners", "made_at", "promoted_at", "reason",
        "promotes_itself", "differences"]
DOMAIN = "deliberation"


def generations(up, *domain):
    return result("generations", *domain, "--postgres", up.postgres)["generations"]


def of(up, number):
    return next(each for each in generations(up, DOMAIN) if each["generation"] == number)


def waiting_for(up):
    """A rebuild that waits until it is ready."""
    return subprocess.Popen([SLUICE, "rebuild", DOMAIN, "--postgres", up.postgres, "--wait"], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def ended(process, code):
    out, err = process.communicate(timeout=60)
    assert process.returncode == code, (process.returncode, out, err)
    return json.loads(out), err


def folded(up):
    """What is said of the generation that readers see, while it is folded."""
    post(up, [conversation("c"), *[vote("c", f"p{n}") for n in range(20)]])
    all_of_them = generations(up)
    assert len({each["projection"] for each in all_of_them}) == len(all_of_them) > 1
    live, = generations(up, DOMAIN)
    assert list(live) == KEYS, live
    expected = {"projection": DOMAIN, "generation": 1, "version": live["version"], "status": "live",
                "phase": "following", "live": True, "lag": 0, "eta_seconds": 0, "share": None,
                "promoted_at": None, "reason": None, "promotes_itself": False, "differences": None}
    assert live == {**live, **expected}, live
    assert live["position_sum"] == live["end_sum"] >= 21 and live["bytes"] > 8192, live
    assert live["events_a_second"] == 0 and live["made_at"].endswith("Z"), live
    owner, = live["owners"]
    assert owner["pid"] == up.process.pid and owner["partitions"] == 4 and owner["host"], owner
    ours, theirs = pty.openpty()
    subprocess.run([SLUICE, "generations", "--postgres", up.postgres], stdout=theirs, timeout=60, check=True)
    os.close(theirs)
    table = os.read(ours, 1 << 16).decode()
    assert table.startswith("projection") and f"{DOMAIN} " in table and "{" not in table, table
    run("generations", "nothing", "--postgres", up.postgres, code=2, says="there is no domain nothing")


def asked_for(up):
    """A generation is made once, and what is wrong is refused."""
    for wrong in ("0", "1025", "half"):
        run("rebuild", DOMAIN, "--postgres", up.postgres, "--share", wrong, code=2, says="is no number of cores")
    run("rebuild", "nothing", "--postgres", up.postgres, code=2, says="there is no domain nothing")
    run("rebuild", DOMAIN, "--postgres", up.postgres, "--dedupe-horizon", "1ms", code=2, says="too short")
    run("rebuild", DOMAIN, "--postgres", up.ready["reader"], code=2, says="read-only")
    assert len(generations(up, DOMAIN)) == 1
    before = up.ask(f"SELECT * FROM {DOMAIN}.conversation_stats")
    made = result("rebuild", DOMAIN, "--postgres", up.postgres, "--json")
    assert made == {"projection": DOMAIN, "generation": 2, "status": "building"}, made
    assert result("rebuild", DOMAIN, "--postgres", up.postgres, "--share", "0.25") == made
    live, building = generations(up, DOMAIN)
    assert list(building) == KEYS, building
    expected = {"generation": 2, "status": "building", "phase": "folding", "live": False, "position_sum": 0,
                "end_sum": live["end_sum"], "lag": None, "events_a_second": None, "eta_seconds": None,
                "share": 0.25, "owners": [], "promoted_at": None, "reason": None}
    assert building == {**building, **expected}, building
    assert building["bytes"] > 0 and building["made_at"] > live["made_at"], building
    assert live["owners"] == [] and live["live"] and live["lag"] is None, live
    # Readers see what they saw.
    assert up.ask(f"SELECT * FROM {DOMAIN}.conversation_stats") == before != []
    run("schema", "apply", "--refold", DOMAIN, "--postgres", up.postgres, code=2,
        says=f"sluice retire {DOMAIN} --generation 2")


def progress(up):
    """How fast and how long, from what owners say."""
    up.ask("INSERT INTO sluice.position (projection, generation, partition, loaded, folded, log_end, owner) "
           f"SELECT '{DOMAIN}', 2, p, false, 1500, 22500, 'box:17:x/0/y' FROM generate_series(0, 3) AS p")
    up.ask("INSERT INTO sluice.heartbeat (projection, generation, partition, owner, claimed_at, seen_at, "
           "claimed_from, log_end) SELECT projection, generation, partition, owner, updated_at - "
           "interval '20 s', now(), 500, 22500 FROM sluice.position WHERE generation = 2")
    folding = of(up, 2)
    assert folding["owners"] == [{"host": "box", "pid": 17, "partitions": 4}], folding
    assert (folding["position_sum"], folding["end_sum"], folding["lag"]) == (6000, 90000, 84000), folding
    # The last 10,000 of each partition are not folded in bulk.
    assert folding["events_a_second"] == 200 and folding["eta_seconds"] == 220, folding
    up.ask("UPDATE sluice.projection SET phase = 'indexing' WHERE generation = 2")
    indexing = of(up, 2)
    assert indexing["phase"] == "indexing" and indexing["eta_seconds"] is None, indexing
    up.ask("UPDATE sluice.projection SET phase = 'folding' WHERE generation = 2")


def waited_for(up):
    """--wait ends when it is ready, or when nothing will come of it."""
    wait = waiting_for(up)
    line = wait.stderr.readline()
    assert "nobody builds generation 2 yet" in line, line
    up.ask("UPDATE sluice.projection SET status = 'ready' WHERE generation = 2")
    assert ended(wait, 0)[0] == {"projection": DOMAIN, "generation": 2, "status": "ready"}
    assert result("rebuild", DOMAIN, "--postgres", up.postgres)["status"] == "ready"
    up.ask("UPDATE sluice.projection SET status = 'building' WHERE generation = 2")
    wait = waiting_for(up)
    eventually("it looks", lambda: up.ask("SELECT count(*) > 1 FROM pg_stat_activity WHERE application_name = 'sluice' "
                                          "AND query LIKE '%WITH seen AS%'")[0][0])
    up.ask("UPDATE sluice.projection SET status = 'failed', reason = 'a key came twice' WHERE generation = 2")
    assert ended(wait, 1)[0] == {"refused": "failed", "reason": "a key came twice"}
    assert of(up, 2)["reason"] == "a key came twice"


def refused(up, word, number=2):
    answer = result("retire", DOMAIN, "--generation", number, "--postgres", up.postgres, code=1)
    assert answer["refused"] == word and list(answer) == ["refused", "reason"], answer
    return answer["reason"]


def taken_away(up):
    assert "is what readers see" in refused(up, "live", 1)
    for wrong, says in ((7, f"there is no {DOMAIN} generation 7"), (0, "not a whole number"), ("x", "not a whole")):
        run("retire", DOMAIN, "--generation", wrong, "--postgres", up.postgres, code=2, says=says)
    run("retire", DOMAIN, "--postgres", up.postgres, code=2, says="--generation is required")
    up.ask(f"CREATE VIEW public.mine AS SELECT * FROM {DOMAIN}_g2.ballot")
    assert "mine" in refused(up, "needed")
    up.ask("DROP VIEW public.mine")
    reader = subprocess.Popen(["psql", up.postgres, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    reader.stdin.write(f"BEGIN; SELECT count(*) FROM {DOMAIN}_g2.ballot;\n")
    reader.stdin.flush()
    assert reader.stdout.readline() == "0\n"
    watch = Stopwatch()
    assert "a transaction holds a lock" in refused(up, "locked")
    assert watch.took() < 30
    reader.communicate("COMMIT;\n", timeout=30)
    for _ in range(2):
        assert result("retire", DOMAIN, "--generation", 2, "--postgres", up.postgres) == {"retired": 2}
    gone = of(up, 2)
    # Why it failed was of what is gone.
    assert gone["status"] == "retired" and gone["reason"] is None and gone["bytes"] is None and gone["position_sum"] is None, gone
    assert result("rebuild", DOMAIN, "--postgres", up.postgres)["generation"] == 3
    wait = waiting_for(up)
    assert "nobody builds generation 3 yet" in wait.stderr.readline()
    assert result("retire", DOMAIN, "--generation", 3, "--postgres", up.postgres) == {"retired": 3}
    assert ended(wait, 1)[0]["refused"] == "retired"


with Folder() as scratch:
    running = Up(scratch / "data", SMALL)
    running.start()
    try:
        folded(running)
    finally:
        running.stop()
    aside = Up(scratch / "data", [*SMALL, "--domains", "people"])
    aside.start()
    try:
        eventually("the owner before counts as gone", lambda: of(aside, 1)["owners"] == [])
        asked_for(aside)
        progress(aside)
        waited_for(aside)
        taken_away(aside)
    finally:
        aside.stop()
    # Who folds it again finds the view as it was.
    running.start()
    try:
        post(running, [vote("c", "q")])
        assert of(running, 1)["lag"] == 0
    finally:
        running.stop()
sys.exit(0)
