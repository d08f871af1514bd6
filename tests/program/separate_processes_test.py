#!/usr/bin/env python3
"""Ingest and projectors as processes of their own, on Kafka, each with no more rights than it needs.

separate_processes_test.py SLUICE REPOSITORY TOPIC_ADMIN: topics and schema are applied by hand; the projector
logs in as a sluice_writer, whoever looks as a sluice_reader.
"""
import json
import sys
import urllib.error
import urllib.request

from program import SECONDS, Folder, brokers, eventually, processes_below, result, run, sluice
from postgres import Cluster, ask
from system import Service


class Process(Service):
    """A command that goes on until TERM, ended in order."""

    def __init__(self, folder, *arguments):
        super().__init__(folder / f"{arguments[0]}.log", *arguments)

    def __enter__(self):
        self.start()
        assert self.ready.keys() == {"ready", "http"} and self.ready["http"] == self.http
        return self

    def __exit__(self, kind, *more):
        if kind is None:
            self.stop()
            if self.command[1] == "project":
                assert "info stopping" in self.words() and "info stopped" in self.words(), self.words()[-500:]
        super().__exit__(kind, *more)


def set_up(database, brokers):
    """A login for each role, and what must be there first; says so when it is not."""
    owner = database.url
    logins = {}
    for role in ("writer", "reader"):
        logins[role] = owner.replace("//sluice@", f"//{role}@")
        ask(owner, f"CREATE ROLE sluice_{role}")
        ask(owner, f"CREATE ROLE {role} LOGIN IN ROLE sluice_{role}")
    run("ingest", "--brokers", brokers, "--listen", "127.0.0.1:0", code=2,
        says="run sluice topics apply")
    applied = result("topics", "apply", "--brokers", brokers, "--partitions", "3", "--json")
    assert "deliberation.events" in applied["applied"], applied
    run("topics", "apply", "--brokers", brokers, "--partitions", "3", code=0)
    for domains in ([], ["--domains", "people"]):
        other = run("topics", "apply", "--brokers", brokers, "--partitions", "5", *domains, code=1, says="3 partitions")
        told = json.loads(other.stdout)
        assert told["applied"] == [] and "3 partitions" in told["refused"]["people.events"], told
    listed = result("topics", "list", "--brokers", brokers, "--domains", "deliberation", "--json")
    assert [row["partition"] for row in listed] == [0, 1, 2] and listed[0]["end"] == 0
    applied = result("schema", "apply", "--postgres", owner, "--partitions", "3", "--json")
    assert "deliberation" in applied["applied"], applied
    run("schema", "apply", "--postgres", owner, code=2, says="start with --partitions 3")
    return owner, logins["writer"], logins["reader"]


def advice(project):
    """What /readyz says beside being ready, once it is."""
    def page():
        try:
            with urllib.request.urlopen(project.http + "/readyz", timeout=SECONDS) as answer:
                return answer.read().decode()
        except urllib.error.HTTPError:
            return ""
    return eventually("it is ready", page)


def told_beside_ready(project, owner, kept):
    """What does not keep anybody from relying on the process, and an operator is to know."""
    assert advice(project).strip() == "ready", advice(project)
    run("rebuild", "people", "--postgres", owner, code=0)
    ask(owner, "UPDATE sluice.projection SET version = version + 1 WHERE projection = 'people' AND generation = 2")
    says = "people generation 2 (building) is of version"
    eventually("it says what it leaves alone", lambda: says in advice(project))
    eventually("its log says so", lambda: "it is left to a program of that version" in project.words())
    run("retire", "people", "--generation", "2", "--postgres", owner, code=0)
    eventually("it leaves nothing alone", lambda: says not in advice(project))
    kept.rename(kept.parent / "moved")
    kept.write_text("a file")
    eventually("it says that there are no snapshots", lambda: "snapshots are not made" in advice(project))
    def in_status():
        shown = json.loads(sluice("status", "--postgres", owner, "--json", check=False).stdout)
        return [each["trouble"] for each in shown["troubles"] if "snapshots" in each["trouble"]]

    told = eventually("status says it", in_status)
    assert len(told) == 1 and told[0].startswith(f"snapshots are not made by process {project.process.pid} on "), told
    kept.unlink()
    eventually("there are again", lambda: "snapshots are not made" not in advice(project))
    eventually("status says nothing of it", lambda: not in_status())


