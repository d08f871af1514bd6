#!/usr/bin/env python3
"""`sluice doctor` about a log on Kafka: quarantine that repeats, a quota, programs of two versions, members that come and
go, topics that delete, copies that are not in sync; and silence where all is well.

doctor_kafka_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import pathlib
import signal
import subprocess
import sys

from doctor import NOTHING, does, doctor, finds, found, is_silent
from program import Folder, Up, broker, conversation, eventually, free_port, post, result, run, vote
from postgres import ask
from system import REPOSITORY, Project

TOPIC = broker.TOPIC
NEXT_PROGRAM = pathlib.Path(broker.TOPIC_ADMIN).parent / "sluice_next"
CONFIGS = "kafka.admin.ConfigCommand"


def well(up, where):
    post(up, [conversation("c"), vote("c", "p")])
    assert doctor(up, *where) == NOTHING
    told = doctor(up)
    assert told["findings"] == [] and {each["code"] for each in told["skipped"]} == {"isr", "retention"}, told
    told = doctor(up, "--brokers", f"127.0.0.1:{free_port()}")
    assert told["findings"] == [] and [each["code"] for each in told["skipped"]] == ["isr", "retention"], told


def repeats(up, one, where):
    """Garbage under three keys is one reason; a key that was released is parked again."""
    for key in ("bad1", "bad2", "bad3"):
        post(up, [conversation(key)])
        ran = subprocess.run(["kcat", "-b", one.bootstrap, "-P", "-t", TOPIC, "-p", one.partition_of(key), "-K", "\t"],
                             input=f"{key}\tgarbage".encode(), capture_output=True)
        assert ran.returncode == 0, ran.stderr
    same = finds(up, "quarantine_repeats", *where, records=3, keys=3)
    assert "not an Envelope" in same["evidence"]["reason"], same
    first = [same["evidence"][name] for name in ("partition", "first_position")]
    assert ask(up.postgres, "SELECT count(*) FROM sluice.quarantine WHERE partition = {} AND position = {}".format(
        *first)) == [["1"]], same
    token = result("quarantine", "release", "--domain", "deliberation", "--key", "bad1", "--postgres", up.postgres)
    run("wait", token["token"], "--postgres", up.postgres, code=0)
    ask(up.postgres, "UPDATE sluice.request SET done_at = done_at - interval '1 min'")
    again = finds(up, "quarantine_repeats", *where, key="bad1")
    assert again["evidence"]["released"] == 1, again
    for key in ("bad1", "bad2", "bad3"):
        offset = ask(up.postgres, f"SELECT position FROM sluice.quarantine WHERE key = '{key}'")[0][0]
        token = result("quarantine", "discard", "--domain", "deliberation", "--key", key, "--offset", offset,
                       "--postgres", up.postgres)
        run("wait", token["token"], "--postgres", up.postgres, code=0)
    is_silent(up, *where)


def renewed(up, project):
    """The processes that tell of themselves now."""
    return {int(pid) for pid, in ask(up.postgres, "SELECT pid FROM sluice.process WHERE seen_at > now() - interval '5 s'")} == {
        up.process.pid, project.process.pid}


def all_ours(up):
    owners = ask(up.postgres, "SELECT DISTINCT h.pid FROM sluice.freshness f LEFT JOIN sluice.process h "
                 "ON h.instance = split_part(f.owner, '/', 1) AND f.owned WHERE f.projection = 'deliberation'")
    return owners == [[str(up.process.pid)]]


def two_programs(up, project, where):
    """One of the next version beside ours, for as long as no restart takes."""
    project.start()
    eventually("both tell", lambda: renewed(up, project))
    assert not found(up, "version")
    ask(up.postgres, "UPDATE sluice.process SET since = since - interval '11 min'")
    two = finds(up, "version", *where)
    versions = {each["pid"]: each["version"] for each in two["evidence"]["processes"]}
    assert versions.keys() == {up.process.pid, project.process.pid}, two
    assert versions[project.process.pid] == versions[up.process.pid] + ".next", two
    project.stop()
    eventually("all is ours", lambda: all_ours(up))
    is_silent(up, *where)


def members_come_and_go(up, project, where):
    """A second process that projects, again and again: each time partitions are taken, and given back once its session is
    over. It is the group that says when."""
    for _ in range(8):
        project.start()
        eventually("it has partitions", lambda: str(project.process.pid) in {pid for pid, in ask(
            up.postgres, "SELECT h.pid FROM sluice.freshness f JOIN sluice.process h "
            "ON h.instance = split_part(f.owner, '/', 1) WHERE f.owned AND f.projection = 'deliberation'")})
        project.stop()
        eventually("all is ours again", lambda: all_ours(up))
        if found(up, "rebalancing"):
            break
    moves = finds(up, "rebalancing", *where, pid=up.process.pid)
    assert moves["evidence"]["rebalances"] >= 12, moves
    assert max(moves["evidence"]["partitions"].values()) >= 12, moves


def configure(one, *words):
    libs = subprocess.run([REPOSITORY / "tools/kafka/fetch", "--where"], check=True, capture_output=True, text=True)
    subprocess.run(["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", libs.stdout.strip() + "/*", CONFIGS,
                    "--bootstrap-server", one.bootstrap, "--alter", *words], check=True, capture_output=True)


def quota(up, one):
    """Of bytes that readers may fetch in a second."""
    configure(one, "--entity-type", "clients", "--entity-default", "--add-config", "consumer_byte_rate=2000")
    for n in range(5):
        result("post", "--http", up.http, "--domain", "deliberation", "-",
               stdin="\n".join(vote("c", f"quota{n}-{m}") for m in range(500)) + "\n")
    throttled = finds(up, "throttled", pid=up.process.pid)
    assert throttled["evidence"]["throttled_seconds"] >= 0.1, throttled
    configure(one, "--entity-type", "clients", "--entity-default", "--delete-config", "consumer_byte_rate")


def topics_that_delete(up, one, where):
    subprocess.run([broker.TOPIC_ADMIN, one.bootstrap, "set", TOPIC, "retention.ms", "86400000"], check=True)
    deletes = finds(up, "retention", *where, topic=TOPIC, setting="retention.ms", value="86400000")
    does(up, deletes)
    eventually("nothing deletes", lambda: not found(up, "retention", *where))
    one.trim(one.partition_of("c"), 1)
    gone = finds(up, "retention", *where, topic=TOPIC)
    assert gone["evidence"]["partitions"][0]["begin"] == 1, gone
    does(up, gone)


def copies_out_of_sync(up, second, where):
    second.stop(signal.SIGKILL)
    short = finds(up, "isr", *where, topic=TOPIC)
    assert all((each["replicas"], each["in_sync"]) == (2, 1) for each in short["evidence"]["partitions"]), short
    assert [each["partition"] for each in short["evidence"]["partitions"]] == [0, 1, 2, 3], short


SETTINGS = ["default.replication.factor=2"]
with Folder() as scratch, broker.Broker(settings=SETTINGS) as first:
    if first is None:
        print("SKIPPED (no Kafka jars): the doctor on Kafka")
        sys.exit(0)
    log = ["--brokers", first.bootstrap]
    with (broker.Second(first) as other,
          Up(scratch / "data", ["--log", "kafka", *log, "--memory", "128MiB"]) as running):
        running.start()
        another = Project(scratch / "another", first.bootstrap, running.postgres, "--memory", "128MiB",
                          "--kafka", "session.timeout.ms=6000")
        another.command[0] = NEXT_PROGRAM
        well(running, log)
        repeats(running, first, log)
        print("passed: repeats", flush=True)
        quota(running, first)
        print("passed: quota", flush=True)
        with another:
            two_programs(running, another, log)
            print("passed: two_programs", flush=True)
            members_come_and_go(running, another, log)
            print("passed: members_come_and_go", flush=True)
        topics_that_delete(running, first, log)
        print("passed: topics_that_delete", flush=True)
        copies_out_of_sync(running, other, log)
        print("passed: copies_out_of_sync", flush=True)
        # Its group's coordinator may be gone with the broker, which has the only copy of that.
        running.kill()
sys.exit(0)
