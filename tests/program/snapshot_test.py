#!/usr/bin/env python3
"""Snapshots of state: made by whoever owns it while it is folded on, listed, verified, pruned, begun from.

snapshot_test.py SLUICE REPOSITORY TOPIC_ADMIN: on the embedded log.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import signal
import threading

from program import Folder, Stopwatch, Up, conversation, eventually, post, result, run, sluice, vote

SMALL = ["--memory", "128MiB", "--domains", "deliberation,people", "--workers", "2"]
FIELDS = {"projection", "generation", "partition", "version", "position", "bytes", "linked", "seconds", "path"}


def posted(up, name, participants):
    events = [conversation(name)] + [vote(name, f"p{n}") for n in range(participants)]
    return post(up, events)


def began(up, projection="deliberation"):
    """How each partition began, of those that have anything."""
    status = json.loads(sluice("status", "--postgres", up.postgres, "--json", check=False).stdout)
    return {each["partition"]: each["began"] for each in status["partitions"]
            if each["projection"] == projection and each["position"] > 0}


def has_begun(up):
    eventually("it began", lambda: all(each and each["seconds"] is not None for each in began(up).values()))


def positions(up):
    return {(name, int(partition)): int(position) for name, partition, position in up.ask(
        "SELECT projection, partition, position FROM sluice.position WHERE position > 0")}


def create(up, folder, *more):
    made = result("snapshot", "create", *more, "--postgres", up.postgres, "--to", folder)["snapshots"]
    for each in made:
        assert each.keys() == FIELDS, each
        path = pathlib.Path(each["path"])
        assert path.parts[-1] == str(each["position"]) and path.parts[-2] == str(each["partition"]), each
        assert path.is_relative_to(folder) and (path / "snapshot.json").is_file(), each
    return {(each["projection"], each["partition"]): each for each in made}


def made_listed_verified_pruned(up, folder):
    for name in ("a", "b", "c"):
        posted(up, name, 40)
    first = create(up, folder)
    assert {place: each["position"] for place, each in first.items()} == positions(up)
    only = create(up, folder, "people")
    assert {projection for projection, _ in only} <= {"people"}, only
    # Beside a partition that has folded nothing, and of one that has not moved: the same.
    again = create(up, folder)
    assert {place: each["path"] for place, each in again.items()} == {
        place: each["path"] for place, each in first.items()}
    place = next(place for place in first if place[0] == "deliberation")
    posted(up, "a2", 3)
    posted(up, "b2", 3)
    posted(up, "c2", 3)
    posted(up, "d2", 3)
    second = create(up, folder, "deliberation")
    assert any(each["linked"] > 0 for each in second.values()), second
    listed = result("snapshot", "list", "--from", folder)["snapshots"]
    assert {each["path"] for each in listed} == {each["path"] for each in (*first.values(), *second.values())}
    for each in listed:
        assert each.keys() == FIELDS | {"made_at"}, each
        # As it was told when it was made.
        assert each["seconds"] in {told[place]["seconds"] for told in (first, second)
                                   for place in told if told[place]["path"] == each["path"]}, each
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", each["made_at"]), each
    assert result("snapshot", "verify", "--from", folder) == {"snapshots": len(listed), "faults": []}
    flipped = next(pathlib.Path(second[place]["path"]).glob("*.sst"))
    damage(flipped)
    found = result("snapshot", "verify", "--from", folder, code=1)
    assert {"path": str(flipped), "fault": "torn"} in found["faults"], found
    assert result("snapshot", "prune", "--from", folder, "--keep", "9") == {"kept": len(listed), "removed": 0}
    (pathlib.Path(first[place]["path"]) / "snapshot.json").unlink()
    run("snapshot", "list", "--from", folder, code=0, says=first[place]["path"])
    pruned = result("snapshot", "prune", "--from", folder, "--keep", "9")
    assert pruned == {"kept": len(listed) - 1, "removed": 1}, pruned
    assert result("snapshot", "prune", "--from", folder, "--keep", "9", "--older", "0s")["kept"] == 0
    assert result("snapshot", "list", "--from", folder) == {"snapshots": []}


def damage(file):
    """Of this name alone: the state may share the file."""
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.unlink()
    file.write_bytes(content)


def what_is_in_the_way_is_named(up, folder):
    def refused(to, says):
        run("snapshot", "create", "--postgres", up.postgres, "--to", to, code=2, says=says)

    inside = folder / "in-the-way"
    inside.mkdir(mode=0o700)
    (inside / "diary.txt").write_text("mine")
    refused(inside, str(inside / "diary.txt"))
    assert os.listdir(inside) == ["diary.txt"]
    refused(inside / "diary.txt", "is no folder")
    refused("/proc/sluice", "/proc/sluice")
    refused(up.folder / "kept", "is inside of the data folder")
    assert not (up.folder / "kept").exists()
    linked = folder / "linked"
    linked.mkdir(mode=0o700)
    (linked / "deliberation").symlink_to(inside)
    refused(linked, str(linked / "deliberation"))
    for what in ("list", "verify"):
        run("snapshot", what, "--from", linked, code=2, says=str(linked / "deliberation"))
        run("snapshot", what, "--from", folder / "none", code=2, says=str(folder / "none"))
    run("snapshot", "prune", "--from", inside, "--keep", "1", "--older", "0s", code=2, says=str(inside / "diary.txt"))
    run("snapshot", "prune", "--from", folder, "--keep", "0", code=2, says="is not a whole number from 1 to")
    assert (inside / "diary.txt").read_text() == "mine"
    run("backup", "--postgres", up.postgres, "--to", up.folder / "kept", code=2, says="is inside of the data folder")
    run("snapshot", "create", "nothing", "--postgres", up.postgres, "--to", folder / "x", code=2, says="nothing")
    assert not (folder / "x").exists()
    up.ask("INSERT INTO sluice.request (id, kind, projection, partition, argument) VALUES ('odd', 'snapshot.create', "
           "'deliberation', 0, '{\"to\": \"here\"}')")
    odd = eventually("answered", lambda: up.ask("SELECT answer->>'reason' FROM sluice.request WHERE id = 'odd' AND "
                                                "done_at IS NOT NULL"))
    assert "whole path" in odd[0][0], odd


def asked_once_and_again(up, folder):
    """Who dies before it answers has another answer; what nobody owns is left; what is given up stays given up."""
    before = create(up, folder, "deliberation")
    up.ask("UPDATE sluice.request SET answer = NULL, done_at = NULL, made_at = now(), worked_at = now() - interval "
           "'9 seconds' WHERE kind = 'snapshot.create' AND answer ? 'snapshot'")
    eventually("answered again", lambda: up.ask("SELECT count(*) FROM sluice.request WHERE done_at IS NULL") == [["0"]])
    assert create(up, folder, "deliberation").keys() == before.keys()
    stands_still(up, folder)
    up.ask("INSERT INTO sluice.request (id, kind, projection, generation, partition, argument) VALUES "
           f"('nobody''s', 'snapshot.create', 'deliberation', 7, 0, '{{\"to\": \"{folder}\"}}')")
    up.signal(signal.SIGSTOP)
    watch = Stopwatch()
    with somebody_works_on(up, 0):
        run("snapshot", "create", "deliberation", "--postgres", up.postgres, "--to", folder / "never", code=2,
            says="generation 1 partition 1 answered within 10 s, and none will")
    assert watch.seconds() > 9 and watch.took() < 20
    up.signal(signal.SIGCONT)
    posted(up, "more", 2)
    assert not (folder / "never").exists(), "what was given up stays given up"
    assert up.ask("SELECT worked_at IS NULL, done_at IS NULL FROM sluice.request WHERE id = 'nobody''s'") == [
        ["t", "t"]]


@contextlib.contextmanager
def somebody_works_on(up, partition):
    """As another process would that has only this partition; it never comes to an end."""
    asked = f"kind = 'snapshot.create' AND generation = 1 AND partition = {partition} AND done_at IS NULL"
    over = threading.Event()

    def works():
        while not over.wait(0.5):
            up.ask(f"UPDATE sluice.request SET worked_at = clock_timestamp() WHERE {asked}")

    worker = threading.Thread(target=works)
    worker.start()
    try:
        yield
    finally:
        over.set()
        worker.join()
        up.ask(f"UPDATE sluice.request SET done_at = now(), answer = '{{}}' WHERE {asked}")


def stands_still(up, folder):
    """Who folds nothing of a partition says so, and nobody waits for more."""
    def shift(by):
        up.ask(f"UPDATE sluice.position SET digest = digest + {by} WHERE projection = 'deliberation' AND position > 0")

    shift(1)
    eventually("it stands still", lambda: "different records" in up.readiness())
    watch = Stopwatch()
    refused = result("snapshot", "create", "deliberation", "--postgres", up.postgres, "--to", folder, code=1)
    assert refused["refused"] == "stands_still" and "stands still" in refused["reason"], refused
    assert watch.took() < 60
    shift(-1)
    eventually("it goes on", lambda: up.readiness() == "")


def lost_state_begins_from_the_newest(scratch):
    folder = scratch / "kept"
    up = Up(scratch / "data", [*SMALL, "--snapshots", folder])
    up.start()
    made = create(up, folder, "deliberation")
    posted(up, "behind", 5)
    place = next(iter(made))
    newest = made[place]["path"]
    up.stop()
    shutil.rmtree(scratch / "data/state")
    up.start()
    has_begun(up)
    for partition, how in began(up).items():
        assert how["from"] == "snapshot" and how["refused"] == [], how
        assert how["position"] == made["deliberation", partition]["position"], how
    run("verify", "deliberation", "--postgres", up.postgres, "--data", scratch / "data", code=0)
    up.stop()
    # State that is damaged is set aside.
    state = scratch / "data/state/deliberation-g1" / str(place[1])
    damage(next(state.glob("MANIFEST-*")))
    up.start()
    has_begun(up)
    assert began(up)[place[1]]["from"] == "snapshot" and (state.parent / f"{place[1]}.damaged").is_dir()
    run("verify", "deliberation", "--postgres", up.postgres, "--data", scratch / "data", code=0)
    up.stop()
    # It has its state now, and needs none; a damaged one is passed over, and said.
    up.start()
    has_begun(up)
    assert {how["from"] for how in began(up).values()} == {"state"}
    up.stop()
    damage(pathlib.Path(newest) / "CURRENT")
    shutil.rmtree(scratch / "data/state")
    up.start()
    has_begun(up)
    how = began(up)[place[1]]
    assert how["from"] == "start" and how["refused"] == [{"path": newest, "fault": "torn"}], how
    run("verify", "deliberation", "--postgres", up.postgres, "--data", scratch / "data", code=0)
    up.stop()


def made_by_itself(scratch):
    folder = scratch / "every"
    run("up", "--data", scratch / "data", "--snapshot-every", "1s", code=2, says="--snapshots")
    run("up", "--data", scratch / "data", "--snapshots", scratch / "data/kept", code=2, says="is inside of the data folder")
    up = Up(scratch / "data", [*SMALL, "--snapshots", folder, "--snapshot-every", "1s"])
    up.start()

    def newest():
        listed = result("snapshot", "list", "--from", folder)["snapshots"]
        return {(each["projection"], each["partition"]): each["position"] for each in reversed(listed)}

    eventually("there are snapshots of all", lambda: newest() == positions(up))
    for n in range(9):
        posted(up, f"every{n}", 2)
        eventually("there are new ones", lambda: newest() == positions(up))
    by_place = {}
    for each in result("snapshot", "list", "--from", folder)["snapshots"]:
        by_place.setdefault((each["projection"], each["partition"]), []).append(each)
    assert max(map(len, by_place.values())) <= 7, "those beyond are pruned"
    assert result("snapshot", "verify", "--from", folder)["faults"] == []
    # A place that is not to be had is told, and nothing else stands still.
    folder.rename(scratch / "moved")
    folder.write_text("a file")
    posted(up, "still", 2)
    eventually("it is told", lambda: "snapshots are not made" in up.words())
    folder.unlink()
    eventually("it is told", lambda: "snapshots are made again" in up.words())
    up.stop()


def main():
    with Folder() as scratch:
        with Up(scratch / "data", SMALL) as up:
            up.start()
            made_listed_verified_pruned(up, scratch / "snapshots")
            what_is_in_the_way_is_named(up, scratch)
            asked_once_and_again(up, scratch / "again")
            up.stop()
            run("backup", "--data", up.folder, "--to", up.folder / "log/kept", code=2,
                says="is inside of the data folder")
            assert not (up.folder / "kept").exists() and not (up.folder / "log/kept").exists()
        lost_state_begins_from_the_newest(scratch)
        made_by_itself(scratch)
    print("passed: snapshots")


main()
