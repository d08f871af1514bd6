#!/usr/bin/env python3
"""`sluice doctor` names what is wrong, with what was seen and a command that helps, and is silent about a system that is
well: fresh, idle, under load, rebuilding. Each code is caused on real parts, but for those whose facts are put into a row
of sluice.process: what RocksDB, a broker, or a program of another version would have said there.

doctor_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import contextlib
import itertools
import json
import signal
import subprocess
import sys
import threading

from doctor import NOTHING, ask_doctor, does, doctor, finds, found, is_silent, pasted
from program import Folder, Up, conversation, eventually, post, result, run, sluice, vote, within
from postgres import Session, ask

TABLE = "deliberation_g1.ballot"


def well(up):
    """Fresh, with posts shown, and under load; also while a generation is built beside the live one."""
    for flags in ([], ["--data", up.folder], ["deliberation", "--data", up.folder]):
        told = doctor(up, *flags)
        assert told == NOTHING, told
    post(up, [conversation("c"), *(conversation(f"c{n}") for n in range(20)), vote("c", "p")])
    assert doctor(up) == NOTHING
    assert "nothing found" in run("doctor", "--postgres", up.postgres, code=0).stdout
    loads = threading.Thread(target=post, args=(up, [vote(f"c{n % 20}", f"p{n}") for n in range(8000)]))
    loads.start()
    looks = 0
    while loads.is_alive() or looks < 3:
        told = doctor(up)
        assert told == NOTHING, told
        looks += 1
    loads.join()


def cannot_run(up):
    run("doctor", "--postgres", "postgresql://127.0.0.1:1/x", code=2, says="no connection to Postgres")
    run("doctor", "nothing", "--postgres", up.postgres, code=2, says="no views of nothing")
    run("doctor", "--postgres", up.postgres, "--data", up.folder.parent, code=2, says="no log in")
    told = ask_doctor(up.ready["reader"])
    assert {each["code"] for each in told["skipped"]} == {"lock_holder", "idle_transaction"}, told


def held(up):
    """A session that is idle with a lock: while a flush waits, and while nobody does."""
    with contextlib.closing(Session(up.postgres + "?application_name=psql")) as session:
        pid = int(session.ask("BEGIN", f"LOCK TABLE {TABLE} IN SHARE MODE", "SELECT pg_backend_pid()")[-1][0][0])
        holder = finds(up, "lock_holder", "--older", "1s", pid=pid)
        assert holder["evidence"]["table"] == TABLE and "ShareLock" in holder["evidence"]["lock"], holder
        assert "LOCK TABLE" in holder["evidence"]["query"] or holder["evidence"]["query"], holder
        assert finds(up, "idle_transaction", "--older", "1s", pid=pid)["since"] == holder["since"]
        # By the variable where the shell has one.
        ends = f'-c "SELECT pg_terminate_backend({pid})"'
        by_name = run("doctor", "--older", "1s", code=1, SLUICE_POSTGRES=up.postgres).stdout
        assert f'psql "$SLUICE_POSTGRES" {ends}' in by_name and "PGPASSWORD" not in by_name, by_name
        by_url = run("doctor", "--older", "1s", "--postgres", up.postgres, code=1).stdout
        assert "@127.0.0.1:" in by_url and ends in by_url and "PGPASSWORD" in by_url, by_url
        young = doctor(up, "--older", "1h")
        assert young["findings"] == [], young
        posted = result("post", "--http", up.http, "--domain", "deliberation", "-", stdin=vote("c", "waits") + "\n")
        waited = eventually("a flush waits", lambda: [
            each for each in found(up, "lock_holder", "--older", "1s", pid=pid) if each["evidence"]["waiting"]])[0]
        assert waited["evidence"]["waiting_query"], waited
        still = finds(up, "standing_still", projection="deliberation")
        assert str(pid) in still["what"], still
        assert still["next"].startswith("sluice doctor --older 0s --postgres "), still
        assert len(still["evidence"]["partitions"]) > 0, still
        looked = pasted(up, still["next"], code=1)
        assert f"pg_terminate_backend({pid})" in looked, looked
        does(up, holder)
    run("wait", posted["token"], "--postgres", up.postgres, "--timeout", "30s", code=0)
    is_silent(up)


def engine_held(up):
    """A table that every question reads: who has it is told at once, and by status, which waits for it."""
    with contextlib.closing(Session(up.postgres + "?application_name=psql")) as session:
        pid = int(session.ask("BEGIN", "LOCK TABLE sluice.heartbeat IN ACCESS EXCLUSIVE MODE",
                              "SELECT pg_backend_pid()")[-1][0][0])
        told = run("status", "--postgres", up.postgres, code=2, says=f"SELECT pg_terminate_backend({pid})").stderr
        assert "has locked sluice.heartbeat for" in told, told
        holder, = doctor(up, "--older", "1s")["findings"]
        assert holder["code"] == "lock_holder" and holder["evidence"]["pid"] == pid, holder
        assert holder["evidence"]["table"] == "sluice.heartbeat" and holder["evidence"]["seconds"] >= 1, holder
        does(up, holder)


def row_held(up):
    """Of a row: a queue is told by its head."""
    with contextlib.closing(Session(up.postgres)) as first, contextlib.closing(Session(up.postgres)) as second:
        update = f"UPDATE {TABLE} SET vote_count = vote_count"
        pid = int(first.ask("BEGIN", "SELECT pg_backend_pid()", update)[1][0][0])
        behind = int(second.ask("SELECT pg_backend_pid()")[0][0][0])
        second.psql.stdin.write(update + ";\n")
        second.psql.stdin.flush()
        holder = eventually("the second waits", lambda: [
            each for each in found(up, "lock_holder", "--older", "100ms", pid=pid)
            if each["evidence"]["waiting"]])[0]
        assert holder["evidence"]["waiting_pid"] == behind and update in holder["evidence"]["waiting_query"], holder
        assert not found(up, "lock_holder", "--older", "100ms", pid=behind)
    is_silent(up)


def indexes(up):
    """One that is gone, ours and the engine's; a key; one that could not be built."""
    index = ask(up.postgres, "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid "
                "WHERE i.indrelid = 'deliberation_g1.conversation'::regclass AND NOT i.indisprimary LIMIT 1")[0][0]
    ask(up.postgres, f"DROP INDEX deliberation_g1.{index}, sluice.rejection_by_event")
    ask(up.postgres, "ALTER TABLE deliberation_g1.conversation DROP CONSTRAINT conversation_pkey")
    for table, name in (("deliberation_g1.conversation", index), ("sluice.rejection", "rejection_by_event"),
                        ("deliberation_g1.conversation", "conversation_pkey")):
        does(up, finds(up, "index_missing", table=table, index=name))
    failed = subprocess.run(["psql", up.postgres, "-qc", "CREATE UNIQUE INDEX CONCURRENTLY one_each ON "
                             f"{TABLE} (conversation_id)"], capture_output=True, text=True)
    assert "could not create unique index" in failed.stderr, failed.stderr
    invalid = finds(up, "index_invalid", index="deliberation_g1.one_each", table=TABLE)
    does(up, invalid)
    is_silent(up)


