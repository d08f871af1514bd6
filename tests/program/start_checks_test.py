#!/usr/bin/env python3
"""An environment in which Sluice cannot work is refused at the start, within seconds, in one line.

start_checks_test.py SLUICE REPOSITORY TOPIC_ADMIN: databases behind poolers, on standbys, away for a
moment; folders of others; passwords that neighbours could see. docs/start_checks.md has the list.
"""
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys

from program import (SECONDS, SLUICE, Folder, Up, brokers, conversation, eventually, free_port,
                     post, run, sluice, vote, within)
from broker import Broker
from postgres import PROGRAMS, USER, Cluster, ask, serves
from system import Service, Stopwatch, child

SMALL = ["--memory", "128MiB"]
AT_ONCE_SECONDS = 5


def refused(*arguments, says):
    """Within five seconds, in one line on stderr."""
    watch = Stopwatch()
    run(*arguments, code=2, says=says)
    assert watch.took() < AT_ONCE_SECONDS, (arguments, watch.seconds())


def up_on(folder, url):
    return ["up", "--data", folder / "data", "--listen", "127.0.0.1:0", *SMALL, "--postgres", url]


@contextlib.contextmanager
def pooler(folder, cluster, mode, size=20):
    port = free_port()
    settings = folder / f"pgbouncer-{mode}-{size}.ini"
    settings.write_text(f"""[databases]
* = host=127.0.0.1 port={cluster.port} user=sluice
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
pool_mode = {mode}
default_pool_size = {size}
ignore_startup_parameters = options,extra_float_digits
""")
    with open(folder / "pgbouncer.log", "a") as log:
        process = child(["pgbouncer", settings], user=USER, stdout=log, stderr=log)
    url = cluster.url_at(port)
    try:
        within(30, "the pooler serves", lambda: serves(url))
        yield url
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(SECONDS)


def poolers(folder):
    with Cluster(folder / "cluster") as cluster:
        with pooler(folder, cluster, "transaction") as url:
            says = "a pooler gives this session's transactions to different sessions"
            refused(*up_on(folder, url), says=says)
            refused("schema", "apply", "--postgres", url, says=says)
        with pooler(folder, cluster, "session", size=1) as url:
            refused(*up_on(folder, url), says="a pooler with too few servers?")
        # One in session mode is as good as none.
        with pooler(folder, cluster, "session") as url:
            with Up(folder / "pooled", [*SMALL, "--postgres", url]) as up:
                up.start()
                post(up, [conversation("c"), vote("c", "p")])
                run("verify", "deliberation", "--postgres", url, "--data", folder / "pooled",
                    code=0)
                up.stop()


def standbys(folder):
    with Cluster(folder / "primary") as primary:
        sluice("schema", "apply", "--postgres", primary.url)
        standby = Cluster(folder / "standby")
        standby.folder.mkdir(mode=0o700)
        if USER:
            shutil.chown(standby.folder, USER)
        copy = child([f"{PROGRAMS}/pg_basebackup", "-d", primary.url, "-D", standby.folder, "-R",
                      "--checkpoint=fast"], user=USER)
        assert copy.wait(SECONDS) == 0
        standby.start()
        try:
            refused(*up_on(folder, standby.url), says="this Postgres is a standby")
            refused("schema", "apply", "--postgres", standby.url, says="give --postgres the primary")
        finally:
            standby.stop(signal.SIGQUIT)
        ask(primary.url, "ALTER SYSTEM SET default_transaction_read_only = on")
        ask(primary.url, "SELECT pg_reload_conf()")
        eventually("it is read-only", lambda: ask(
            primary.url, "SHOW default_transaction_read_only") == [["on"]])
        refused(*up_on(folder, primary.url), says="reset default_transaction_read_only")


def folders(folder):
    up = ["up", "--listen", "127.0.0.1:0", *SMALL, "--data"]
    if os.geteuid() == 0:
        refused(*up, "/etc", says="/etc holds ")
        assert not pathlib.Path("/etc/instance").exists()
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    refused(*up, shared, says=f"others may write in {shared}")
    # As somebody could have laid it out while the folder was theirs.
    target = folder / "target"
    for name in ("lock", "postgres/postgres.password", "postgres/postgres.log",
                 "postgres/postgres.port", "state", "log", "postgres"):
        target.write_text("kept")
        planted = folder / "planted"
        link = planted / name
        link.parent.mkdir(parents=True)
        (planted / "instance").write_text("0123456789abcdef0123456789abcdef\n")
        link.symlink_to(target)
        ran = sluice(*up, planted, check=False)
        assert ran.returncode == 2 and str(link) in ran.stderr, (name, ran.stderr)
        assert target.read_text() == "kept", name
        subprocess.run(["rm", "-r", planted], check=True)


