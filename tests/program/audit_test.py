#!/usr/bin/env python3
"""The self-audit: rows that somebody changed, in Postgres or in the state, are found within a round, and are
differences no more once they are repaired.

audit_test.py SLUICE REPOSITORY TOPIC_ADMIN: on the embedded log and on Kafka; with an index of keys and without, and
switched off.
"""
import json
import pathlib
import subprocess
import sys
import urllib.error
import urllib.request

import metrics_page
from doctor import found, pasted
from program import (Folder, Up, brokers, conversation, eventually, post, result, run, sluice, vote,
                     within)

EDITOR = pathlib.Path(sys.argv[3]).parent / "state_editor"
LOG_WRITER = pathlib.Path(sys.argv[3]).parent / "log_writer"
STREAM = "deliberation.events"
ROUND_SECONDS = 60
PARTITIONS = 4
ONLY = ["--domains", "deliberation"]


def fill(up):
    events = [conversation("lunch"), conversation("dinner")]
    for n in range(60):
        events += [vote("lunch", f"p{n % 20}", str(n % 3), ("agree", "disagree", "pass")[n % 3 - n % 2]),
                   vote("dinner", f"p{n}", str(n % 3))]
    post(up, events)


def stray(up):
    """Where garbage goes under a key whose rows are another partition's, and are right."""
    ((partition,),) = up.ask("SELECT partition FROM sluice.position WHERE projection = 'deliberation' "
                             "ORDER BY position LIMIT 1")
    return partition


def misroute(up, brokers_):
    subprocess.run(["kcat", "-b", brokers_, "-P", "-t", STREAM, "-p", stray(up), "-K", "\t"], input=b"lunch\tgarbage",
                   check=True, capture_output=True)
    eventually("it is in quarantine", lambda: up.ask("SELECT count(*) FROM sluice.quarantine") == [["1"]])


def standing(up):
    """What `sluice status` says of the audit of deliberation, by partition, also in the middle of a rebalance."""
    told = json.loads(sluice("status", "--postgres", up.postgres, "--json", check=False).stdout)["audit"]
    for each in told:
        assert {"projection", "partition", "proved_to", "finished_at", "differences"} <= set(each), told
    return {each["partition"]: each for each in told if each["projection"] == "deliberation"}


def differences(up):
    return {tuple(row) for row in up.ask(
        "SELECT table_name, key::text, coalesce(column_name, ''), what, found_in FROM sluice.audit_difference")}


def known(up):
    return sum(each["differences"] for each in standing(up).values())


def all_is_equal(up):
    """Every partition is through with a round that began at the position where the view is."""
    positions = dict(up.ask("SELECT partition, position FROM sluice.position WHERE projection = 'deliberation'"))
    within(ROUND_SECONDS, "a whole round of every partition", lambda: positions == {
        str(p): str(each["proved_to"]) for p, each in standing(up).items() if each["finished_at"]})
    assert differences(up) == set() and known(up) == 0, differences(up)
    assert sum(each["rows"] for each in standing(up).values()) > 100, standing(up)


def metrics(up):
    families = metrics_page.read(up.http)
    faults = list(metrics_page.faults(families))
    assert not faults, faults
    return {name: sum(families[name].samples.values()) for name in
            ("sluice_audit_differences", "sluice_audit_proved_position") if name in families}


def tampered(up):
    """As an administrator may: a row changed, one gone, one too many, and one of a key that there never was."""
    up.ask("UPDATE deliberation_g1.opinion_stats SET agrees = 77 WHERE conversation_id = 'lunch' "
           "AND opinion_id = '0'")
    up.ask("DELETE FROM deliberation_g1.opinion WHERE conversation_id = 'lunch' AND opinion_id = '1'")
    for key in ("lunch", "ghost"):
        up.ask(f"INSERT INTO deliberation_g1.opinion (conversation_id, opinion_id) VALUES ('{key}', 'x')")

    def of(conversation_id, opinion):
        return json.dumps({"opinion_id": opinion, "conversation_id": conversation_id})

    expected = {("opinion_stats", of("lunch", "0"), "agrees", "changed", "view"),
                ("opinion", of("lunch", "1"), "", "missing", "view"),
                ("opinion", of("lunch", "x"), "", "extra", "view"),
                ("opinion", of("ghost", "x"), "", "extra", "view")}
    within(ROUND_SECONDS, f"exactly what was done is found: {expected}", lambda: differences(up) == expected)
    within(ROUND_SECONDS, "all are counted", lambda: known(up) == len(expected))
    within(ROUND_SECONDS, "metrics have them", lambda: metrics(up)["sluice_audit_differences"] == len(expected))
    assert metrics(up)["sluice_audit_proved_position"] > 0
    eventually("it is ready: differences are no reason to stop relying on it", lambda: up.readiness() == "")
    assert "audit found rows that the log does not make" in up.words()
    ((expected_value, found, since),) = up.ask(
        "SELECT expected, found, since FROM sluice.audit_difference WHERE column_name = 'agrees'")
    assert found == "77" and expected_value != "77" and since, (expected_value, found, since)


