#!/usr/bin/env python3
"""State is lost and begins again from a snapshot; Postgres, the log or both come back from a backup.

lost_state_test.py SLUICE REPOSITORY: under load, with deaths while snapshots are made and while one is begun from.
Every event counts once, and no reader sees anything but a prefix of the log.
"""
import json
import pathlib
import shutil
import subprocess
import sys

from broker import Broker, skipped
from postgres import PROGRAMS, Cluster
from reader import Reader
from system import Folder, Ingest, Project, Up, chance, eventually, sluice, verify, wait_for, within
from traffic import Traffic, check

MAKING = ("snapshot.checkpointed", "snapshot.files_made", "snapshot.described")
RESTORING = ("claim.state_removed", "claim.snapshot_restored")


def snapshots(folder):
    return json.loads(sluice("snapshot", "list", "--from", folder).stdout)["snapshots"]


def verified(folder):
    """What a death has left is torn; all that is listed is whole. One that is just being made or taken away is listed
    before or afterwards."""
    before = {each["path"] for each in snapshots(folder)}
    found = json.loads(sluice("snapshot", "verify", "--from", folder, check=False).stdout)
    listed = before & {each["path"] for each in snapshots(folder)}
    for fault in found["faults"]:
        assert fault["fault"] == "torn" and fault["path"] not in listed, fault


def began(postgres):
    """How the partitions that have anything began; None while it is not told."""
    status = json.loads(sluice("status", "--postgres", postgres, "--json", check=False).stdout)
    all_of_them = [each["began"] for each in status["partitions"] if each["position"] > 0]
    told = all(each and each["seconds"] is not None for each in all_of_them)
    return all_of_them if told else None


def begins_from(postgres, what):
    found = eventually("all partitions say how they began", lambda: began(postgres))
    assert what in {each["from"] for each in found}, found
    print(f"  began from {sorted(each['from'] for each in found)}", flush=True)
    return found


def lose_state(service, postgres, folder, reader):
    """Twice with a death in the middle of beginning again."""
    for step in RESTORING:
        service.kill()
        shutil.rmtree(service.folder / "state")
        service.start(SLUICE_CRASH_AT=step)
        service.dies_at(step)
        print(f"  died at {step}", flush=True)
    service.start()
    begins_from(postgres, "snapshot")
    reader.sees_more()
    verified(folder)


def makes_some(service, traffic, folder):
    """With a death at each step of that."""
    for step in MAKING:
        service.kill()
        service.start(SLUICE_CRASH_AT=f"{step}:3")
        service.dies_at(step)
        print(f"  died at {step}", flush=True)
        service.start()
        traffic.goes_on(50)
        verified(folder)
    before = {each["path"] for each in snapshots(folder)}
    eventually("more are made", lambda: {each["path"] for each in snapshots(folder)} - before)


def embedded(seed):
    with Folder() as folder:
        kept = folder / "snapshots"
        with Up(folder / "data", [], "--snapshots", kept, "--snapshot-every", "1s") as up:
            up.start()
            with Traffic([up.http] * 3, seed) as traffic, Reader(up.postgres) as reader:
                traffic.goes_on()
                makes_some(up, traffic, kept)
                lose_state(up, up.postgres, kept, reader)
                traffic.goes_on()
                check(traffic, reader, up.postgres, ["--data", folder / "data"])
            up.stop()
    print("passed: state lost under load, embedded log")


def kafka(seed):
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("state lost under load, Kafka")
        broker.make_topic()
        with Cluster(folder / "postgres") as cluster:
            sluice("schema", "apply", "--postgres", cluster.url)
            kept = folder / "snapshots"
            ingest = Ingest(folder, broker.bootstrap)
            project = Project(folder / "projector", broker.bootstrap, cluster.url, "--snapshots",
                              kept, "--snapshot-every", "1s")
            with ingest, project:
                ingest.start()
                project.start()
                with Traffic([ingest.http] * 3, seed) as traffic, Reader(cluster.url) as reader:
                    traffic.goes_on()
                    makes_some(project, traffic, kept)
                    lose_state(project, cluster.url, kept, reader)
                    traffic.goes_on()
                    check(traffic, reader, cluster.url, ["--brokers", broker.bootstrap])
                project.stop()
                ingest.stop()
    print("passed: state lost under load, Kafka")
    return 0


