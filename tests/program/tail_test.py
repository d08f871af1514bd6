#!/usr/bin/env python3
"""What `sluice tail` prints can be posted again: into another system it makes equal rows.

tail_test.py SLUICE REPOSITORY TOPIC_ADMIN: facts of every kind on the embedded log, by every kind of actor; then
records that are no events, on Kafka.
"""
import json
import subprocess
import sys

from program import Folder, Up, brokers, cloud_event, post, result, run, sluice

# Deliberation before people, who answer with facts on what is there.
DOMAINS = ("deliberation", "people", "auction")
# Offsets of the log that they came from, and what follows from its stamps; times are left out too.
OF_THE_LOG = {"position", "score", "as_of", "elapsed_ms"}


def fact(name, kind, data, **attributes):
    return json.dumps({"specversion": "1.0", "source": "/a \"b\" \u00e4", "id": name, "type": kind, "data": data,
                       **attributes})


SERVICE = {"actor": "svc", "actorrole": "service", "actorlevel": "verified"}

FACTS = {
    "deliberation": [
        fact("1", "conversation.created", {"conversation_id": "c", "owner_id": "o", "title": "\u201cquoted\u201d \\ \U0001f600\n",
                                           "indexed": True, "participation": "account",
                                           "seeds": [{"opinion_id": "s", "body": "tab\t\u0001"}]}),
        fact("2", "import.started", {"conversation_id": "c", "import_id": "i", "total": 5}, **SERVICE),
        fact("3", "opinion.created", {"conversation_id": "c", "opinion_id": "p", "author_id": "a", "body": "old"},
             time="2015-01-01T00:00:00.123Z", **SERVICE),
        fact("4", "import.completed", {"conversation_id": "c", "import_id": "i", "total": 5}, **SERVICE),
        fact("5", "vote.set", {"conversation_id": "c", "opinion_id": "s", "participant_id": "v", "choice": "pass"},
             actor="v", actorlevel="account"),
        fact("5", "vote.set", {"conversation_id": "c", "opinion_id": "s", "participant_id": "v", "choice": "pass"},
             actor="v", actorlevel="account"),
        fact("6", "vote.set", {"conversation_id": "c", "opinion_id": "p", "participant_id": "w", "choice": "agree"},
             actor="w", actorlevel="guest"),
        fact("7", "opinion.moderated", {"conversation_id": "c", "opinion_id": "p", "state": "move", "reason": "r"},
             actor="m", actorrole="moderator"),
        fact("8", "participant.eligibility_set", {"conversation_id": "c", "participant_id": "v", "eligible": False},
             **SERVICE),
        fact("9", "conversation.created", {"conversation_id": "d", "owner_id": "w", "title": "t"}),
        fact("10", "vote.set", {"conversation_id": "d", "opinion_id": "none", "participant_id": "w", "choice": "agree"}),
    ],
    "people": [fact("gone", "user.deleted", {"user_id": "w"}, actor="w")],
    "auction": [
        fact("a1", "session.created", {"session_id": "x", "owner_id": "o", "product": "p", "upset_price": 100,
                                       "inventory": 2, "alpha": 1.5, "beta": 0, "gamma": 0.25,
                                       "starts_at": "2020-01-01T00:00:00.5Z"}, **SERVICE),
        fact("a2", "bid.placed", {"session_id": "x", "user_id": "u", "price": 9007199254740991, "weight": 2.5},
             actor="u"),
        fact("a3", "bid.placed", {"session_id": "x", "user_id": "t", "price": 99, "weight": 1}, actor="t"),
        fact("a4", "session.closed", {"session_id": "x"}, **SERVICE),
    ],
}


def post_lines(up, domain, lines):
    reply = result("post", "--http", up.http, "--domain", domain, "-", stdin=lines)
    run("wait", reply["token"], "--postgres", up.postgres, "--timeout", "60s", code=0)
    return reply["accepted"]


def tail(domain, log, *flags):
    return sluice("tail", "--domain", domain, *log, *flags).stdout


def quoted(name):
    return f'"{name}"'


