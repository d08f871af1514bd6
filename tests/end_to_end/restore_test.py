#!/usr/bin/env python3
"""Postgres restored from a backup: the view goes back, and state that is ahead of it is folded anew.

restore_test.py SLUICE REPOSITORY: the private cluster's folder, copied while `up` was stopped and
put back later, with deaths on the way to where it was; a dump of it, restored while `up` runs; and an
operator's Postgres that is restored while `up` runs. The view catches up with the log, and every event counts once.
"""
import shutil
import subprocess
import sys

from model import read_log
from postgres import PROGRAMS, Cluster, ask
from reader import Reader
from system import DOMAIN, Folder, Up, chance, eventually, verify, wait_for
from traffic import Traffic, check


def position_in(url):
    return int(ask(url, "SELECT coalesce(sum(position), 0) FROM sluice.position "
                        f"WHERE projection = '{DOMAIN}'")[0][0])


def position(up):
    return position_in(up.postgres)


def position_of_backup(up, backup):
    """Of the backup itself: once `up` is ready its view has moved on."""
    server = Cluster(backup.parent / "looked-at")
    subprocess.run(["cp", "-a", backup, server.folder], check=True)
    server.start()
    try:
        head, _ = up.postgres.rsplit(":", 1)
        return position_in(f"{head}:{server.port}/postgres")
    finally:
        server.stop()


def private(seed):
    with Folder() as folder, Up(folder / "data", []) as up:
        cluster, backup = up.folder / "postgres/postgres", folder / "backup"
        up.start()
        with Traffic([up.http] * 2, seed) as traffic:
            traffic.goes_on()
            eventually("there is a view to back up", lambda: position(up) > 0)
            subprocess.run([f"{PROGRAMS}/pg_dump", "-Fc", "-f", folder / "dump", up.postgres], check=True)
            up.stop()
            subprocess.run(["cp", "-a", cluster, backup], check=True)
            backed_up = position_of_backup(up, backup)
            up.start()
            traffic.goes_on(600)
            token = traffic.finish()
            wait_for(token, up.postgres)
            ahead = position(up)
            up.stop()

            shutil.rmtree(cluster)
            subprocess.run(["cp", "-a", backup, cluster], check=True)
            with Reader(up.postgres) as reader:
                # Some partition's state is gone and nothing of it folded again; then some is.
                for step in ("claim.state_cleared", "flush.committed", "replay.finished"):
                    up.start(SLUICE_CRASH_AT=step)
                    up.dies_at(step)
                up.start()
                # What was put back and where it ends: all between may be one flush.
                check(traffic, reader, up.postgres, ["--data", up.folder], moments=2)
                assert sum(reader.snapshots[0].positions.values()) == backed_up
            assert position(up) == ahead
            restored_while_it_runs(up, folder / "dump", ahead)
            up.stop()
    print("passed: the private cluster, restored while up was stopped")


def restored_while_it_runs(up, dump, ahead):
    """As docs/operate.md says it: again where a flush and the restore waited for each other."""
    words = [f"{PROGRAMS}/pg_restore", "--clean", "--if-exists", "--single-transaction", "-d", up.postgres, dump]
    for _ in range(3):
        ran = subprocess.run(words, capture_output=True, text=True)
        if ran.returncode == 0:
            break
        assert "deadlock detected" in ran.stderr, ran.stderr
    assert ran.returncode == 0, ran.stderr
    eventually("the view is where it was", lambda: position(up) == ahead)
    eventually("it is ready", lambda: up.readiness() == "")
    verify(up.postgres, ["--data", up.folder])


def operators(seed):
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        with Up(folder / "data", [], "--postgres", cluster.url, "--flush-interval", "20ms") as up:
            up.start()
            with Traffic([up.http] * 2, seed) as traffic:
                with Reader(up.postgres) as before:
                    before.sees_more()
                    cluster.stop()
                    cluster.copy_to(folder / "backup")
                    cluster.start()
                    backed_up = position(up)
                    before.sees_more()
                    traffic.goes_on()
                    before.sees_moments(5)
                    cluster.stop()
                    before.check(read_log(["--data", up.folder]))
                assert backed_up < before.reached(), "the backup lacks what was seen"
                # Positions go back here, and only here.
                cluster.restore_from(folder / "backup")
                cluster.start()
                with Reader(up.postgres) as reader:
                    traffic.goes_on(1000)
                    check(traffic, reader, up.postgres, ["--data", up.folder], moments=5)
                    assert position(up) > backed_up
            eventually("it is ready again", lambda: up.readiness() == "")
            up.stop()
    print("passed: an operator's Postgres, restored while up ran")


if __name__ == "__main__":
    at = chance().random()
    private(at)
    operators(at)
    sys.exit(0)
