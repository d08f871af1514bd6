#!/usr/bin/env python3
"""Another application in the projectors' group of consumers: the partition that it was given is nobody's, by name.

group_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import subprocess
import sys

from program import Folder, Up, brokers, conversation, eventually, post, result, run, sluice
from system import child

GROUP = "sluice.deliberation.g1"


def stranger(address, client="reporting"):
    return child(["kcat", "-b", address, "-X", "partition.assignment.strategy=cooperative-sticky",
                  "-X", f"client.id={client}", "-G", GROUP, "deliberation.events"],
                 stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def the_only_ones(up):
    """The partitions that the stranger has, with why, once nothing else is in the way."""
    shown = result("status", "--postgres", up.postgres, "--json", code=1)
    lost = {row["partition"]: row["trouble"] for row in shown["troubles"]
            if row["projection"] == "deliberation" and "does not project it" in row["trouble"]}
    free = {(row["projection"], row["partition"]) for row in shown["partitions"] if not row["owned"]}
    return free == {("deliberation", partition) for partition in lost} and lost


def named(lost, readiness):
    return lost and all(f"deliberation:{partition}: not taken: " in readiness for partition in lost) and lost


with Folder() as scratch, brokers() as address:
    if address is None:
        print("SKIPPED (no Kafka jars): another application in our group")
        sys.exit(0)
    with Up(scratch / "data", ["--log", "kafka", "--brokers", address, "--memory", "128MiB"]) as up:
        up.start()
        post(up, [conversation("c")])
        eventually("it is ready", lambda: not up.readiness())
        run("status", "--postgres", up.postgres, code=0)
        other = stranger(address)
        eventually("it is not ready", lambda: "does not project it" in up.readiness())
        readiness = eventually("it says whose", lambda: "client id reporting" in up.readiness() and up.readiness())
        assert "host 127.0.0.1" in readiness and "(client id reporting" in readiness, readiness
        # The group moves partitions several times before it rests, and what is told moves with it.
        lost = eventually("status and readiness say which, and that the others are taken",
                          lambda: named(the_only_ones(up), up.readiness()))
        assert all("client id reporting" in trouble for trouble in lost.values()), lost
        other.terminate()
        other.wait()
        eventually("it is ready again", lambda: not up.readiness())
        # As one of ours does that is stopped, or hangs.
        other = stranger(address, "sluice")
        eventually("it says that it is one of ours", lambda: "another process of this program" in up.readiness())
        eventually("and who had it", lambda: f"; process {up.process.pid} on " in up.readiness()
                   and "had it last. If that one has ended, the group keeps its place for a session" in up.readiness())
        other.terminate()
        other.wait()
        eventually("it is ready once more", lambda: not up.readiness())
        eventually("nothing is wrong", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)
        up.stop()
sys.exit(0)