def mended(up, done):
    """What the doctor says of each partition: a key to look at, and to have written anew."""
    for each in found(up, "audit_differences", projection="deliberation", generation=1):
        evidence = each["evidence"]
        assert evidence["differences"] > 0 and evidence["table"] in each["what"] and each["since"], each
        if evidence["partition_key"] in done:
            continue  # known until it is looked at again
        looks, mends = each["next"].split("  # and to have it written anew: ")
        differing = json.loads(pasted(up, looks, code=1))
        assert differing["key"] == evidence["partition_key"] and differing["differences"], differing
        pasted(up, mends)
        done.add(evidence["partition_key"])
    return done >= {"ghost", "lunch"}


def repaired(up, log):
    """From a difference to replay, to repair: by what the doctor says."""
    keys = [key for (key,) in up.ask("SELECT DISTINCT partition_key FROM sluice.audit_difference")]
    assert sorted(keys) == ["ghost", "lunch"], keys
    done = set()
    within(ROUND_SECONDS, "the doctor names one after the other", lambda: mended(up, done))
    assert done == {"ghost", "lunch"}, done
    within(ROUND_SECONDS, "what is repaired is no difference", lambda: not differences(up) and known(up) == 0)
    within(ROUND_SECONDS, "metrics have none", lambda: metrics(up)["sluice_audit_differences"] == 0)
    run("verify", "deliberation", "--postgres", up.postgres, *log, code=0)


def state_found(up, log):
    """Rows that only the state has lost, which the view still has."""
    partition = result("replay", "deliberation", "--key", "lunch", "--postgres", up.postgres, *log,
                       "--json")["partition"]
    elsewhere = stray(up)
    up.stop()
    subprocess.run([LOG_WRITER, up.folder, STREAM, elsewhere, "lunch", "garbage"], check=True, capture_output=True)
    folder = up.folder / "state" / "deliberation-g1" / str(partition)
    # The engine's own rows, of which some go as well, are nobody's to audit.
    subprocess.run([EDITOR, folder, "lunch"], capture_output=True, text=True, check=True)
    up.start()
    within(ROUND_SECONDS, "rows that the state lost are found", lambda: differences(up))
    found = differences(up)
    assert {(what, where) for *_, what, where in found} == {("missing", "state")} and len(found) > 5, found
    result("replay", "deliberation", "--key", "lunch", "--postgres", up.postgres, *log, "--repair", "--json")
    within(ROUND_SECONDS, "the state is mended", lambda: not differences(up))


def goes_on_under_traffic(up):
    """Rows change, are flushed and are folded while they are audited; nothing is found."""
    for n in range(5):
        post(up, [vote("lunch", f"p{p}", str(p % 3), ("pass", "agree")[n % 2]) for p in range(20)])
    all_is_equal(up)


def readers_see_another(up):
    """What is known of a generation goes with it, and the one that takes its place is audited."""
    up.ask("UPDATE deliberation_g1.opinion_stats SET agrees = 77 WHERE conversation_id = 'lunch' "
           "AND opinion_id = '0'")
    within(ROUND_SECONDS, "it is found", lambda: differences(up))
    result("rebuild", "deliberation", "--postgres", up.postgres, "--wait")
    result("promote", "deliberation", "--postgres", up.postgres, "--expect", "opinion_stats.agrees")
    assert differences(up) == set(), differences(up)
    all_is_equal(up)
    assert up.ask("SELECT DISTINCT generation FROM sluice.audit") == [["2"]]


def sessions(up):
    return up.ask("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'sluice audit'")[0][0]


def switched_off(folder):
    """Nothing is audited, nothing is said of it, and no session is there for it."""
    with Up(folder / "off", ["--log", "embedded", "--memory", "128MiB", *ONLY], "--audit", "0") as up:
        up.start()
        fill(up)
        assert standing(up) == {} and sessions(up) == "0" and metrics(up) == {}
        up.stop()
    run("up", "--data", folder / "off", "--audit", "2", code=2, says="is no part: give a number from 0 to 1")


def without_an_index(folder):
    with Up(folder / "unindexed", ["--log", "embedded", "--memory", "128MiB", *ONLY], "--no-key-index", "--audit",
            "1") as up:
        up.start()
        fill(up)

        def advice():
            try:
                with urllib.request.urlopen(up.http + "/readyz") as answer:
                    return answer.read().decode()
            except urllib.error.HTTPError as not_ready:
                return not_ready.read().decode()

        within(ROUND_SECONDS, "who looks hears why",
               lambda: "deliberation:0 is not audited: its state has no index" in advice())
        assert standing(up) == {}
        assert "partition not audited" in up.words()
        up.stop()


def on(name, up_log, replay_log, whole):
    with Folder() as folder:
        log = replay_log or ["--data", folder / "data"]
        with Up(folder / "data", [*up_log, "--memory", "128MiB", *ONLY], "--audit", "1") as up:
            up.start()
            fill(up)
            if replay_log:
                misroute(up, replay_log[1])
            all_is_equal(up)
            tampered(up)
            repaired(up, log)
            if whole:
                state_found(up, log)
                goes_on_under_traffic(up)
                readers_see_another(up)
            up.stop()
        if whole:
            without_an_index(folder)
            switched_off(folder)
    print(f"passed: {name}")


on("embedded log", ["--log", "embedded"], None, whole=True)
with brokers() as address:
    if address is None:
        print("SKIPPED (no Kafka jars): the audit over Kafka")
    else:
        on("Kafka", ["--log", "kafka", "--brokers", address], ["--brokers", address], whole=False)
sys.exit(0)