def dead_rows(up):
    """Of a table that autovacuum must not touch, each vote changed over and over; a small table may have as many."""
    ask(up.postgres, f"ALTER TABLE {TABLE} SET (autovacuum_enabled = off)")
    for _ in range(3):
        ask(up.postgres, f"UPDATE {TABLE} SET vote_count = vote_count")
    bloat = finds(up, "bloat", table=TABLE)
    assert bloat["evidence"]["dead_rows"] >= bloat["evidence"]["live_rows"] > 0, bloat
    off = finds(up, "autovacuum", table=TABLE)
    does(up, bloat)
    within(30, "the dead rows are gone", lambda: not found(up, "bloat"))
    does(up, off)
    is_silent(up)


def old_snapshot(up):
    """A session that may still read what a vacuum would take away."""
    with contextlib.closing(Session(up.postgres)) as session:
        pid = int(session.ask("BEGIN ISOLATION LEVEL REPEATABLE READ", "SELECT pg_backend_pid()",
                              "SELECT count(*) FROM sluice.position")[1][0][0])
        for _ in range(3):
            ask(up.postgres, f"UPDATE {TABLE} SET vote_count = vote_count")
        ask(up.postgres, f"VACUUM {TABLE}")
        kept = finds(up, "autovacuum", "--older", "100ms", table=TABLE, pid=pid)
        assert finds(up, "bloat", "--older", "100ms", table=TABLE)["evidence"]["pid"] == pid
        does(up, kept)
    ask(up.postgres, f"VACUUM {TABLE}")
    is_silent(up)


