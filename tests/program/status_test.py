#!/usr/bin/env python3
"""`sluice status` tells whether anything stands still, what, why and what to do, and ends accordingly: 0 where all is
well, 1 where not, 2 where it cannot tell.

status_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import shutil
import sys

from program import (Folder, Up, brokers, conversation, eventually, free_port, post, result, run, sluice, vote)


def all_is_well(up):
    shown = result("status", "--postgres", up.postgres, "--json")
    assert shown["troubles"] == [] and all(row["owned"] for row in shown["partitions"]), shown
    assert all(row["lag"] == 0 for row in shown["partitions"]), shown
    assert "trouble" not in run("status", "--postgres", up.postgres, code=0).stdout
    same = result("status", "--postgres", up.postgres, "--data", up.folder, "--json")
    assert same["troubles"] == [], same


def cannot_tell(up):
    nowhere = f"postgresql://127.0.0.1:{free_port()}/x"
    run("status", "--postgres", nowhere, code=2, says="no connection to Postgres")
    run("status", "--postgres", up.postgres, "--data", up.folder.parent, code=2, says="no log in")
    run("status", "--postgres", up.postgres, "--data", up.folder, "--brokers", "127.0.0.1:1", code=2,
        says="either --data")
    # What the database knows is told though the log does not answer.
    shown = result("status", "--postgres", up.postgres, "--brokers", f"127.0.0.1:{free_port()}", "--json", code=1)
    assert shown["partitions"] and "the log does not answer" in shown["troubles"][0]["trouble"], shown


def partition_of(up, name):
    """Where the conversation's events are."""
    posted = post(up, [vote(name, "finder")])
    return int(posted["token"].split(":")[1].split("@")[0])


def state_cannot_be_opened(up):
    """A damaged table of one partition's state: that one stands still, by name, with a way on that works."""
    partition = partition_of(up, "c")
    up.stop()
    folder = up.folder / f"state/deliberation-g1/{partition}"
    for table in [*folder.glob("*.sst"), *folder.glob("MANIFEST-*")]:
        table.write_bytes(b"damaged")
    up.start()
    assert any(f"deliberation:{partition}: " in each for each in up.ready["not_taken"]), up.ready
    posted = result("post", "--http", up.http, "--domain", "deliberation", "-",
                    stdin="\n".join(vote("c", f"late{n}") for n in range(50)) + "\n")

    def row():
        shown = result("status", "--postgres", up.postgres, "--json", code=1)
        return next(each for each in shown["partitions"]
                    if (each["projection"], each["partition"]) == ("deliberation", partition))

    troubles = result("status", "--postgres", up.postgres, "--json", code=1)["troubles"]
    assert [(each["projection"], each["partition"]) for each in troubles] == [("deliberation", partition)], troubles
    assert str(folder) in troubles[0]["trouble"] and "delete that folder" in troubles[0]["trouble"], troubles
    assert not row()["owned"], row()
    eventually("lag counts what waits", lambda: row()["lag"] == 50)
    text = run("status", "--postgres", up.postgres, code=1).stdout
    assert "delete that folder" in text, text
    shutil.rmtree(folder)
    run("wait", posted["token"], "--postgres", up.postgres, "--timeout", "60s", code=0)
    eventually("all is well again", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)


def on_kafka(folder):
    """A partition that is held back is not fetched there: who looks hears of its end, not its reader."""
    with brokers() as address:
        if address is None:
            print("SKIPPED (no Kafka jars): status on Kafka")
            return
        with Up(folder / "kafka", ["--log", "kafka", "--brokers", address, "--memory", "128MiB"]) as up:
            up.start()
            post(up, [conversation("c"), vote("c", "p")])
            same = result("status", "--postgres", up.postgres, "--brokers", address, "--json")
            assert same["troubles"] == [] and all(row["lag"] == 0 for row in same["partitions"]), same
            told = run("status", "--postgres", up.postgres, "--brokers", "127.0.0.1:1", code=1).stdout
            assert "does a broker run where --brokers says?" in told, told
            state_cannot_be_opened(up)
            up.stop()


with Folder() as scratch:
    with Up(scratch / "data", ["--memory", "128MiB"]) as running:
        running.start()
        post(running, [conversation("c"), conversation("d"), vote("c", "p"), vote("d", "p")])
        all_is_well(running)
        cannot_tell(running)
        state_cannot_be_opened(running)
        running.stop()
    on_kafka(scratch)
sys.exit(0)
