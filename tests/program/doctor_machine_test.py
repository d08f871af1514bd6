#!/usr/bin/env python3
"""`sluice doctor` about machines and processes: a slow disk, and state that waits for it, a wrong clock, a full disk,
memory that is used up, a key that is hot, copies of one process; and silence about one that was stopped.

doctor_machine_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import contextlib
import itertools
import os
import subprocess
import sys
import threading

from doctor import NOTHING, does, doctor, finds, found, is_silent
from program import Folder, Up, conversation, eventually, post, result, vote, within
from faulty_system import FaultySystem
from postgres import Cluster, Session, ask

TABLE = "deliberation_g1.ballot"


@contextlib.contextmanager
def slow_syncs(system):
    system.syncs_take_longer(150)
    yield
    system.syncs_take_longer(0)


def slow_disk(up, system):
    """Of the log, as its owner meets it."""
    with slow_syncs(system):
        for n in range(6):
            post(up, [vote("c", f"slow{n}")])
        log = finds(up, "slow_fsync", where="log")
        assert log["evidence"]["median_seconds"] > 0.1 and log["evidence"]["path"] == str(up.folder), log
    for n in range(64):  # the slow ones are forgotten
        result("post", "--http", up.http, "--domain", "deliberation", "-", stdin=vote("c", f"fast{n % 8}") + "\n")
    is_silent(up)


def stalled_state(up, system):
    """The disk takes seconds for each file that state writes, so the next memtable is full before the last one is there."""
    post(up, [conversation("busy")])
    system.syncs_take_longer(2000)
    parts = itertools.count()

    def stalls_while_more_comes():
        part = next(parts)
        events = [vote("busy", f"p{part}-{n}") for n in range(8000)]
        result("post", "--http", up.http, "--domain", "deliberation", "-", stdin="\n".join(events) + "\n")
        return found(up, "rocksdb_stall", pid=up.process.pid)

    stall = eventually("rocksdb_stall", stalls_while_more_comes)[0]
    assert stall["evidence"]["stopped_seconds"] >= 4, stall
    system.syncs_take_longer(0)
    within(120, "state has written for a minute", lambda: not found(up, "rocksdb_stall"))
    post(up, [vote("busy", "last")])
    is_silent(up)


def memory_used_up(up, system):
    """By what no cache and no queue of its own holds."""
    number = 128 << 20
    system.leaks(number)
    memory = finds(up, "memory", pid=up.process.pid)
    assert memory["evidence"]["number"] == number and memory["evidence"]["resident"] >= 0.95 * number, memory
    does(up, memory)
    system.leaks(0)
    is_silent(up)


def wrong_clock(up, system):
    system.clock_is_off(40)
    ahead = finds(up, "clock", where="process", pid=up.process.pid)
    seen = [each["evidence"] for each in found(up, "clock")]
    assert any(abs(each.get("ahead_seconds", 0) - 40) < 2 for each in seen), ahead
    assert any(abs(each.get("jumped_seconds", 0) - 40) < 2 for each in seen), seen
    system.clock_is_off(0)
    is_silent(up)


def full_disk(up):
    """What the process writes finds no room; the disk itself is told of by full_file_system()."""
    def file_sizes_up_to(limit):
        subprocess.run(["prlimit", "--pid", str(up.process.pid), f"--fsize={limit}:unlimited"], check=True)

    # State is written once Postgres has the rows, which is not before the limit is there.
    with contextlib.closing(Session(up.postgres)) as session:
        session.ask("BEGIN", f"LOCK TABLE {TABLE} IN SHARE MODE")
        posted = result("post", "--http", up.http, "--domain", "deliberation", "-", stdin=vote("c", "before") + "\n")
        partition = int(posted["token"].split(":")[1].split("@")[0])
        file_sizes_up_to(0)
        session.ask("COMMIT")
    eventually("a partition cannot write", lambda: up.readiness())
    disk = finds(up, "disk", partition=partition, projection="deliberation")
    assert "File too large" in disk["what"], disk
    file_sizes_up_to("unlimited")
    eventually("it is ready again", lambda: not up.readiness())
    is_silent(up)


def hot_key(up):
    """Postgres takes its time for each flush, so the partition lags, and nearly all of it is one conversation."""
    ask(up.postgres, "CREATE FUNCTION public.wait_a_while() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_sleep(4); RETURN NULL; END $$")
    ask(up.postgres, f"CREATE TRIGGER slow AFTER INSERT ON {TABLE} EXECUTE FUNCTION public.wait_a_while()")
    stop = threading.Event()

    def posts():
        n = 0
        while not stop.wait(0.1):
            events = [vote("hot" if m % 10 else f"cold{m}", f"p{n}-{m}") for m in range(200)]
            result("post", "--http", up.http, "--domain", "deliberation", "-", stdin="\n".join(events) + "\n")
            n += 1

    post(up, [conversation("hot")])
    posting = threading.Thread(target=posts)
    posting.start()
    try:
        hot = finds(up, "hot_key", key="hot")
        assert hot["evidence"]["share"] > 0.5 and hot["evidence"]["lag"] > 0, hot
    finally:
        stop.set()
        posting.join()
        ask(up.postgres, "DROP FUNCTION public.wait_a_while() CASCADE")
    post(up, [vote("hot", "last")])
    is_silent(up)


@contextlib.contextmanager
def slow_cluster(folder, system):
    """A Postgres that meets the same."""
    os.environ.update(system.environment)
    with Cluster(folder) as cluster:
        for name in system.environment:
            del os.environ[name]
        yield cluster


def twins_and_stopping(folder, system):
    """Stopped in order nothing is wrong, but for commits that are slow; a copy of the data folder beside its original
    is."""
    with slow_cluster(folder / "cluster", system) as cluster:
        flags = ["--postgres", cluster.url, "--memory", "128MiB"]
        with Up(folder / "one", flags) as one, Up(folder / "two", flags) as two:
            one.start()
            post(one, [conversation("c")])
            one.stop()
            told = doctor(one)
            assert told["findings"] == [], told
            assert [each["code"] for each in told["skipped"]] == ["isr", "retention", "no_owner"], told
            assert doctor(one, "--data", one.folder) == NOTHING
            with slow_syncs(system):
                slow, = doctor(one)["findings"]
                assert slow["code"] == "slow_fsync" and slow["evidence"]["median_seconds"] > 0.1, slow
                assert slow["evidence"]["where"] == "postgres", slow
            subprocess.run(["cp", "-a", one.folder, two.folder], check=True)
            one.start()
            two.start()
            pids = {one.process.pid, two.process.pid}
            eventually("both are named", lambda: [
                each for each in found(one, "twin")
                if {each["evidence"].get("pid"), each["evidence"].get("other_pid")} == pids])
            eventually("partitions change hands again and again", lambda: [
                each for each in found(one, "twin") if each["evidence"].get("fenced", 0) >= 10])
            two.kill()
            one.kill()


def full_file_system(folder):
    """A small one, nearly full: needs the right to mount it."""
    place = folder / "small"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400m,mode=711", "tmpfs", place], check=True)
    try:
        with Up(place / "data", ["--memory", "128MiB"]) as up:
            up.start()
            is_silent(up, "--data", up.folder)
            with open(place / "filler", "wb") as filler:
                space = os.statvfs(place)
                os.posix_fallocate(filler.fileno(), 0, space.f_bavail * space.f_frsize - (12 << 20))
            disk = finds(up, "disk", path=str(up.folder), pid=up.process.pid)
            assert disk["evidence"]["free_bytes"] < 16 << 20, disk
            does(up, disk)
            (place / "filler").unlink()
            is_silent(up)
            up.kill()
    finally:
        subprocess.run(["umount", "--lazy", place], check=True)


with Folder() as scratch:
    system = FaultySystem(scratch / "faults")
    with Up(scratch / "data", ["--memory", "128MiB"]) as running:
        running.start(**system.environment)
        post(running, [conversation("c")])
        slow_disk(running, system)
        print("passed: slow_disk", flush=True)
        stalled_state(running, system)
        print("passed: stalled_state", flush=True)
        memory_used_up(running, system)
        print("passed: memory_used_up", flush=True)
        wrong_clock(running, system)
        print("passed: wrong_clock", flush=True)
        full_disk(running)
        print("passed: full_disk", flush=True)
        hot_key(running)
        print("passed: hot_key", flush=True)
        running.stop()
    twins_and_stopping(scratch, system)
    print("passed: twins_and_stopping", flush=True)
    if os.geteuid() == 0:
        full_file_system(scratch)
        print("passed: full_file_system", flush=True)
sys.exit(0)