def restarted(up):
    """Killed and started again: what the dead one left is nobody's twin, and its partitions are taken."""
    up.kill()
    up.start()
    told = doctor(up)
    assert told["findings"] == [], told


def left_out(up):
    """Domains that nobody projects: where the log has no record nothing waits, which is said and is no alarm."""
    up.stop()
    whole = up.command
    up.command = [*whole, "--domains", "deliberation"]
    up.start()
    shown = json.loads(sluice("status", "--postgres", up.postgres, "--json", check=False).stdout)
    told = {row["projection"]: (row["note"], row["lag"], row["log_end"], row["trouble"]) for row in shown["partitions"]}
    note = "no process projects it, and its log has no records: nothing waits"
    assert told["auction"] == (note, 0, 0, None) and told["deliberation"][0] is None, told
    assert {each["projection"] for each in shown["troubles"]} == {"people"}, "its log has records"
    assert note in sluice("status", "--postgres", up.postgres, check=False).stdout
    for table, column in (("heartbeat", "seen_at"), ("position", "updated_at")):
        ask(up.postgres, f"UPDATE sluice.{table} SET {column} = {column} - interval '1 min' "
            "WHERE projection <> 'deliberation'")
    assert doctor(up, "auction") == NOTHING
    # A process that was killed is heard for ten seconds more.
    people = eventually("nobody is said to project it", lambda: [
        each for each in found(up, "no_owner", projection="people") if "nobody folds" in each["what"]])[0]
    assert f"process {up.process.pid} on " in people["next"] and "among its --domains" in people["next"], people
    # One that does project it is not told to, nor is that the first cause of all.
    with told_by_process(up, '{"rules": {"people": 1}, "brokers": "127.0.0.1:1"}', silent=False):
        taken = finds(up, "no_owner", projection="people", pid=1)
        assert "process 1 on elsewhere projects it, and has not taken them" in taken["what"], taken
        assert taken["next"].startswith("sluice topics list --brokers '127.0.0.1:1'  # "), taken
    up.stop()
    up.command = whole
    up.start()
    is_silent(up)


def connections(up):
    used = int(ask(up.postgres, "SELECT numbackends FROM pg_stat_database WHERE datname = current_database()")[0][0])
    ask(up.postgres, f"ALTER DATABASE postgres CONNECTION LIMIT {used + 1}")
    few = finds(up, "connections", most=used + 1)
    assert few["evidence"]["used"] >= 0.9 * (used + 1) and few["evidence"]["by_user"]["sluice"] > 1, few
    does(up, few)
    is_silent(up)


def generations(up):
    """Built, promoted and left: nothing is said before a day has passed."""
    result("rebuild", "deliberation", "--postgres", up.postgres)
    while ask(up.postgres, "SELECT status FROM sluice.projection WHERE projection = 'deliberation' AND generation = 2"
              )[0][0] != "ready":
        told = doctor(up)
        assert told == NOTHING, told
    is_silent(up)
    ask(up.postgres, "UPDATE sluice.projection SET made_at = made_at - interval '2 days' WHERE generation = 2")
    ready = finds(up, "generation_left", generation=2, status="ready")
    built_by_newer(up)
    eventually("it is where the live one is", lambda: ask(
        up.postgres, "SELECT count(DISTINCT position) = count(DISTINCT partition) FROM sluice.position "
        "WHERE projection = 'deliberation'")[0][0] == "t")
    does(up, ready)
    is_silent(up)
    ask(up.postgres, "UPDATE sluice.projection SET promoted_at = promoted_at - interval '2 days' WHERE live")
    standing = finds(up, "generation_left", generation=1, status="standing")
    does(up, standing)
    is_silent(up)


