#!/usr/bin/env python3
"""Ingest and projectors as processes of their own, on Kafka, each with no more rights than it needs.

separate_processes_test.py SLUICE REPOSITORY: topics and schema are applied by hand; the projector
logs in as a sluice_writer, whoever looks as a sluice_reader.
"""
import json
import subprocess
import sys

from program import (SECONDS, SLUICE, Broker, Folder, Up, eventually, free_port, processes_below,
                     result, run, sluice)


class Process:
    """A command that goes on until TERM, and says on one line when it is ready."""

    def __init__(self, folder, *arguments):
        self.errors = folder / f"{arguments[0]}.log"
        with open(self.errors, "w") as log:
            self.process = subprocess.Popen([SLUICE, *map(str, arguments)], stdout=subprocess.PIPE,
                                            stderr=log, text=True)
        line = self.process.stdout.readline()
        assert line, self.errors.read_text()
        self.http = json.loads(line)["http"]
        assert json.loads(line).keys() == {"ready", "http"}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        assert self.process.wait(SECONDS) == 0, self.errors.read_text()


def set_up(database, brokers):
    """A login for each role, and what must be there first; says so when it is not."""
    owner = database.postgres.rsplit("/", 1)[0] + "/apart"
    database.ask("CREATE DATABASE apart")
    logins = {}
    for role in ("writer", "reader"):
        logins[role] = owner.replace("//sluice:", f"//{role}:").replace(
            owner.split(":")[2].split("@")[0], "secret")
        database.ask(f"CREATE ROLE {role} LOGIN PASSWORD 'secret' IN ROLE sluice_{role}")
    run("ingest", "--brokers", brokers, "--listen", "127.0.0.1:0", code=2,
        says="run sluice topics apply")
    assert result("topics", "apply", "--brokers", brokers, "--partitions", "3", "--json") == {
        "applied": ["deliberation.events"]}
    run("topics", "apply", "--brokers", brokers, "--partitions", "3", code=0)
    run("topics", "apply", "--brokers", brokers, "--partitions", "5", code=2, says="3 partitions")
    listed = result("topics", "list", "--brokers", brokers, "--json")
    assert [row["partition"] for row in listed] == [0, 1, 2] and listed[0]["end"] == 0
    assert result("schema", "apply", "--postgres", owner, "--partitions", "3", "--json") == {
        "applied": ["deliberation"]}
    run("schema", "apply", "--postgres", owner, code=2, says="start with that number")
    return owner, logins["writer"], logins["reader"]


def project_and_look(folder, brokers, writer, reader):
    projects = ["project", "--data", folder / "state", "--brokers", brokers, "--postgres", writer,
                "--listen", "127.0.0.1:0", "--memory", "128MiB"]
    with Process(folder, "ingest", "--brokers", brokers, "--listen", "127.0.0.1:0") as ingest:
        with Process(folder, *projects) as project:
            run("project", *map(str, projects[1:]), code=2, says="another sluice runs on")
            posted = result("simulate", "deliberation", "--http", ingest.http, "--seconds", "2s",
                            "--conversations", "10")
            assert posted["events"] > 0
            run("wait", posted["token"], "--postgres", reader, "--timeout", "60s", code=0)
            ready = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", f"{project.http}/readyz"]
            eventually(lambda: subprocess.run(ready, capture_output=True, text=True).stdout == "200")
        # What is posted while nobody projects waits in the log.
        later = result("simulate", "deliberation", "--http", ingest.http, "--seconds", "1s",
                       "--conversations", "10", "--seed", "2")
        run("wait", later["token"], "--postgres", reader, "--timeout", "0s", code=1,
            says="not yet at")
        with Process(folder, *projects):
            run("wait", later["token"], "--postgres", reader, "--timeout", "60s", code=0)
            verified = result("verify", "deliberation", "--postgres", reader, "--brokers", brokers)
            assert verified["rows"] > 10 and verified["differences"] == 0
    shown = result("status", "--postgres", reader, "--json")["partitions"]
    assert sum(row["position"] for row in shown) == posted["events"] + later["events"], shown
    assert all(row["lag"] == 0 for row in shown), shown


def tail(brokers):
    ends = [row["end"] for row in result("topics", "list", "--brokers", brokers, "--json")]
    lines = sluice("tail", "--domain", "deliberation", "--brokers", brokers).stdout.splitlines()
    assert len(lines) == sum(ends), (len(lines), ends)
    key = json.loads(lines[0])["envelope"]["key"]
    one = sluice("tail", "--domain", "deliberation", "--brokers", brokers, "--key", key,
                 "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["envelope"]["key"] for line in one] == [key] * 2
    late = sluice("tail", "--domain", "deliberation", "--brokers", brokers, "--from",
                  max(ends) - 1).stdout.splitlines()
    assert len(late) == ends.count(max(ends)), late


def main():
    with Broker() as brokers, Folder() as folder:
        if brokers is None:
            print("SKIPPED (no Kafka jars): ingest and projectors apart")
            return 0
        database = Up(folder / "database", ["--memory", "128MiB"])
        database.start()
        try:
            _, writer, reader = set_up(database, brokers)
            project_and_look(folder, brokers, writer, reader)
            tail(brokers)
        finally:
            database.stop()
        assert processes_below(folder) == []
    return 0


if __name__ == "__main__":
    sys.exit(main())