def passwords(folder):
    """Of none of our processes, as a neighbour sees them."""
    with Up(folder / "data", SMALL) as up:
        up.start()
        secrets = [(folder / "data/postgres" / name).read_text() for name in (
            "postgres.password", "postgres.reader-password", "postgres.superuser-password")]
        waiting = child([SLUICE, "wait", "deliberation:0@99", "--postgres", up.postgres,
                         "--timeout", "60s"])
        eventually("it waits", lambda: up.ask(
            "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%wait_for%' "
            "AND pid <> pg_backend_pid()") == [["1"]])
        shown = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True).stdout
        waiting.kill()
        waiting.wait()
        assert "postgresql://sluice:****" in shown, shown
        for secret in secrets:
            assert len(secret) == 48 and secret not in shown
            assert secret not in up.words(), "nor does the log have it"
        for file in (folder / "data").rglob("*"):
            assert file.stat().st_mode & 0o022 == 0, f"others may write {file}"
        up.stop()


class Projector(Service):
    """`project` whose database or log is not there yet: it does not say that it is ready."""

    def begin(self):
        with open(self.log, "a") as errors:
            self.process = child(self.command, stdout=subprocess.PIPE, stderr=errors, text=True)
        return self


def projectors_wait(folder):
    with brokers() as address:
        if address is None:
            return print("SKIPPED (no Kafka jars): project waits for its database")
        with Cluster(folder / "cluster") as cluster:
            sluice("topics", "apply", "--brokers", address)
            sluice("schema", "apply", "--postgres", cluster.url)
            cluster.stop()
            with Projector(folder / "project.log", "project", "--data", folder / "data", "--brokers",
                           address, "--postgres", cluster.url, *SMALL) as project:
                project.begin()
                within(30, "it says what it waits for", lambda: waits_for(project, NO_DATABASE))
                cluster.start()
                assert project.process.stdout.readline().startswith('{"ready":true'), "goes on"
                within(60, "it is ready", lambda: not project.readiness())
                project.stop()
            cluster.stop()
            with Projector(folder / "project.log", "project", "--data", folder / "data", "--brokers",
                           address, "--postgres", cluster.url, *SMALL) as project:
                project.begin()
                within(30, "it says so again", lambda: waits_for(project, NO_DATABASE))
                project.stop()  # TERM ends it while it waits
            cluster.start()


def projectors_wait_for_the_log(folder):
    with Broker() as broker:
        if broker is None:
            return print("SKIPPED (no Kafka jars): project waits for its log")
        with Cluster(folder / "cluster") as cluster:
            broker.make_topic()
            sluice("schema", "apply", "--postgres", cluster.url)
            broker.stop()
            with Projector(folder / "project.log", "project", "--data", folder / "data", "--brokers",
                           broker.bootstrap, "--postgres", cluster.url, *SMALL) as project:
                project.begin()
                within(60, "it says what it waits for", lambda: waits_for(project, NO_LOG))
                broker.start()
                assert project.process.stdout.readline().startswith('{"ready":true'), "goes on"
                within(60, "it is ready", lambda: not project.readiness())
                project.stop()
            broker.stop()
            with Projector(folder / "project.log", "project", "--data", folder / "data", "--brokers",
                           broker.bootstrap, "--postgres", cluster.url, *SMALL) as project:
                project.begin()
                within(60, "it says so again", lambda: waits_for(project, NO_LOG))
                project.stop()
            broker.start()


NO_DATABASE = "no connection to Postgres"
NO_LOG = "does a broker run where --brokers says?"


def waits_for(project, what):
    try:
        return what in project.readiness()
    except OSError:  # not yet
        return False


for test in (poolers, standbys, folders, passwords, projectors_wait, projectors_wait_for_the_log):
    with Folder() as scratch:
        test(scratch)
    print(f"passed: {test.__name__}", flush=True)
sys.exit(0)
