#!/usr/bin/env python3
"""State on disk that is torn, in each way that disks and people tear: it is noticed, and never served.

torn_state_test.py SLUICE REPOSITORY: `up` is killed under load, files of its state are cut, changed, taken away or put back
as of yesterday, and it starts again. Either it begins from the log's start or from where the state was, by itself, or the
partition stands still and names the folder that is damaged, which is then deleted. Every event counts once.
"""
import pathlib
import re
import shutil
import subprocess
import sys

from reader import Reader
from system import DOMAIN, Folder, Up, chance, eventually
from traffic import Traffic, check


STATE = f"state/{DOMAIN}-g1"
DAMAGED = re.compile(rf"(/\S+/{STATE}/\d+).*(delete that folder|Corruption)")


def largest(state, pattern):
    """Of all partitions of the domain."""
    return max(state.glob(f"*/{pattern}"), key=lambda file: file.stat().st_size)


def cut(file, moment):
    with open(file, "r+b") as opened:
        opened.truncate(moment.randrange(file.stat().st_size))
    return file


def flip(file, moment):
    with open(file, "r+b") as opened:
        at = moment.randrange(file.stat().st_size)
        opened.seek(at)
        byte = opened.read(1)[0]
        opened.seek(at)
        opened.write(bytes([byte ^ (1 << moment.randrange(8))]))
    return file


def remove(file, _):
    file.unlink()
    return file


# What is done, and to the largest file of which kind.
WAYS = ((cut, "*.log"), (flip, "*.log"), (cut, "*.sst"), (flip, "*.sst"), (remove, "*.sst"), (cut, "MANIFEST-*"),
        (remove, "CURRENT"))


def comes_back(up):
    """By itself, or as it says."""
    eventually("it is ready, or says why not", lambda: (trouble := up.readiness()) == "" or DAMAGED.search(trouble))
    named = DAMAGED.search(up.readiness())
    if not named:
        return "by itself"
    assert pathlib.Path(named[1]).parent == up.folder / STATE, named[0]
    up.kill()
    shutil.rmtree(named[1])
    up.start()
    eventually("it is ready", lambda: up.readiness() == "")
    return "after what it said was done"


def torn(up, change, pattern, moment, traffic, reader):
    traffic.goes_on(100)
    # A start makes tables of what stood in the log of the one before.
    up.stop()
    up.start()
    traffic.goes_on(100)
    reader.sees_more()
    up.kill()
    file = change(largest(up.folder / STATE, pattern), moment)
    up.start()
    how = comes_back(up)
    reader.sees_more()
    print(f"  {change.__name__} ({file.parent.name}/{file.name}): {how}", flush=True)


def of_yesterday(up, folder, traffic, reader):
    """Older than the view: folded on from there."""
    up.stop()
    state = up.folder / STATE
    subprocess.run(["cp", "-a", state, folder / "yesterday"], check=True)
    up.start()
    traffic.goes_on()
    reader.sees_more()
    up.kill()
    shutil.rmtree(state)
    subprocess.run(["cp", "-a", folder / "yesterday", state], check=True)
    up.start()
    reader.sees_more()
    print("  of yesterday", flush=True)


def main():
    moment = chance()
    with Folder() as folder, Up(folder / "data", []) as up:
        up.start()
        with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
            traffic.goes_on()
            for change, pattern in WAYS:
                torn(up, change, pattern, moment, traffic, reader)
            of_yesterday(up, folder, traffic, reader)
            check(traffic, reader, up.postgres, ["--data", up.folder])
        up.stop()
    print("passed: torn state")
    return 0


if __name__ == "__main__":
    sys.exit(main())