def dump(url, file):
    subprocess.run([f"{PROGRAMS}/pg_dump", "-Fc", "-f", file, url], check=True)


def put_back(url, file):
    """Into a database that is new."""
    head, _, name = url.rpartition("/")
    for statement in (f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name}"):
        subprocess.run(["psql", f"{head}/template1", "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", statement],
                       check=True)
    subprocess.run([f"{PROGRAMS}/pg_restore", "--exit-on-error", "-d", url, file], check=True)


def older_postgres(seed):
    """Back from a dump of before: snapshots of later are ahead of it, and those of before serve."""
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        kept = folder / "snapshots"
        arguments = ["--postgres", cluster.url, "--snapshots", kept]
        with Up(folder / "data", [], *arguments) as up:
            up.start()
            with Traffic([up.http] * 2, seed) as traffic:
                traffic.goes_on()
                sluice("snapshot", "create", "--postgres", up.postgres, "--to", kept)
                traffic.goes_on()
                dump(cluster.url, folder / "dump")
                traffic.goes_on()
                sluice("snapshot", "create", "--postgres", up.postgres, "--to", kept)
                traffic.goes_on()
                up.kill()
                put_back(cluster.url, folder / "dump")
                up.start()
                found = begins_from(up.postgres, "snapshot")
                assert "ahead" in {refused["fault"] for each in found for refused in each["refused"]}, found
                with Reader(up.postgres) as reader:
                    check(traffic, reader, up.postgres, ["--data", folder / "data"], moments=1)
            up.stop()
    print("passed: Postgres restored from an older dump")


def log_and_postgres(seed):
    """The machine is lost: the log comes back from `sluice backup`, Postgres from a dump of before that, or of after."""
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        with Up(folder / "data", [], "--postgres", cluster.url) as up:
            up.start()
            with Traffic([up.http] * 2, seed) as traffic:
                traffic.goes_on()
                dump(cluster.url, folder / "before")
                traffic.goes_on()
                made = json.loads(sluice("backup", "--postgres", up.postgres, "--to", folder / "backup").stdout)
                assert made.keys() == {"path", "bytes", "seconds"}, made
                traffic.goes_on()
                token = traffic.finish()
            wait_for(token, up.postgres)
            dump(cluster.url, folder / "after")
            refused = sluice("backup", "--data", folder / "data", "--to", folder / "backup", check=False)
            assert refused.returncode == 2 and "asked by --postgres" in refused.stderr, refused
            up.stop()
            sluice("backup", "--data", folder / "data", "--to", folder / "whole")
            for dumped, says in (("before", ""), ("after", "the log ends at")):
                shutil.rmtree(folder / "data")
                (folder / "data").mkdir(mode=0o700)
                back(pathlib.Path(made["path"]), folder / "data")
                put_back(cluster.url, folder / dumped)
                up.start()
                if says:
                    within(30, "it stands still and says so", lambda: says in up.readiness())
                else:
                    eventually("it is ready", lambda: up.readiness() == "")
                    assert begins_from(up.postgres, "start")
                    verify(up.postgres, ["--data", folder / "data"])
                up.stop()
            # The whole log, and a view of any age.
            shutil.rmtree(folder / "data")
            (folder / "data").mkdir(mode=0o700)
            back(next((folder / "whole").iterdir()), folder / "data")
            put_back(cluster.url, folder / "before")
            up.start()
            wait_for(token, up.postgres)
            traffic.check_view(up.postgres)
            verify(up.postgres, ["--data", folder / "data"])
            up.stop()
    print("passed: log and Postgres restored from backups of different ages")


def back(backup, data):
    subprocess.run(["cp", "-a", backup, data / "log"], check=True)


def main():
    seed = chance().random()
    older_postgres(seed)
    log_and_postgres(seed)
    embedded(seed)
    return kafka(seed)


if __name__ == "__main__":
    sys.exit(main())
