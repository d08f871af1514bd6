#!/usr/bin/env python3
"""No file of the process can grow for a while: its disk is full. Then there is room again.

full_disk_test.py SLUICE REPOSITORY: with the log on the same disk, which refuses posts meanwhile,
and on Kafka, where only the state is. Its owner hears of it in /readyz; with room again everything
goes on by itself, and nothing that was acknowledged is missing. Then the same of Postgres and of the broker, which end
of it and are started again once there is room.
"""
import subprocess
import sys

from broker import Broker, skipped
from postgres import Cluster
from reader import Reader
from system import DOMAIN, Folder, Up, chance, children_of, eventually
from traffic import Traffic, check


def file_sizes_up_to(limit, process, user=None):
    """Of what it writes from now on; Postgres, its child, is another process. `user`: whose process it is."""
    become = ["setpriv", "--reuid", user, "--regid", user, "--init-groups"] if user else []
    subprocess.run([*become, "prlimit", "--pid", str(process), f"--fsize={limit}:unlimited"], check=True)


def of_the_cluster(limit, cluster):
    """Its server, by whose limits later processes begin, and those that there are."""
    server = cluster.process.pid
    file_sizes_up_to(limit, server, cluster.user)
    for process in children_of(server):
        try:
            file_sizes_up_to(limit, process, cluster.user)
        except subprocess.CalledProcessError:
            continue  # it has ended


def full_for_a_while(up, log, moment):
    up.start()
    with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
        traffic.goes_on()
        file_sizes_up_to(0, up.process.pid)
        eventually("it says so", lambda: f"{DOMAIN}:0: " in up.readiness())
        file_sizes_up_to("unlimited", up.process.pid)
        traffic.goes_on()
        eventually("it is ready again", lambda: up.readiness() == "")
        check(traffic, reader, up.postgres, log, moments=5)
    up.stop()


def database_full(moment):
    with Folder() as folder, Cluster(folder / "postgres") as cluster:
        with Up(folder / "data", [], "--postgres", cluster.url) as up:
            up.start()
            with Traffic([up.http] * 2, moment.random()) as traffic, Reader(cluster.url) as reader:
                traffic.goes_on()
                reader.sees_more()
                of_the_cluster(0, cluster)
                eventually("it says so", lambda: up.readiness() != "")
                traffic.goes_on()  # the log takes what the view cannot
                if cluster.process.poll() is None:
                    of_the_cluster("unlimited", cluster)
                cluster.stop()
                cluster.start()
                reader.sees_more()
                eventually("it is ready again", lambda: up.readiness() == "")
                check(traffic, reader, cluster.url, ["--data", up.folder], moments=5)
            up.stop()
    print("passed: a full disk of Postgres")


def broker_full(broker, up, log, moment):
    with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
        traffic.goes_on()
        file_sizes_up_to(0, broker.process.pid)
        eventually("the broker ends of it", lambda: broker.process.poll() is not None)
        eventually("it says so", lambda: up.readiness() != "")
        broker.start()
        traffic.goes_on()
        reader.sees_more()
        eventually("it is ready again", lambda: up.readiness() == "")
        check(traffic, reader, up.postgres, log, moments=5)
    print("passed: a full disk of the broker")


def main():
    moment = chance()
    database_full(moment)
    with Folder() as folder, Up(folder / "data", []) as up:
        full_for_a_while(up, ["--data", up.folder], moment)
    print("passed: a full disk, with the log on it")
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a full disk, with the log on Kafka")
        log = ["--brokers", broker.bootstrap]
        with Up(folder / "data", ["--log", "kafka", *log]) as up:
            full_for_a_while(up, log, moment)
    print("passed: a full disk, with the log on Kafka")
    with Broker() as broker, Folder() as folder:
        log = ["--brokers", broker.bootstrap]
        with Up(folder / "data", ["--log", "kafka", *log]) as up:
            up.start()
            broker_full(broker, up, log, moment)
            up.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
