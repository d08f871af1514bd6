#!/usr/bin/env python3
"""The end of a log is what can be read of it, not an offset: transactions of another application leave
markers behind the last record, and what they aborted, at offsets that no reader gets.

log_end_test.py SLUICE REPOSITORY TOPIC_ADMIN: `tail`, `verify` and `quarantine release` come to an end there, and say
what is missing where the view has folded more than the log has.
"""
import json
import subprocess
import sys

from program import Folder, Stopwatch, Up, brokers, conversation, post, run, vote
from postgres import Cluster, ask

TOPIC_ADMIN = sys.argv[3]
TOPIC = "deliberation.events"
SECONDS = 25  # a reader that waits for an offset never ends


def transaction(address, how):
    subprocess.run([TOPIC_ADMIN, address, how, TOPIC, "0", "another application's"], check=True)


def in_time(*command, code, says=""):
    watch = Stopwatch()
    ran = run(*command, code=code, says=says)
    assert watch.took() < SECONDS, f"{command} took its time"
    return ran.stdout


def ends(up, where, events):
    """Every command that reads to the end gets there, with all events and no others."""
    printed = in_time("tail", "--domain", "deliberation", *where, code=0).splitlines()
    assert [json.loads(line)["id"] for line in printed] == events, printed
    answer = json.loads(in_time("verify", "deliberation", "--postgres", up.postgres, *where, code=0))
    assert answer["rows"] > 0 and answer["differences"] == 0, answer


def log_end(where):
    listed = json.loads(run("topics", "list", "--domains", "deliberation", "--json", *where, code=0).stdout)
    return next(each["end"] for each in listed if each["partition"] == 0)


def cannot_be_read(where, offset):
    in_time("quarantine", "release", "--domain", "deliberation", "--key", "c", "--offset", offset, *where, code=2,
            says=f"no record at {offset} of {TOPIC} partition 0")


def others_transactions(up, address, where):
    post(up, [conversation("c"), vote("c", "a")])
    transaction(address, "abort")
    ends(up, where, ["c/created", "c/a/0/agree"])
    cannot_be_read(where, log_end(where) - 1)  # the marker
    cannot_be_read(where, log_end(where) - 2)  # what was aborted
    transaction(address, "commit")
    ends(up, where, ["c/created", "c/a/0/agree"])
    post(up, [vote("c", "b")])
    ends(up, where, ["c/created", "c/a/0/agree", "c/b/0/agree"])
    transaction(address, "commit")
    ends(up, where, ["c/created", "c/a/0/agree", "c/b/0/agree"])
    print("  transactions of others", flush=True)


def folded_more_than_there_is(postgres, where):
    """As if a record had stood at the offset of the last marker, and was lost."""
    end = log_end(where)
    (folded,), = ask(postgres, "SELECT position FROM sluice.position WHERE projection = 'deliberation'")
    ask(postgres, f"UPDATE sluice.position SET position = {end} WHERE projection = 'deliberation'")
    in_time("verify", "deliberation", "--postgres", postgres, *where, code=2,
            says=f"the view was folded up to {end}: the log lost its tail")
    ask(postgres, f"UPDATE sluice.position SET position = {folded}, digest = digest + 1 WHERE projection = 'deliberation'")
    in_time("verify", "deliberation", "--postgres", postgres, *where, code=2,
            says=f"folded from another log than this one: at position {folded} the records differ")
    ask(postgres, f"UPDATE sluice.position SET position = {end + 1} WHERE projection = 'deliberation'")
    in_time("verify", "deliberation", "--postgres", postgres, *where, code=2,
            says=f"ends at {end}, and its view was folded up to {end + 1}: the log lost its tail")
    print("  a view that has folded more than there is", flush=True)


def no_stream(where):
    in_time("tail", "--domain", "people", *where, code=2, says="has no stream people.events")


def main():
    with Folder() as folder, Cluster(folder / "postgres") as cluster, brokers() as address:
        if address is None:
            print("SKIPPED (no Kafka jars): the end of a log")
            return
        where = ["--brokers", address]
        no_stream(where)
        up = Up(folder / "data", ["--log", "kafka", *where, "--memory", "128MiB"], "--postgres", cluster.url,
                "--partitions", "1")
        up.start()
        try:
            others_transactions(up, address, where)
        finally:
            up.stop()
        folded_more_than_there_is(cluster.url, where)
    print("passed: the end of a log")


main()
