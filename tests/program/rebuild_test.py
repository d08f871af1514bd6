#!/usr/bin/env python3
"""A generation is built beside the one that readers see, by the process that runs, and follows it: the same rows.

rebuild_test.py SLUICE REPOSITORY TOPIC_ADMIN: on the embedded log; killed at each step of building; then retired.
"""
import re
import time

from program import Folder, Up, conversation, eventually, post, result, run, vote

DOMAIN = "deliberation"
# In an order in which each is reached.
STEPS = ["bulk.noted", "load.before", "load.rows_copied", "load.committed", "generation.keys_made"]
# What is folded here takes a tenth of a second of a processor, and more.
UNFINISHED_SECONDS = 3
COMPUTED = {"math_snapshot", "math_group", "math_opinion", "math_participant"}

# Of the generation, and not shown to readers.
ENGINES = {"sluice_emission"}


def traffic(up, names, participants):
    for name in names:
        events = [conversation(name)] if participants[0] == 0 else []
        events += [vote(name, f"p{n}", opinion=str(n % 3), choice=("agree", "disagree", "pass")[n % 2])
                   for n in range(*participants)]
        # What is refused is told by both: there is no such conversation.
        post(up, [*events, vote(f"no-{name}", f"p{participants[0]}")])


def of(up, number):
    return next(each for each in result("generations", DOMAIN, "--postgres", up.postgres)["generations"]
                if each["generation"] == number)


def tables(up):
    return [name for name, in up.ask("SELECT relname FROM pg_class WHERE relkind = 'r' "
                                     f"AND relnamespace = '{DOMAIN}_g1'::regnamespace ORDER BY 1")]


def positions(up, number):
    return up.ask("SELECT partition, position, digest FROM sluice.position "
                  f"WHERE projection = '{DOMAIN}' AND generation = {number} ORDER BY 1")


def differences(up, number):
    """Rows by table that only one of the two has."""
    found = {}
    for table in tables(up):
        if table in COMPUTED:
            continue
        one, other = f"TABLE {DOMAIN}_g1.{table}", f"TABLE {DOMAIN}_g{number}.{table}"
        (count,), = up.ask(f"SELECT count(*) FROM (({one} EXCEPT {other}) UNION ALL ({other} EXCEPT {one})) AS d")
        if count != "0":
            found[table] = count
    refused = ["SELECT partition, position, event_id, type, key, reason, recorded_at FROM sluice.rejection "
               f"WHERE projection = '{DOMAIN}' AND generation = {each} ORDER BY 1, 2" for each in (1, number)]
    if up.ask(refused[0]) != up.ask(refused[1]):
        found["rejection"] = refused
    return found


def follows(up, number):
    eventually(f"generation {number} is where the live one is",
               lambda: positions(up, 1) == positions(up, number))
    assert differences(up, number) == {}, differences(up, number)
    assert up.ask("SELECT count(*) > 3 FROM sluice.rejection WHERE generation = 1")[0] == ["t"]


def has_keys(up, number):
    shapes = [up.ask("SELECT tablename, replace(indexdef, schemaname, '') FROM pg_indexes "
                     f"WHERE schemaname = '{DOMAIN}_g{each}' ORDER BY 1, 2") for each in (1, number)]
    assert shapes[0] == shapes[1] != [], shapes


def built(up):
    # More than bulk folding leaves to following, in one partition; little in the others.
    votes = [vote("big", f"p{n}", opinion=str(n % 3), choice=("agree", "disagree")[n % 2]) for n in range(25_000)]
    post(up, [conversation("big"), *votes])
    traffic(up, ["a", "b", "c", "d"], (0, 40))
    ready = result("rebuild", DOMAIN, "--postgres", up.postgres, "--wait", "--share", "1")
    assert ready == {"projection": DOMAIN, "generation": 2, "status": "ready"}, ready
    assert of(up, 2)["phase"] == "following" and of(up, 2)["owners"], of(up, 2)
    has_keys(up, 2)
    follows(up, 2)
    loaded = [int(each) for each in re.findall(r"partition loaded .* position=(\d+)", up.words())]
    assert len(loaded) == 4 and max(loaded) > 10_000, loaded
    eventually("it is ready", lambda: not up.readiness())
    print("  built", flush=True)