def built_by_newer(up):
    """An older program was started while a newer one's generation waits: it is not advised to take that away."""
    version = "UPDATE sluice.projection SET version = version {} 1 WHERE projection = 'deliberation' AND generation = 2"
    ask(up.postgres, version.format("+"))
    left = finds(up, "generation_left", generation=2, status="ready")
    assert left["next"].startswith("sluice promote deliberation") and "are of an older program than it" in left["next"], left
    nobody = finds(up, "version", generation=2)
    assert nobody["next"].startswith("sluice generations deliberation") and "start the program" in nobody["next"], nobody
    ask(up.postgres, version.format("-"))
    eventually("it is folded again", lambda: ask(
        up.postgres, "SELECT count(*) FROM sluice.heartbeat WHERE projection = 'deliberation' AND generation = 2 "
        "AND NOT released AND seen_at > now() - interval '3 s' AND owner <> ''")[0][0] == "4")


def versions(up):
    """Readers' generation is by rules that nobody has; programs of two versions side by side."""
    post_again = "UPDATE sluice.projection SET version = version {} 1 WHERE projection = 'people' AND live"
    ask(up.postgres, "UPDATE sluice.process SET since = since - interval '1 hour'")
    ask(up.postgres, post_again.format("+"))
    # An older program was started by mistake: no generation is to be made for that.
    older = finds(up, "version", projection="people", generation=1)
    assert "an older program than the one whose rows readers see" in older["what"], older
    assert older["next"].startswith(f"kill {up.process.pid} ") and "start the program of version 2" in older["next"], older
    with told_by_process(up, '{"rules": {"people": 2}}', silent=False):
        # The newer one runs, and the doctor is the older's.
        asks = finds(up, "version", projection="people", program=1)
        assert "This program has version 1" in asks["what"] and "by the program that has version 2" in asks["next"], asks
    ask(up.postgres, post_again.format("-"))
    is_silent(up)
    ask(up.postgres, post_again.format("-"))
    nobody = finds(up, "version", projection="people", generation=1)
    assert nobody["next"].startswith("sluice rebuild people"), nobody
    ask(up.postgres, post_again.format("+"))
    is_silent(up)
    with told_by_process(up, "{}", version="0.0.1"):
        two = finds(up, "version")
        assert {"0.0.1"} < {each["version"] for each in two["evidence"]["processes"]}, two


@contextlib.contextmanager
def told_by_process(up, vitals, version=None, silent=True):
    """A row as a process elsewhere has it, for as long as it is renewed: its row is not older than 10 seconds."""
    version = version or ask(up.postgres, "SELECT version FROM sluice.process LIMIT 1")[0][0]
    ask(up.postgres, "INSERT INTO sluice.process (instance, host, pid, version, since, seen_at, vitals) VALUES "
        f"('elsewhere:1:1', 'elsewhere', 1, '{version}', now() - interval '1 hour', now() + interval '40 s', "
        f"'{vitals}')")
    yield
    ask(up.postgres, "DELETE FROM sluice.process WHERE instance = 'elsewhere:1:1'")
    if silent:
        is_silent(up)


