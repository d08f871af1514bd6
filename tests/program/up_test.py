#!/usr/bin/env python3
"""`sluice up` as an operator has it: starting, ending, dying, and what is in its way.

up_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading

from program import (SECONDS, SLUICE, Folder, Up, conversation, eventually, free_port, post,
                     processes_below, result, run, vote, within)

SMALL = ["--memory", "128MiB"]


@contextlib.contextmanager
def running(folder, flags=()):
    up = Up(folder / "data", [*SMALL, *flags])
    up.start()
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.stop()


def votes(up):
    return up.ask("SELECT coalesce(sum(total_vote_count), 0) FROM deliberation.conversation_stats")


def verified(up, folder):
    run("verify", "deliberation", "--postgres", up.postgres, "--data", folder / "data", code=0)


def is_ready_in_one_line(folder):
    command = [SLUICE, "up", "--data", str(folder / "data"), "--listen", "127.0.0.1:0", *SMALL]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    line = process.stdout.readline()
    form = r'\{"ready":true,"http":"http://127\.0\.0\.1:\d+","postgres":"postgresql://[^"]+","reader":"postgresql://[^"]+"\}\n'
    assert re.fullmatch(form, line), line
    process.terminate()
    assert process.wait(SECONDS) == 0
    assert process.stdout.read() == "", "one line"


def ends_at_signals_with_everything_flushed(folder):
    """Into another's database, which is there to be asked after the end."""
    with running(folder) as host:
        for number, ending in enumerate([signal.SIGTERM, signal.SIGINT]):
            inner = folder / f"inner{number}"
            inner.mkdir()
            name = host.postgres.rsplit("/", 1)[0] + f"/inner{number}"
            host.ask(f"CREATE DATABASE inner{number}")
            up = Up(inner / "data", [*SMALL, "--postgres", name, "--flush-interval", "1h"])
            up.start()
            reply = result("post", "--http", up.http, "--domain", "deliberation", "-",
                           stdin="\n".join([conversation("c"), vote("c", "p")]))
            eventually("its worker has seen both", lambda: up.ask(
                "SELECT log_end FROM sluice.freshness WHERE log_end > 0") == [["2"]])
            assert votes(up) == [["0"]], "not flushed yet"
            up.process.send_signal(ending)
            assert up.process.wait(SECONDS) == 0, ending
            assert votes(up) == [["1"]], "flushed at the end"
            run("wait", reply["token"], "--postgres", name, "--timeout", "0s", code=0)
            assert processes_below(inner) == []
    assert processes_below(folder) == [], "the private Postgres has ended too"


def goes_on_after_it_was_killed(folder):
    with running(folder) as up:
        post(up, [conversation("c"), vote("c", "p1")])
        old = (folder / "data/postgres/postgres/postmaster.pid").read_text().split()[0]
        up.kill()
        up.start()
        assert not pathlib.Path(f"/proc/{old}/exe").exists(), "the old server is gone"
        post(up, [vote("c", "p2")])
        assert votes(up) == [["2"]]
        verified(up, folder)
    assert processes_below(folder) == []


def keeps_its_database_running(folder):
    with running(folder) as up:
        post(up, [conversation("c"), vote("c", "p1")])
        server = (folder / "data/postgres/postgres/postmaster.pid").read_text().split()[0]
        os.kill(int(server), signal.SIGKILL)
        post(up, [vote("c", "p2")], "--retry-for", "60s")
        assert votes(up) == [["2"]]
        verified(up, folder)


def lives_while_its_database_cannot_be_started(folder):
    """Something is in the way: posts are taken, it is told, TERM ends it; gone, it goes on."""
    way = folder / "data/postgres/postgres.log"

    def server():
        return int((folder / "data/postgres/postgres/postmaster.pid").read_text().split()[0])

    with running(folder) as up:
        post(up, [conversation("c"), vote("c", "p1")])
        way.unlink()
        way.mkdir()
        os.kill(server(), signal.SIGKILL)
        within(20, "it says what is in the way", lambda: f"cannot open {way}" in up.readiness())
        taken = result("post", "--http", up.http, "--domain", "deliberation", "-",
                       stdin=vote("c", "p2"))
        assert taken["accepted"] == 1
        way.rmdir()
        run("wait", taken["token"], "--postgres", up.postgres, "--timeout", "60s", code=0)
        within(20, "it is ready again", lambda: up.readiness() == "")
        assert votes(up) == [["2"]]
        way.unlink()
        way.mkdir()
        os.kill(server(), signal.SIGKILL)
        within(20, "it says so again", lambda: str(way) in up.readiness())
        up.process.terminate()
        assert up.process.wait(SECONDS) == 0
    assert processes_below(folder) == []
    way.rmdir()


def says_which_partitions_are_not_taken(folder):
    """When it is ready, all are; or it says which are not, and why."""
    with running(folder) as up:
        assert "not_taken" not in up.ready, up.ready
        untaken = up.ask("SELECT projection, partition, trouble FROM sluice.freshness "
                         "WHERE NOT owned OR trouble <> ''")
        assert untaken == [], untaken
    state = folder / "data/state/deliberation-g1/2"
    shutil.rmtree(state)
    state.write_text("in the way")
    with running(folder) as up:
        [told] = up.ready["not_taken"]
        assert told.startswith("deliberation:2: ") and str(state) in told, told
        assert str(state) in up.readiness()
        shown = up.ask("SELECT lag IS NULL, trouble FROM sluice.freshness WHERE projection = "
                       "'deliberation' AND partition = 2")
        assert shown[0][0] == "t" and str(state) in shown[0][1], shown
        state.unlink()
        within(20, "it takes it", lambda: up.readiness() == "")


