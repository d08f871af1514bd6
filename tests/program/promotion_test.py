#!/usr/bin/env python3
"""Compare, promote and rollback as an operator asks for them: forms, refusals, what readers see.

promotion_test.py SLUICE REPOSITORY TOPIC_ADMIN. Nobody folds the domain meanwhile: its second generation is filled here, and
heartbeats say that both are folded.
"""
import os
import subprocess
import sys

from program import SLUICE, Folder, Up, conversation, post, result, run, vote

SMALL = ["--memory", "128MiB"]
DOMAIN = "deliberation"
TABLE_KEYS = ["table", "same", "added", "missing", "changed", "undecided", "unexpected", "columns", "samples"]


def answer(up, command, *flags, code=0):
    return result(command, DOMAIN, "--postgres", up.postgres, *flags, code=code)


def refused(up, word, command, *flags):
    told = answer(up, command, *flags, code=1)
    assert list(told) == ["refused", "reason"] and told["refused"] == word, told
    return told["reason"]


def beat(up):
    up.ask("UPDATE sluice.heartbeat SET seen_at = now() + interval '4 s', released = false "
           f"WHERE projection = '{DOMAIN}'")


def statuses(up):
    return [row[0] for row in up.ask(f"SELECT status FROM sluice.projection WHERE projection = '{DOMAIN}' "
                                     "ORDER BY generation")]


def shown(up):
    return up.ask(f"SELECT vote_count FROM {DOMAIN}.conversation_stats")[0][0]


def nothing_beside(up):
    for command in ("compare", "promote"):
        assert "sluice rebuild" in refused(up, "not_ready", command)
        run(command, DOMAIN, "--postgres", up.postgres, "--generation", 7, code=2, says="there is no")
        run(command, DOMAIN, "--postgres", up.postgres, "--generation", "x", code=2, says="not a whole")
        run(command, "nothing", "--postgres", up.postgres, code=2, says="there is no domain nothing")
    run("compare", DOMAIN, "--postgres", up.postgres, "--generation", 1, code=2, says="is the live one")
    assert "stands" in refused(up, "not_ready", "rollback")


def fill(up):
    """The second generation, as if it had been folded."""
    assert result("rebuild", DOMAIN, "--postgres", up.postgres)["generation"] == 2
    for command in ("compare", "promote"):
        assert "folding" in refused(up, "not_ready", command)
    up.ask(f"""DO $$ DECLARE t text; BEGIN
        FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = '{DOMAIN}_g1' LOOP
          EXECUTE format('INSERT INTO {DOMAIN}_g2.%I SELECT * FROM {DOMAIN}_g1.%I', t, t);
        END LOOP; END $$;
        INSERT INTO sluice.position (projection, generation, partition, position, digest)
          SELECT projection, 2, partition, position, digest FROM sluice.position WHERE projection = '{DOMAIN}';
        INSERT INTO sluice.heartbeat (projection, generation, partition, owner)
          SELECT projection, 2, partition, 'box:17:x/0/y' FROM sluice.position
          WHERE projection = '{DOMAIN}' AND generation = 1;
        SELECT sluice.note_phase('{DOMAIN}', 2); SELECT sluice.make_keys('{DOMAIN}', 2);
        SELECT sluice.note_ready('{DOMAIN}', 2, 0)""")
    assert statuses(up) == ["live", "ready"]


def compared(up):
    told = answer(up, "compare")
    assert list(told) == ["generation", "against", "positions", "tables", "columns_added", "columns_dropped",
                          "unexpected", "emitted"], told
    assert (told["generation"], told["against"], told["unexpected"]) == (2, 1, 0), told
    assert sorted(told["positions"]) == ["0", "1", "2", "3"] and sum(told["positions"].values()) >= 21, told
    assert told["columns_added"] == told["columns_dropped"] == [], told
    # Both have it: each of 20 participants was told of once, and of the conversation.
    assert told["emitted"] == [{"stream": "people.events", "same": 1, "otherwise": 0}], told["emitted"]
    names = [table["table"] for table in told["tables"]]
    assert {"ballot", "conversation_stats", "math_group", "sluice.rejection", "sluice.quarantine"} <= set(names), names
    assert all(list(table) == TABLE_KEYS and table["samples"] == [] for table in told["tables"]), told

    up.ask(f"UPDATE {DOMAIN}_g2.conversation_stats SET vote_count = 77; DELETE FROM {DOMAIN}_g2.ballot "
           "WHERE participant_id = 'p3'")
    told = answer(up, "compare", "--samples", 1, "--json", code=1)
    tables = {table["table"]: table for table in told["tables"]}
    stats, ballot = tables["conversation_stats"], tables["ballot"]
    assert (stats["changed"], stats["columns"], stats["unexpected"]) == (1, {"vote_count": 1}, 1), stats
    assert stats["samples"] == [{"key": {"conversation_id": "c"}, "old": {"vote_count": 20},
                                 "new": {"vote_count": 77}}], stats
    sample, = ballot["samples"]
    assert ballot["missing"] == 1 and sample["new"] is None and sample["old"]["votes"] == {"0": "agree"}, ballot
    assert told["unexpected"] == 2, told
    assert answer(up, "compare", "--expect", "ballot", code=1)["unexpected"] == 1
    assert answer(up, "compare", "--expect", "ballot", "--expect", "conversation_stats.vote_count")["unexpected"] == 0
    assert answer(up, "compare", "--expect", "ballot,conversation_stats.*")["unexpected"] == 0
    run("compare", DOMAIN, "--postgres", up.postgres, "--expect", "ballots", code=2, says="there is no such table")
    run("compare", DOMAIN, "--postgres", up.postgres, "--expect", "ballot.x", code=2, says="no column x")


