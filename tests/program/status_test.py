#!/usr/bin/env python3
"""`sluice status` tells whether anything stands still, what, why and what to do, and ends accordingly: 0 where all is
well, 1 where not, 2 where it cannot tell.

status_test.py SLUICE REPOSITORY TOPIC_ADMIN
"""
import re
import shutil
import sys

import metrics_page
from program import (Folder, Up, brokers, conversation, eventually, free_port, post, result, run, sluice, vote, within)

SOON = 5


def all_is_well(up):
    def shown_without_lag():
        shown = result("status", "--postgres", up.postgres, "--json")
        return all(row["lag"] == 0 for row in shown["partitions"]) and shown

    shown = eventually("all is folded, and what was derived from it too", shown_without_lag)
    assert shown["troubles"] == [] and all(row["owned"] for row in shown["partitions"]), shown
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
    eventually("the metrics say so, too", lambda: on_the_page(up, "sluice_lag_records", partition) == 50)
    assert on_the_page(up, "sluice_standing_still", partition) == 1
    assert on_the_page(up, "sluice_log_end", partition) == on_the_page(up, "sluice_position", partition) + 50
    before = on_the_page(up, "sluice_freshness_seconds", partition)
    eventually("it grows old", lambda: on_the_page(up, "sluice_freshness_seconds", partition) > before + 2)
    shutil.rmtree(folder)
    run("wait", posted["token"], "--postgres", up.postgres, "--timeout", "60s", code=0)
    eventually("all is well again", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)


def on_the_page(up, name, partition, projection="deliberation"):
    return metrics_page.values(metrics_page.read(up.http), name, "projection", "partition").get(
        (projection, str(partition)))


def log_of_before(up):
    """A log from an older backup ends before its views: they grow old, and nobody says that nothing lags. Where the
    way out was taken, readiness knows at once."""
    up.stop()
    kept = up.folder.parent / "kept"
    shutil.copytree(up.folder / "log", kept)
    up.start()
    partition = partition_of(up, "c")
    eventually("it is shown", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)
    up.stop()
    shutil.rmtree(up.folder / "log")
    shutil.move(kept, up.folder / "log")
    up.start()

    def told():
        return result("status", "--postgres", up.postgres, "--json", code=1)

    def row():
        return next(each for each in told()["partitions"]
                    if (each["projection"], each["partition"]) == ("deliberation", partition))

    eventually("it has been told", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 1)
    eventually("it says where the log ends", lambda: row()["log_end"] is not None
               and row()["log_end"] < row()["position"])
    assert row()["lag"] is None and row()["trouble"], row()
    before = row()["freshness_seconds"]
    eventually("it grows old", lambda: row()["freshness_seconds"] > before + 2)
    assert on_the_page(up, "sluice_position", partition) == row()["position"]
    assert on_the_page(up, "sluice_log_end", partition) == row()["log_end"]
    assert on_the_page(up, "sluice_lag_records", partition) is None
    assert on_the_page(up, "sluice_freshness_seconds", partition) > before
    assert on_the_page(up, "sluice_standing_still", partition) == 1
    assert "ends at" in up.readiness(), up.readiness()
    for projection in sorted({each["projection"] for each in told()["troubles"]}):
        run("schema", "apply", "--refold", projection, "--postgres", up.postgres, code=0)
    eventually("all is well again", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)
    within(SOON, "it is ready again", lambda: not up.readiness())
    within(SOON, "the metrics know, too", lambda: on_the_page(up, "sluice_standing_still", partition) == 0)


def is_read_by_people(up):
    """What has a unit shows it, and no more digits than somebody reads."""
    def shown():
        text = run("status", "--postgres", up.postgres, code=0).stdout
        return re.search(r"deliberation .* 0\.\d s .* \d+\.\d{3} s ", text) and text

    text = eventually("the last flush is told", shown)
    assert not re.search(r"\de-\d|\.\d{4,}", text.replace(".000Z", "")), text


def on_kafka(folder):
    """A partition that is held back is not fetched there: who looks hears of its end, not its reader."""
    with brokers() as address:
        if address is None:
            print("SKIPPED (no Kafka jars): status on Kafka")
            return
        with Up(folder / "kafka", ["--log", "kafka", "--brokers", address, "--memory", "128MiB"]) as up:
            up.start()
            post(up, [conversation("c"), vote("c", "p")])
            # Workers that join one after the other take partitions from each other once more.
            eventually("all is well", lambda: sluice("status", "--postgres", up.postgres, check=False).returncode == 0)
            same = result("status", "--postgres", up.postgres, "--brokers", address, "--json")
            assert same["troubles"] == [] and all(row["lag"] == 0 for row in same["partitions"]), same
            told = run("status", "--postgres", up.postgres, "--brokers", "127.0.0.1:1", code=1).stdout
            assert "does a broker run where --brokers says?" in told, told
            state_cannot_be_opened(up)
            up.stop()


with Folder() as scratch:
    with Up(scratch / "data", ["--memory", "128MiB"]) as running:
        running.start()
        posted = post(running, [conversation("c"), conversation("d"), vote("c", "p"), vote("d", "p")])
        run("wait", posted["token"], "--postgres", running.postgres, code=0)
        all_is_well(running)
        is_read_by_people(running)
        cannot_tell(running)
        state_cannot_be_opened(running)
        log_of_before(running)
        running.stop()
    on_kafka(scratch)
sys.exit(0)