def told_another_number(folder, brokers):
    """It serves, takes nothing, and says so where a script looks."""
    told = Service(folder / "told.log", "ingest", "--brokers", brokers, "--partitions", "5")
    told.start()
    not_taken = told.ready["not_taken"]
    assert len(not_taken) == 3, not_taken
    for each in not_taken:
        domain = each.split(":")[0]
        assert f"{domain}.events has 3 partitions, and --partitions says" in each, each
    told.stop()


def project_and_look(folder, brokers, owner, writer, reader):
    projects = ["project", "--data", folder / "state", "--brokers", brokers, "--postgres", writer,
                "--memory", "128MiB"]
    kept = folder / "kept"
    with Process(folder, "ingest", "--brokers", brokers, "--partitions", "3") as ingest:
        with Process(folder, *projects, "--snapshots", kept, "--snapshot-every", "1s") as project:
            run(*projects, code=2, says="another sluice runs on")
            posted = result("simulate", "deliberation", "--http", ingest.http, "--seconds", "2s",
                            "--conversations", "10")
            assert posted["events"] > 0
            run("wait", posted["token"], "--postgres", reader, "--timeout", "60s", code=0)
            eventually("it is ready", lambda: not project.readiness())
            told_beside_ready(project, owner, kept)
        # What is posted while nobody projects waits in the log.
        later = result("simulate", "deliberation", "--http", ingest.http, "--seconds", "1s",
                       "--conversations", "10", "--seed", "2")
        run("wait", later["token"], "--postgres", reader, "--timeout", "0s", code=1,
            says="not yet at")
        with Process(folder, *projects):
            run("wait", later["token"], "--postgres", reader, "--timeout", "60s", code=0)
            verified = result("verify", "deliberation", "--postgres", reader, "--brokers", brokers)
            assert verified["rows"] > 10 and verified["differences"] == 0
        last = result("simulate", "deliberation", "--http", ingest.http, "--seconds", "1s",
                      "--conversations", "10", "--seed", "3")["events"]
    folded = posted["events"] + later["events"]
    without_projectors(reader, folded, [], lag=None)
    without_projectors(reader, folded, ["--brokers", brokers], lag=last)


def without_projectors(reader, folded, log, lag):
    """Nobody projects any more, so nobody knows how long the log is by now, but the log itself."""
    told = result("status", "--postgres", reader, *log, "--json", code=1)
    shown = [row for row in told["partitions"] if row["projection"] == "deliberation"]
    assert sum(row["position"] for row in shown) == folded, shown
    if lag is None:
        assert all(row["lag"] is None for row in told["partitions"]), told
    else:
        assert sum(row["lag"] for row in shown) == lag, (lag, shown)
    assert not any(row["owned"] for row in told["partitions"]), told
    assert len(told["troubles"]) == len(told["partitions"]), told
    assert all("no process projects it since" in row["trouble"] for row in told["troubles"]), told


def tail(brokers):
    ends = [row["end"] for row in result("topics", "list", "--brokers", brokers, "--domains",
                                             "deliberation", "--json")]
    lines = sluice("tail", "--domain", "deliberation", "--brokers", brokers).stdout.splitlines()
    assert len(lines) == sum(ends), (len(lines), ends)
    key = json.loads(lines[0])["subject"]
    one = sluice("tail", "--domain", "deliberation", "--brokers", brokers, "--key", key,
                 "--limit", "2").stdout.splitlines()
    assert [json.loads(line)["subject"] for line in one] == [key] * 2
    late = sluice("tail", "--domain", "deliberation", "--brokers", brokers, "--from",
                  max(ends) - 1).stdout.splitlines()
    assert len(late) == ends.count(max(ends)), late


def main():
    with brokers() as address, Folder() as folder:
        if address is None:
            print("SKIPPED (no Kafka jars): ingest and projectors apart")
            return 0
        with Cluster(folder / "database") as database:
            roles = set_up(database, address)
            told_another_number(folder, address)
            project_and_look(folder, address, *roles)
            tail(address)
        assert processes_below(folder) == []
    return 0


if __name__ == "__main__":
    sys.exit(main())