def not_promoted(up):
    before = shown(up)
    up.ask("UPDATE sluice.heartbeat SET seen_at = now() - interval '6 s' WHERE generation = 2;"
           "UPDATE sluice.position SET updated_at = now() - interval '6 s' WHERE generation = 2")
    assert "of version" in refused(up, "no_owner", "promote")
    beat(up)
    up.ask("UPDATE sluice.position SET position = position + 1001 WHERE generation = 1 AND partition = 0 "
           f"AND projection = '{DOMAIN}'")
    assert "1001 records behind" in refused(up, "lagging", "promote")
    up.ask("UPDATE sluice.position SET position = position - 1001 WHERE generation = 1 AND partition = 0 "
           f"AND projection = '{DOMAIN}'")
    beat(up)
    reason = refused(up, "unexpected", "promote", "--accept-unexpected", 1)
    assert "1 row of conversation_stats (vote_count)" in reason and "1 row of ballot" in reason, reason
    with subprocess.Popen(["psql", up.postgres, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as reader:
        reader.stdin.write(f"BEGIN; SELECT count(*) FROM {DOMAIN}.opinion; SELECT pg_backend_pid();\n")
        reader.stdin.flush()
        reader.stdout.readline()
        pid = reader.stdout.readline().strip()
        beat(up)
        reason = refused(up, "locked", "promote", "--accept-unexpected", 2, "--lock-wait", "500ms")
        assert f"process {pid} (psql)" in reason and "SELECT pg_backend_pid()" in reason, reason
        reader.communicate("COMMIT;\n", timeout=30)
    assert statuses(up) == ["live", "ready"] and shown(up) == before


def promoted(up):
    beat(up)
    killed = subprocess.run([SLUICE, "promote", DOMAIN, "--postgres", up.postgres, "--accept-unexpected", "2"],
                            env={**os.environ, "SLUICE_CRASH_AT": "swap.views_made"}, timeout=60, check=False)
    assert killed.returncode == 137 and shown(up) == "20", killed
    beat(up)
    with subprocess.Popen(["psql", up.postgres, "-qAt"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          text=True) as listener:
        listener.stdin.write("LISTEN sluice_generation; SELECT 1;\n")
        listener.stdin.flush()
        listener.stdout.readline()
        told = run("promote", DOMAIN, "--postgres", up.postgres, "--accept-unexpected", 2, code=0,
                   says="held generation 2 against 1 at {\"0\":")
        heard, _ = listener.communicate("SELECT 2;\n", timeout=30)
        assert f'"sluice_generation" with payload "{{"projection":"{DOMAIN}","generation":2,"was":1}}"' in heard, heard
    positions = answer(up, "compare", code=1)["positions"]
    assert told.stdout == ('{"live":2,"was":1,"positions":{' +
                           ",".join(f'"{p}":{positions[p]}' for p in sorted(positions)) + "}}\n"), told
    assert statuses(up) == ["standing", "live"] and shown(up) == "77"
    assert up.ask("SELECT count(*) > 0 FROM sluice.freshness WHERE projection = 'deliberation'") == [["t"]]
    # Again: once.
    assert answer(up, "promote", "--generation", 2) == {"live": 2, "was": 1, "positions": positions}
    refused(up, "not_ready", "promote")
    reader = up.ready["reader"]
    ran = subprocess.run(["psql", reader, "-qAtc", f"SELECT count(*) FROM {DOMAIN}.ballot"], capture_output=True,
                         text=True, check=True)
    assert ran.stdout == "19\n", ran
    run("promote", DOMAIN, "--postgres", reader, "--generation", 2, code=2)


def rolled_back(up):
    up.ask("UPDATE sluice.heartbeat SET released = true WHERE generation = 1")
    refused(up, "no_owner", "rollback")
    beat(up)
    told = answer(up, "rollback")
    assert list(told) == ["live", "was", "positions"] and (told["live"], told["was"]) == (1, 2), told
    assert statuses(up) == ["live", "ready"] and shown(up) == "20"
    refused(up, "not_ready", "rollback")
    # One is building or ready at a time.
    assert answer(up, "rebuild") == {"projection": DOMAIN, "generation": 2, "status": "ready"}


with Folder() as scratch:
    running = Up(scratch / "data", SMALL)
    running.start()
    try:
        post(running, [conversation("c"), *[vote("c", f"p{n}") for n in range(20)]])
    finally:
        running.stop()
    aside = Up(scratch / "data", [*SMALL, "--domains", "people"])
    aside.start()
    try:
        nothing_beside(aside)
        fill(aside)
        compared(aside)
        not_promoted(aside)
        promoted(aside)
        rolled_back(aside)
    finally:
        aside.stop()
    # Who folds it goes on, and the views are onto what is folded.
    running.start()
    try:
        post(running, [vote("c", "q")])
        assert shown(running) == "21"
        assert result("verify", DOMAIN, "--postgres", running.postgres, "--data", running.folder)["differences"] == 0
    finally:
        running.stop()
sys.exit(0)