def starts_beside_a_reader(folder):
    """DDL would wait for a reader in a transaction, and other readers then for it."""
    with running(folder) as host:
        name = host.postgres.rsplit("/", 1)[0] + "/beside"
        host.ask("CREATE DATABASE beside")
        up = Up(folder / "beside", [*SMALL, "--postgres", name])
        up.start()
        up.stop()
        reader = subprocess.Popen(["psql", name, "-qAt"], stdin=subprocess.PIPE,
                                  stdout=subprocess.PIPE, text=True)
        reader.stdin.write("BEGIN ISOLATION LEVEL REPEATABLE READ;\n"
                           "SELECT count(*) FROM deliberation.vote;\n"
                           "SELECT count(*) FROM sluice.freshness;\n")
        reader.stdin.flush()
        reader.stdout.readline()
        up.start()
        waiting = up.ask("SELECT count(*) FROM pg_locks WHERE NOT granted")
        post(up, [conversation("c"), vote("c", "p1")])
        assert waiting == [["0"]] and votes(up) == [["1"]]
        up.stop()
        reader.communicate("COMMIT;\n", timeout=SECONDS)


def says_what_is_in_its_way(folder):
    up_with = ["up", *SMALL, "--listen", "127.0.0.1:0", "--data"]
    (folder / "file").write_text("x")
    run(*up_with, folder / "file", code=2, says=f"{folder / 'file'} is no folder")
    closed = folder / "closed"
    (closed / "open" / "deep").mkdir(parents=True)
    closed.chmod(0o700)
    if os.geteuid() == 0:  # then the database is another user's process
        run(*up_with, closed / "open" / "deep" / "data", code=2,
            says=f"cannot pass through {closed}: chmod o+x it")
    else:
        closed.chmod(0o600)
        run(*up_with, closed / "open" / "data", code=2, says=f"{closed} is closed to this user")
        closed.chmod(0o700)
    with running(folder) as up:
        run(*up_with, folder / "data", code=2, says="another sluice runs on")
        port = up.http.rsplit(":", 1)[1]
        run("up", *SMALL, "--data", folder / "other", "--listen", f"127.0.0.1:{port}", code=2,
            says="Address already in use; give --listen another")
        assert processes_below(folder / "other") == [], "its database has ended with it"
        head, tail = up.postgres.split("@")
        wrong = head[:-1] + "x@" + tail
        nowhere = up.postgres.rsplit("/", 1)[0] + "/nowhere"
        empty = up.postgres.rsplit("/", 1)[0] + "/empty"
        up.ask("CREATE DATABASE empty")
        for command in (["status"], ["wait", "deliberation:0@1"], ["schema", "apply"],
                        ["quarantine", "list"], [*up_with, folder / "third"],
                        ["verify", "deliberation", "--data", folder / "data"]):
            run(*command, "--postgres", wrong, code=2, says="password authentication failed")
            run(*command, "--postgres", nowhere, code=2, says="does not exist")
        for command in (["status"], ["wait", "deliberation:0@1"], ["quarantine", "list"],
                        ["verify", "deliberation", "--data", folder / "data"]):
            run(*command, "--postgres", empty, code=2, says="run `sluice schema apply`")
    run("status", "--postgres", f"postgresql://127.0.0.1:{free_port()}/x", code=2,
        says="does it run, is the URL right?")
    run("status", "--postgres", "somewhere", code=2, says="not a Postgres URL")


@contextlib.contextmanager
def old_postgres(version):
    """Greets as a server of this version does."""
    def message(kind, body):
        return kind + (len(body) + 4).to_bytes(4, "big") + body

    def serve():
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                with client:
                    client.recv(4096)
                    client.sendall(message(b"R", bytes(4))
                                   + message(b"S", b"server_version\0" + version + b"\0")
                                   + message(b"Z", b"I"))
                    client.recv(4096)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=serve, daemon=True).start()
        yield f"postgresql://u:p@127.0.0.1:{listening.getsockname()[1]}/d?sslmode=disable"
        listening.shutdown(socket.SHUT_RDWR)


def wants_a_postgres_that_it_knows(folder):
    with old_postgres(b"13.14") as url:
        run("up", *SMALL, "--listen", "127.0.0.1:0", "--data", folder / "data", "--postgres", url,
            code=2, says="Postgres 13 is too old: Sluice needs 15 or newer")


def can_be_ended_while_it_waits(folder):
    """For brokers that are away; what is in its way is in the log."""
    errors = folder / "errors"
    with open(errors, "w") as log:
        process = subprocess.Popen([SLUICE, "up", "--data", str(folder / "data"), "--listen",
                                    "127.0.0.1:0", "--log", "kafka", "--brokers",
                                    f"127.0.0.1:{free_port()}", *SMALL], stderr=log)
    eventually("the log says so",
               lambda: "does a broker run where --brokers says?" in errors.read_text())
    process.terminate()
    assert process.wait(SECONDS) == 0
    assert processes_below(folder) == []
    run("tail", "--domain", "deliberation", "--brokers", f"127.0.0.1:{free_port()}", code=2,
        says="does a broker run where --brokers says?")


for test in (is_ready_in_one_line, ends_at_signals_with_everything_flushed,
             goes_on_after_it_was_killed, keeps_its_database_running,
             lives_while_its_database_cannot_be_started, says_which_partitions_are_not_taken,
             starts_beside_a_reader,
             says_what_is_in_its_way, wants_a_postgres_that_it_knows, can_be_ended_while_it_waits):
    with Folder() as scratch:
        test(scratch)
    print(f"passed: {test.__name__}")
sys.exit(0)
