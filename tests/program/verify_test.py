#!/usr/bin/env python3
"""`sluice verify` finds whatever was done to a published row, and nothing while all is well.

verify_test.py SLUICE REPOSITORY TOPIC_ADMIN: on the embedded log and on Kafka; while events come in; then one
value of every column of every published table is changed, a row of each is taken away and one put
in, and each of these must be named.
"""
import json
import subprocess
import sys
import urllib.request

from program import SECONDS, SLUICE, Folder, Up, brokers, eventually, run, sluice

# A key that no row has, and another value, of the column's type.
ODD = {"text": "'!'", "bigint": "-7", "boolean": "true"}
OTHER = {"text": "'tampered'", "bigint": "-7", "boolean": "NOT {0}", "jsonb": "'{{\"0\":\"nay\"}}'",
         "double precision": "-7",
         "timestamp with time zone": "'2001-01-01'"}


# What was measured while computing, which nobody can repeat.
MEASURED = {("math_snapshot", "computed_at"), ("math_snapshot", "elapsed_ms")}


def tables(up):
    """Published tables, their keys and other columns with their types."""
    found = {}
    for table, column, kind, is_key in up.ask(
            "SELECT c.table_name, c.column_name, c.data_type, k.column_name IS NOT NULL "
            "FROM information_schema.columns c LEFT JOIN information_schema.key_column_usage k "
            "USING (table_schema, table_name, column_name) WHERE table_schema = 'deliberation_g1' "
            "ORDER BY c.table_name, c.ordinal_position"):
        if (table, column) in MEASURED:
            continue
        keys, others = found.setdefault(table, ({}, {}))
        (keys if is_key == "t" else others)[column] = kind
    assert len(found) >= 5, found
    return found


def verify(up, log, code):
    ran = run("verify", "deliberation", "--postgres", up.postgres, *log, code=code)
    return json.loads(ran.stdout), ran.stderr


def same_while_events_come_in(up, log):
    traffic = subprocess.Popen([SLUICE, "simulate", "deliberation", "--http", up.http, "--rate",
                                "2000", "--seconds", "60s", "--conversations", "20"],
                               stdout=subprocess.PIPE, text=True)
    try:
        rows = 0
        while rows < 1000:
            answer, _ = verify(up, log, 0)
            assert answer["rows"] >= rows and answer["differences"] == 0, answer
            rows = answer["rows"]
        assert traffic.poll() is None, "it still came in"
    finally:
        traffic.terminate()
        token = json.loads(traffic.communicate(timeout=SECONDS)[0])["token"]
    run("wait", token, "--postgres", up.postgres, "--timeout", "60s", code=0)


def at_rest(up):
    """Whether all that is due was computed and published."""
    with urllib.request.urlopen(up.http + "/metrics", timeout=SECONDS) as reply:
        lines = reply.read().decode().splitlines()
    numbers = dict(line.split(" ") for line in lines if line.startswith("sluice_computations_"))
    return numbers["sluice_computations_due"] == numbers["sluice_computations_running"] == "0"


def tampered(up, log):
    """One changed value in a row of its own, a missing and an additional row of every table."""
    eventually("what is due is computed", lambda: at_rest(up))
    whole, _ = verify(up, log, 0)
    expected, rows, differences = [], whole["rows"], 0
    for table, (keys, others) in tables(up).items():
        key = " || ' ' || ".join(keys)
        picked = [name for (name,) in up.ask(
            f"SELECT {key} FROM deliberation_g1.{table} ORDER BY 1 LIMIT {len(others) + 1}")]
        missing = picked.pop() if picked else None
        # All of a small table's columns go into what rows it has.
        for n, (column, kind) in enumerate(others.items() if picked else ()):
            row = picked[n % len(picked)]
            up.ask(f"UPDATE deliberation_g1.{table} SET {column} = {OTHER[kind].format(column)} "
                   f"WHERE {key} = '{row}'")
            expected.append(f"{table} [{row}] {column}: expected ")
        differences += min(len(others), len(picked)) + 1
        if missing:
            up.ask(f"DELETE FROM deliberation_g1.{table} WHERE {key} = '{missing}'")
            expected.append(f"{table} [{missing}]: expected a row, found none")
            differences += 1
        odd = [ODD[kind] for kind in keys.values()]
        up.ask(f"INSERT INTO deliberation_g1.{table} ({', '.join(keys)}) VALUES ({', '.join(odd)})")
        expected.append(f"{table} [{' '.join(odd)}]: expected no row, found one".replace("'", ""))
        rows += 1
    answer, said = verify(up, log, 1)
    assert answer == {"rows": rows, "differences": differences}, (answer, rows, differences, said)
    # What a simulation surely fills, so that most is not compared with nothing.
    for table in ("conversation", "conversation_stats", "opinion", "opinion_stats", "ballot",
                  "math_snapshot", "math_opinion", "math_participant"):
        assert sum(line.startswith(table + " ") for line in expected) > 3, expected
    for line in expected:
        assert line in said, f"{line}\nis not in\n{said}"


def refuses_another_log(up, folder, log):
    """What the view was folded from is told from what only looks like it."""
    with Folder() as other:
        stranger = Up(other / "data", ["--memory", "128MiB"])
        stranger.start()
        try:
            sluice("simulate", "deliberation", "--http", stranger.http, "--seconds", "1s", "--seed",
                   "99", "--conversations", "20")
        finally:
            stranger.stop()
        if log[0] == "--data":
            ran = sluice("verify", "deliberation", "--postgres", up.postgres, "--data",
                         other / "data", check=False)
            assert ran.returncode == 2 and "in this database stand on the log" in ran.stderr, ran.stderr


def on(name, up_log, verify_log):
    with Folder() as folder:
        log = verify_log or ["--data", folder / "data"]
        up = Up(folder / "data", [*up_log, "--memory", "128MiB"])
        up.start()
        try:
            same_while_events_come_in(up, log)
            refuses_another_log(up, folder, log)
            tampered(up, log)
        finally:
            up.stop()
    print(f"passed: {name}")


on("embedded log", ["--log", "embedded"], None)
with brokers() as address:
    if address is None:
        print("SKIPPED (no Kafka jars): verify over Kafka")
    else:
        on("Kafka", ["--log", "kafka", "--brokers", address], ["--brokers", address])
sys.exit(0)
