#!/usr/bin/env python3
"""Postgres fails over to a standby that lacks the last commits: the view goes back, and catches up by itself.

failover_test.py SLUICE REPOSITORY: a streaming standby that hears nothing for a while; then the primary is killed, the
clients' address leads to the standby, which only reads at first and is promoted later. Producers post all the time.
Before the failover and after it readers see nothing but prefixes; at the end every event counts once.
"""
import signal
import subprocess
import sys

from model import read_log
from postgres import PROGRAMS, Cluster, ask
from proxy import Proxy
from reader import Reader
from system import DOMAIN, Folder, Up, chance, eventually, within
from traffic import Traffic, check


class Standby(Cluster):
    """Streams from the primary through a proxy, so that it can fall behind."""

    def __init__(self, folder, primary):
        super().__init__(folder)
        self.primary = primary

    def __enter__(self):
        subprocess.run([f"{PROGRAMS}/pg_basebackup", "-D", self.folder, "-d", self.primary, "-R", "-X", "stream",
                        "-c", "fast"], check=True)
        if self.user:
            subprocess.run(["chown", "-R", f"{self.user}:{self.user}", self.folder], check=True)
        self.start()
        return self

    def promote(self):
        assert ask(self.url, "SELECT pg_promote()") == [["t"]]


def position(url):
    return int(ask(url, f"SELECT coalesce(sum(position), 0) FROM sluice.position WHERE projection = '{DOMAIN}'")[0][0])


def main():
    moment = chance()
    with (Folder() as folder, Cluster(folder / "primary") as primary, Proxy(primary.port) as streaming,
          Proxy(primary.port) as clients, Standby(folder / "standby", primary.url_at(streaming.port)) as standby,
          Up(folder / "data", [], "--postgres", primary.url_at(clients.port), "--flush-interval", "20ms") as up):
        up.start()
        log = ["--data", up.folder]
        with Traffic([up.http] * 2, moment.random()) as traffic:
            with Reader(primary.url) as before:
                before.sees_more()
                eventually("the standby follows", lambda: position(standby.url) > 0)
                streaming.way = "silent"
                traffic.goes_on()
                before.sees_more()
                before.sees_moments(5)
                primary.stop(signal.SIGQUIT)
                before.check(read_log(log))
            streaming.cut()
            lacking = position(standby.url)
            assert lacking < before.reached(), "the standby lacks commits"
            clients.target = standby.port
            clients.cut()
            within(30, "it says that it cannot write", lambda: "read-only" in up.readiness())
            traffic.goes_on()  # the log takes what no view can
            assert position(standby.url) == lacking
            with Reader(standby.url) as reader:
                standby.promote()
                reader.sees_more()
                traffic.goes_on()
                check(traffic, reader, standby.url, log, moments=3)
        eventually("it is ready again", lambda: up.readiness() == "")
        up.stop()
    print("passed: a failover to a standby that lacks commits")


if __name__ == "__main__":
    main()
    sys.exit(0)
