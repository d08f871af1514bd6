#!/usr/bin/env python3
"""What readers find in Postgres: waiting for a token, freshness, and roles that may do no more than
they must.

postgres_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import subprocess
import sys
import time

from program import Folder, Up, conversation, post, result, run, sluice, vote


def refused(up, sql, says):
    ran = subprocess.run(["psql", up.postgres, "-qAtc", sql], capture_output=True, text=True)
    assert ran.returncode != 0 and says in ran.stderr, (sql, ran.stdout, ran.stderr)


def waiting(up):
    reply = post(up, [conversation("c"), vote("c", "p")])
    where, position = reply["token"].split("@")

    def asked(token, timeout="0 s"):
        return up.ask(f"SELECT sluice.wait_for('{token}', '{timeout}')")[0][0]

    assert asked(reply["token"]) == "t" and asked("") == "t"
    assert asked(f"{where}@0,{reply['token']}") == "t"
    beyond = f"{where}@{int(position) + 1}"
    begun = time.monotonic()
    assert asked(beyond, "300 ms") == "f" and time.monotonic() - begun >= 0.3
    assert asked(f"{reply['token']},{beyond}") == "f", "all of it"
    assert asked("nowhere:0@1") == "f", "a domain that is nowhere projected"
    log = where.split("~")[1].split(":")[0]
    assert asked(reply["token"].replace(f"~{log}", "")) == "t", "of the view's own log"
    other = reply["token"].replace(log, "another"[:6])
    refused(up, f"SELECT sluice.wait_for('{other}', '60 s')", "is of another log")
    run("wait", other, "--postgres", up.postgres, code=2, says="is of another log")
    run("wait", f"{reply['token']},{other}", "--postgres", up.postgres, code=2,
        says=f"stands on {log}")
    assert asked("deliberation:99@0") == "f", "a partition that there is not"
    for wrong in ("deliberation", "deliberation:0", ":0@1", "deliberation:-1@0", "a:0@1,",
                  "a:0@x", "A:0@1", "a~k3f9:0@1", "a~K3F9Q2:0@1", "a~:0@1", "a:0@1;b:0@1", "a:1234567890@1"):
        refused(up, f"SELECT sluice.wait_for('{wrong}', '0 s')", "malformed token")
    for level in ("REPEATABLE READ", "SERIALIZABLE"):
        refused(up, f"BEGIN ISOLATION LEVEL {level}; SELECT sluice.wait_for('{reply['token']}')",
                "needs READ COMMITTED")
    # One that is waited for meanwhile.
    reader = subprocess.Popen(["psql", up.postgres, "-qAtc",
                               f"SELECT sluice.wait_for('{beyond}', '60 s')"],
                              stdout=subprocess.PIPE, text=True)
    post(up, [vote("c", "p2")])
    assert reader.communicate(timeout=60)[0] == "t\n"

    assert result("wait", beyond, "--postgres", up.postgres, "--json") == {"reached": True}
    later = f"{where}@{int(position) + 9}"
    run("wait", later, "--postgres", up.postgres, "--timeout", "100ms", code=1,
        says=f"{where} is at {int(position) + 1}, not yet at {int(position) + 9}")
    run("wait", "nowhere:0@1", "--postgres", up.postgres, "--timeout", "0s", code=2,
        says="there is no domain nowhere; there are: ")


def freshness(up):
    rows = up.ask("SELECT projection, partition, position, log_end, lag, record_time IS NULL, "
                  "age < '1 min' FROM sluice.freshness WHERE projection = 'deliberation' "
                  "ORDER BY partition")
    assert [row[1] for row in rows] == ["0", "1", "2", "3"], rows
    for projection, _, position, log_end, lag, no_time, fresh in rows:
        assert (projection, lag, fresh) == ("deliberation", "0", "t"), rows
        assert position == log_end and (no_time == "t") == (position == "0"), rows
    shown = result("status", "--postgres", up.postgres, "--json")
    assert [str(row["position"]) for row in shown["partitions"]
            if row["projection"] == "deliberation"] == [row[2] for row in rows]
    assert shown["rejected"] == [] and shown["quarantined"] == []
    post(up, [vote("nowhere", "p")])
    rejected = result("status", "--postgres", up.postgres, "--json")["rejected"]
    assert len(rejected) == 1 and rejected[0]["rejected"] == 1, rejected
    assert rejected[0]["reason"] in sluice("status", "--postgres", up.postgres).stdout


def differences_by_reader(up, as_reader, as_writer):
    """Values of rows that a reader may read; of what only the fold has, nothing. Of a partition that nobody audits."""
    for table in ("opinion", "no_table"):
        up.ask("INSERT INTO sluice.audit_difference (projection, generation, partition, partition_key, table_name, key, "
               f"what, expected, found, found_in) VALUES ('deliberation', 1, 99, 'c', '{table}', '{{}}', 'changed', "
               "'1', '2', 'state')")
    asked = "SELECT table_name, expected, found FROM sluice.audit_difference WHERE partition = 99 ORDER BY 1"
    assert len(up.ask(as_reader + "SELECT * FROM sluice.audit_difference")) == 1
    assert up.ask(as_reader + asked) == [["opinion", "1", "2"]]
    assert up.ask(as_writer + asked) == up.ask(asked) == [["no_table", "1", "2"], ["opinion", "1", "2"]]
    up.ask(f"{as_writer}DELETE FROM sluice.audit_difference WHERE partition = 99")
    assert up.ask(asked) == []


def roles(up):
    """Who reads can only read; who writes can write rows and nothing else."""
    tables = [f'{schema}."{name}"' for schema, name in up.ask(
        "SELECT schemaname, tablename FROM pg_tables WHERE schemaname IN ('sluice', "
        "'deliberation_g1') UNION ALL SELECT schemaname, viewname FROM pg_views WHERE schemaname "
        "IN ('sluice', 'deliberation')")]
    assert len(tables) > 12, tables
    as_reader, as_writer = "SET ROLE sluice_reader; ", "SET ROLE sluice_writer; "
    more = "INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
    for table in tables:
        up.ask(f"{as_reader}SELECT count(*) FROM {table}")
        may = up.ask(f"SELECT has_table_privilege('sluice_reader', '{table}', '{more}')")
        assert may == [["f"]], table
    differences_by_reader(up, as_reader, as_writer)
    for change in ("DELETE FROM", "TRUNCATE"):
        refused(up, f"{as_reader}{change} deliberation_g1.ballot", "denied")
    assert up.ask(f"{as_reader}SELECT sluice.wait_for('')") == [["t"]]
    granted = up.ask("SELECT DISTINCT privilege_type FROM information_schema.table_privileges "
                     "WHERE grantee = 'sluice_reader'")
    assert granted == [["SELECT"]], granted
    for schema in ("sluice", "deliberation", "deliberation_g1"):
        for role in (as_reader, as_writer):
            refused(up, f"{role}CREATE TABLE {schema}.mine ()", "denied")
    for table in ("deliberation_g1.ballot", "sluice.position", "sluice.rejection",
                  "sluice.quarantine"):
        up.ask(f"{as_writer}BEGIN; DELETE FROM {table}; ROLLBACK")
        refused(up, f"{as_writer}TRUNCATE {table}", "denied")
    for change in ("live = false", "status = 'failed'", "keys_sql = 'DROP SCHEMA sluice CASCADE'"):
        refused(up, f"{as_writer}UPDATE sluice.projection SET {change}", "denied")
    for function in ("note_phase('deliberation', 1)", "make_keys('deliberation', 1)", "note_ready('deliberation', 1, 0)"):
        up.ask(f"{as_writer}SELECT sluice.{function}")
        refused(up, f"{as_reader}SELECT sluice.{function}", "denied")


with Folder() as scratch:
    running = Up(scratch / "data", ["--memory", "128MiB"])
    running.start()
    try:
        waiting(running)
        freshness(running)
        roles(running)
    finally:
        running.stop()
sys.exit(0)