def goes_on(up):
    """It follows what comes, also what is computed, and readers and status see the live one alone."""
    traffic(up, ["a", "b", "e"], (0, 60))
    follows(up, 2)
    snapshots = "SELECT conversation_id FROM {}_g{}.math_snapshot ORDER BY 1"
    eventually("it computes what the live one does",
               lambda: up.ask(snapshots.format(DOMAIN, 1)) == up.ask(snapshots.format(DOMAIN, 2)) != [])
    shown = result("status", "--postgres", up.postgres, "--json")
    assert shown["troubles"] == [], shown["troubles"]
    assert [row["generation"] for row in shown["partitions"] if row["projection"] == DOMAIN] == [1] * 4, shown
    rejected = sum(row["rejected"] for row in shown["rejected"] if row["projection"] == DOMAIN)
    assert [[str(rejected)]] * 2 == [up.ask("SELECT count(*) FROM sluice.rejection WHERE projection = "
                                            f"'{DOMAIN}' AND generation = {n}")[0] for n in (1, 2)], shown["rejected"]
    run("verify", DOMAIN, "--postgres", up.postgres, "--data", up.folder, code=0)
    up.stop()
    up.start()
    traffic(up, ["a", "f"], (0, 20))
    follows(up, 2)
    print("  follows", flush=True)


def seen(up):
    """What readers see."""
    return [(table, up.ask(f"SELECT count(*) FROM {DOMAIN}.{table}")[0][0]) for table in tables(up)
            if table not in COMPUTED | ENGINES]


def swapped(up, command, live, was):
    before = seen(up)
    answer = result(command, DOMAIN, "--postgres", up.postgres)
    assert (answer["live"], answer["was"]) == (live, was), answer
    assert seen(up) == before
    traffic(up, ["a", f"s{live}"], (0, 30))
    follows(up, 2)
    assert seen(up) != before
    eventually("all of it is taken", lambda: not up.readiness())
    for domain in (DOMAIN, "people"):
        run("verify", domain, "--postgres", up.postgres, "--data", up.folder, code=0)
    owned = [row for row in result("status", "--postgres", up.postgres, "--json")["partitions"]
             if row["projection"] == DOMAIN]
    assert [(row["generation"], row["owned"]) for row in owned] == [(live, True)] * 4, owned


def shown_instead(up):
    """Readers are given the other one, and the first one back, while events come; both go on."""
    compared = result("compare", DOMAIN, "--postgres", up.postgres)
    assert (compared["generation"], compared["against"], compared["unexpected"]) == (2, 1, 0), compared
    swapped(up, "promote", 2, 1)
    assert of(up, 1)["status"] == "standing", of(up, 1)
    up.stop()
    up.start()
    traffic(up, ["b"], (0, 15))
    follows(up, 2)
    swapped(up, "rollback", 1, 2)
    assert of(up, 2)["status"] == "ready", of(up, 2)
    print("  shown instead, and back", flush=True)


def retired(up, number):
    folder = up.folder / f"state/{DOMAIN}-g{number}"
    assert folder.exists(), folder
    assert result("retire", DOMAIN, "--generation", number, "--postgres", up.postgres) == {"retired": number}
    eventually("its state is gone", lambda: not folder.exists())
    eventually("nothing stands still", lambda: not up.readiness())


def killed(up, step, number):
    """Building is cut anywhere, and the next start goes on."""
    up.stop()
    up.start(SLUICE_CRASH_AT=step)
    made = result("rebuild", DOMAIN, "--postgres", up.postgres, "--share", "1")
    assert made == {"projection": DOMAIN, "generation": number, "status": "building"}, made
    up.dies_at(step)
    up.start()
    eventually("it is ready", lambda: of(up, number)["status"] == "ready")
    traffic(up, [f"k{number}"], (0, 10))
    has_keys(up, number)
    follows(up, number)
    print(f"  died at {step}", flush=True)
    retired(up, number)


def paced(up, number):
    """Building takes its share and no more, from the moment on that it is given another."""
    made = result("rebuild", DOMAIN, "--postgres", up.postgres, "--share", "0.01")
    assert made["generation"] == number, made
    begun = time.monotonic()
    while time.monotonic() < begun + UNFINISHED_SECONDS:
        assert of(up, number)["status"] == "building", "with a hundredth of a core"
    again = result("rebuild", DOMAIN, "--postgres", up.postgres, "--share", "1", "--wait")
    assert again == {"projection": DOMAIN, "generation": number, "status": "ready"}, again
    print("  at its share", flush=True)
    retired(up, number)


with Folder() as scratch:
    with Up(scratch / "data", ["--memory", "128MiB", "--flush-interval", "50ms"]) as running:
        running.start()
        built(running)
        goes_on(running)
        shown_instead(running)
        retired(running, 2)
        for at, each in enumerate(STEPS):
            killed(running, each, 3 + at)
        paced(running, 3 + len(STEPS))
        running.stop()