def told(up):
    """What only the parts below a process can bring about."""
    for code, vitals, same in (
            ("rocksdb_stall", '{"rocksdb": {"stopped_seconds": 10, "slowed_seconds": 0}}', {"stopped_seconds": 10}),
            ("throttled", '{"kafka": {"throttled_seconds": 0.4}}', {"throttled_seconds": 0.4}),
            ("memory", '{"memory": {"number": 1000, "resident": 990}}', {"resident": 990}),
            ("disk", '{"disk": {"path": "/d", "bytes": 1000000000, "free_bytes": 1000000}}', {"path": "/d"})):
        with told_by_process(up, vitals):
            finds(up, code, host="elsewhere", **same)
    almost = ('{"rocksdb": {"stopped_seconds": 2, "slowed_seconds": 20}, "kafka": {"throttled_seconds": 0.01}, '
              '"memory": {"number": 1000, "resident": 900}, '
              '"disk": {"path": "/d", "bytes": 100000000000, "free_bytes": 7000000000}}')
    with told_by_process(up, almost):
        assert doctor(up)["findings"] == []


def stopped_in_a_flush(up, number):
    """The server finishes the statement that waited for a lock, and nobody ends its transaction."""
    table = "deliberation_g2.ballot"
    with contextlib.closing(Session(up.postgres)) as session:
        session.ask("BEGIN", f"LOCK TABLE {table} IN SHARE MODE")
        result("post", "--http", up.http, "--domain", "deliberation", "-", stdin=vote("c", f"hangs{number}") + "\n")
        eventually("a flush waits", lambda: ask(
            up.postgres, f"SELECT 1 FROM pg_locks WHERE relation = '{table}'::regclass AND NOT granted"))
        up.signal(signal.SIGSTOP)
    idle = "SELECT 1 FROM pg_stat_activity WHERE application_name LIKE 'sluice %' AND state = 'idle in transaction'"
    try:
        return within(2, "the flush is through", lambda: ask(up.postgres, idle))
    except AssertionError:  # it had waited long enough, and gave up
        up.signal(signal.SIGCONT)


def stands_still_whole(up):
    """A process that hangs, with all that it has, and with what a flush has locked: that is told as what follows."""
    tries = itertools.count()
    eventually("it hangs in the middle of a flush", lambda: stopped_in_a_flush(up, next(tries)))
    # Where nobody flushes: else the time comes by itself.
    eventually("nobody has its partitions", lambda: ask(
        up.postgres, "UPDATE sluice.process SET seen_at = seen_at - interval '1 min'; "
        "UPDATE sluice.heartbeat SET seen_at = seen_at - interval '1 min'; "
        "UPDATE sluice.position SET updated_at = updated_at - interval '1 min' WHERE ctid IN "
        "(SELECT ctid FROM sluice.position FOR UPDATE SKIP LOCKED)") == [] and found(
            up, "no_owner", projection="deliberation", pid=up.process.pid, partitions=[0, 1, 2, 3]))
    told = doctor(up, "--older", "1s")["findings"]
    assert told[0]["code"] == "no_owner", told
    kept = [each for each in told if each["code"] in ("lock_holder", "idle_transaction")]
    assert {each["code"] for each in kept} == {"lock_holder", "idle_transaction"}, told
    assert all(each["evidence"]["sluice_process"] == up.process.pid for each in kept), kept
    for each in (told[0], *kept):
        assert each["next"].startswith(f"ps -o pid,stat,etime,args -p {up.process.pid}  # on "), each
        does(up, each)
    assert told[0]["next"].endswith(f"sluice up --data '{up.folder}'"), told[0]
    shown = json.loads(sluice("status", "--postgres", up.postgres, "--json", check=False).stdout)["partitions"]
    assert {(row["owned"], row["log_end"], row["lag"]) for row in shown} == {(False, None, None)}, shown
    up.signal(signal.SIGCONT)
    is_silent(up)


with Folder() as scratch:
    with Up(scratch / "data", ["--memory", "128MiB"]) as running:
        running.start()
        well(running)
        cannot_run(running)
        for cause in (held, engine_held, row_held, indexes, dead_rows, old_snapshot, connections, restarted, left_out, generations, versions, told, stands_still_whole):
            cause(running)
            print(f"passed: {cause.__name__}", flush=True)
        running.stop()
sys.exit(0)