def rows(up):
    """Of every published table and of the rejections, without what the log stamps."""
    found = {}
    for schema, table, columns in up.ask(
            "SELECT table_schema, table_name, string_agg(column_name, ',' ORDER BY ordinal_position) FROM "
            "information_schema.columns WHERE data_type <> 'timestamp with time zone' AND (table_schema ~ '_g1$' OR (table_schema, table_name) = ('sluice', "
            "'rejection')) GROUP BY 1, 2"):
        kept = [name for name in columns.split(",") if name not in OF_THE_LOG]
        order = ", ".join(str(n + 1) for n in range(len(kept)))
        found[schema, table] = up.ask(f"SELECT {', '.join(map(quoted, kept))} FROM {schema}.{table} ORDER BY {order}")
    assert len(found) > 10
    return found


def settled(up):
    """Once what one domain tells another has arrived."""
    for domain in DOMAINS:
        ends = up.ask(f"SELECT partition, log_end FROM sluice.position WHERE projection = '{domain}'")
        token = ",".join(f"{domain}:{partition}@{end}" for partition, end in ends)
        run("wait", token, "--postgres", up.postgres, "--timeout", "60s", code=0)


def equal_rows(first, second, log):
    for domain, events in FACTS.items():
        assert post_lines(first, domain, "\n".join(events) + "\n") == len(events)
    token = result("simulate", "deliberation", "--http", first.http, "--seconds", "2s", "--rate", "500",
                   "--conversations", "7")["token"]
    run("wait", token, "--postgres", first.postgres, "--timeout", "60s", code=0)
    settled(first)
    assert first.ask("SELECT count(*) FROM sluice.rejection") != [["0"]], "rejections are compared too"
    for domain in DOMAINS:
        printed = tail(domain, log)
        for line in printed.splitlines():
            assert {"specversion", "id", "source", "type", "subject", "partition", "offset", "stampedat",
                    "data"} <= json.loads(line).keys(), line
        assert post_lines(second, domain, printed) == len(printed.splitlines()) > 0
    settled(second)
    was, now = rows(first), rows(second)
    for table, expected in was.items():
        # What is computed may be of another moment.
        if "math" not in table[1]:
            assert now[table] == expected, (table, expected, now[table])
    by_id = {json.loads(line)["id"]: json.loads(line) for line in tail("deliberation", log).splitlines()}
    assert by_id["3"]["time"] == "2015-01-01T00:00:00.123Z"
    assert {"actor": "m", "actorrole": "moderator", "actorlevel": "guest"}.items() <= by_id["7"].items()
    assert "actor" not in by_id["1"], "who was not said is not made up"
    assert by_id["1"]["data"]["seeds"] == [{"opinion_id": "s", "body": "tab\t\u0001"}]
    assert [line["origin"] for line in by_id.values() if "origin" in line], "what was emitted says so"


def what_is_no_event(folder, address):
    log = ["--brokers", address]
    up = Up(folder / "kafka", ["--log", "kafka", *log, "--memory", "128MiB"])
    up.start()
    try:
        post(up, [json.dumps({**json.loads(cloud_event("k/created", "conversation.created", {
            "conversation_id": "k", "owner_id": "o", "title": "k"}))})])
        subprocess.run(["kcat", "-b", address, "-P", "-t", "deliberation.events", "-p", "0", "-K", "\t"],
                       input=b"\xfe\tgarbage", check=True)
        end = "SELECT max(log_end) FROM sluice.position WHERE projection = 'deliberation' AND partition = 0"
        assert int(up.ask(end)[0][0]) >= 0
        shown = run("tail", "--domain", "deliberation", *log, code=0,
                    says="0 control records, 1 records that are no event of deliberation; --all shows them")
        assert [json.loads(line)["id"] for line in shown.stdout.splitlines()] == ["k/created"]
        everything = [json.loads(line) for line in tail("deliberation", log, "--all").splitlines()]
        garbage, = [line for line in everything if "fault" in line]
        assert garbage["fault"] == "not an Envelope" and garbage["value"] == "Z2FyYmFnZQ==", garbage
        assert garbage["key_base64"] == "/g==", garbage
    finally:
        up.stop()


def main():
    with Folder() as folder:
        first, second = Up(folder / "first", ["--memory", "128MiB"]), Up(folder / "second", ["--memory", "128MiB"])
        first.start()
        second.start()
        try:
            equal_rows(first, second, ["--data", folder / "first"])
        finally:
            first.stop()
            second.stop()
        with brokers() as address:
            if address is None:
                print("SKIPPED (no Kafka jars): what is no event")
            else:
                what_is_no_event(folder, address)
    print("passed: what is printed can be posted")


main()
sys.exit(0)
