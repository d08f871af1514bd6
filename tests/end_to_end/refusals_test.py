#!/usr/bin/env python3
"""What is refused at the start, clearly: a data folder that is in use, a crash point that is none, what a
newer program has written.

refusals_test.py SLUICE REPOSITORY: the second process on a folder exits 2 and says what to do; the
first goes on.
"""
import os
import subprocess
import sys

from broker import Broker, skipped
from postgres import Cluster, ask
from system import DEADLINE_SECONDS, SLUICE, Folder, Project, Up, sluice
from traffic import Traffic


def refused(words, *says, **environment):
    """It exits 2 within a moment, with one line that says so."""
    ran = subprocess.run([SLUICE, *map(str, words)], capture_output=True, text=True,
                         timeout=DEADLINE_SECONDS, env={**os.environ, **environment})
    assert ran.returncode == 2 and ran.stdout == "", (ran.returncode, ran.stdout)
    last = ran.stderr.splitlines()[-1]
    assert all(word in last for word in says), last


def unknown_crash_points(folder):
    up = ["up", "--data", folder / "none", "--listen", "127.0.0.1:0"]
    refused(up, "SLUICE_CRASH_AT", "flush.comitted", "flush.committed",
            SLUICE_CRASH_AT="flush.comitted")
    refused(up, "SLUICE_CRASH_AT", '"soon"', SLUICE_CRASH_AT="flush.committed:soon")
    assert not (folder / "none").exists(), "before anything is done"
    print("passed: an unknown crash point")


def no_log_there(folder):
    """A mistyped folder is neither backed up nor made."""
    refused(["backup", "--data", folder / "typo", "--to", folder / "kept"], "there is no log in", "--data")
    refused(["quarantine", "release", "--domain", "deliberation", "--data", folder / "typo", "--key", "k"],
            "there is no log in")
    assert not (folder / "typo").exists() and not (folder / "kept").exists()
    print("passed: a folder without a log")


def endless_input(folder):
    """An operator's file is read up to what can be in it."""
    refused(["quarantine", "edit", "--domain", "deliberation", "--data", folder, "--key", "k", "--offset", "0",
             "--why", "a typo", "--file", "/dev/zero"], "/dev/zero holds more than")
    ran = subprocess.run([SLUICE, "post", "--http", "http://127.0.0.1:1", "--domain", "deliberation", "/dev/zero"],
                         capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False)
    assert ran.returncode == 1 and "line 1: it is longer than" in ran.stderr, ran
    print("passed: files without an end")


def one_up_a_folder(folder):
    with Up(folder / "data", []) as up:
        up.start()
        second = ["up", "--data", up.folder, "--listen", "127.0.0.1:0"]
        refused(second, f"another sluice runs on {up.folder}", "stop it", "another folder")
        with Traffic([up.http], 1) as traffic:
            traffic.goes_on(100)
            traffic.finish()
        # A process that was killed holds nothing.
        up.kill()
        up.start()
        refused(second, f"another sluice runs on {up.folder}")
        of_a_newer_program(up, second)
    print("passed: one up a folder")


def of_a_newer_program(up, start):
    """Tables, then a folder, that this program would misread; set back, it goes on."""
    set_numbers = "UPDATE sluice.applied SET revision = {0}, least_revision = {0} WHERE name = 'sluice' RETURNING 1"
    (revision,), = ask(up.postgres, "SELECT revision FROM sluice.applied WHERE name = 'sluice'")
    assert ask(up.postgres, set_numbers.format(int(revision) + 1)) == [["1"]]
    up.stop()
    refused(start, "the schema sluice of this database was made by a newer program", "start that program")
    format_file = up.folder / "format"
    known = format_file.read_text()
    format_file.write_text(f"{int(known) + 1}\n")
    newer = (f"{up.folder} was written by a newer program", "start that program")
    refused(start, *newer)
    refused(["tail", "--domain", "deliberation", "--data", up.folder], *newer)
    assert format_file.read_text() == f"{int(known) + 1}\n"
    format_file.write_text(known)
    print("passed: of a newer program")


def one_project_a_folder(folder):
    with Broker() as broker:
        if broker is None:
            return skipped("one project a folder")
        broker.make_topic()
        with Cluster(folder / "postgres") as cluster:
            sluice("schema", "apply", "--postgres", cluster.url)
            with Project(folder / "projector", broker.bootstrap, cluster.url) as project:
                project.start()
                refused(["project", "--data", project.folder, "--brokers", broker.bootstrap,
                         "--postgres", cluster.url, "--listen", "127.0.0.1:0"],
                        f"another sluice runs on {project.folder}", "stop it", "another folder")
                project.stop()
    print("passed: one project a folder")
    return 0


def main():
    with Folder() as folder:
        unknown_crash_points(folder)
        no_log_there(folder)
        endless_input(folder)
        one_up_a_folder(folder)
        return one_project_a_folder(folder)


if __name__ == "__main__":
    sys.exit(main())
