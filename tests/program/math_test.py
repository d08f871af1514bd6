#!/usr/bin/env python3
"""Opinion groups through the whole of it: exports are imported, folded, computed and published, and what
readers find in Postgres is held against every result that is known.

math_test.py SLUICE REPOSITORY
"""
import json
import pathlib
import subprocess
import sys
import tempfile

from program import Folder, Up, conversation, eventually, post, result, run, vote

SHARED = pathlib.Path(sys.argv[2]).parent / "shared"
POLIS = SHARED / "data/polis"
# Its base clusters cannot be told from its votes: the server met them in an order that is not known.
PATH_DEPENDENT = {"25ptpt-3gp-no-strict-with-meta": ["--min-agreement", "0.85"]}
TABLES = ("math_snapshot", "math_opinion", "math_group", "math_participant")


def service(name, kind, **data):
    """A fact that a service may post."""
    return json.dumps({"specversion": "1.0", "source": "test", "id": f"{name}/{kind}/{data}", "type": kind,
                       "actor": "svc", "actorrole": "service", "data": {"conversation_id": name, **data}})


def quoted(name):
    return "'" + name + "'"


def imported(up, folder, name):
    """The document that readers have of the folder, once it is imported and computed."""
    token = result("import", "polis", folder, "--http", up.http, "--conversation-id", name)["token"]
    run("wait", token, "--postgres", up.postgres, "--timeout", "120s", code=0)
    return computed(up, name)


def computed(up, name, where="true"):
    """The document, once a snapshot is there `where` it is asked for."""
    asked = f"SELECT result FROM deliberation.math_snapshot WHERE conversation_id = {quoted(name)} AND {where}"
    eventually(f"a snapshot of {name} where {where}", lambda: up.ask(asked))
    ran = subprocess.run(["psql", up.postgres, "-qAtc", asked], capture_output=True, text=True, check=True)
    return json.loads(ran.stdout)


def compared(doc, *against):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(doc, file)
        file.flush()
        ran = subprocess.run([sys.executable, str(SHARED / "tools/compare_math.py"), file.name,
                              *map(str, against)], capture_output=True, text=True, check=False)
    lines = ran.stdout.splitlines()
    # What is published leaves votes-base out.
    found = [line for line in lines if line.startswith(("FAIL ", "WARN")) and "votes-base" not in line]
    assert len(lines) > 10 and not found, found or ran.stdout + ran.stderr


def the_rows_say_what_the_document_says(up, name, doc):
    of = f"WHERE conversation_id = {quoted(name)}"
    snapshot = up.ask(f"SELECT participants, opinions, groups FROM deliberation.math_snapshot {of}")
    assert snapshot == [[str(doc["n"]), str(doc["n-cmts"]), str(len(doc["group-clusters"]))]], snapshot

    members = dict(zip(doc["base-clusters"]["id"], doc["base-clusters"]["members"]))
    expected = {p: (group["id"], base) for group in doc["group-clusters"]
                for base in group["members"] for p in members[base]}
    rows = up.ask(f"SELECT participant_id, group_id, base_cluster_id FROM deliberation.math_participant {of}")
    assert {row[0]: (row[1], row[2]) for row in rows} == expected
    assert set(expected) == set(doc["in-conv"])

    rows = up.ask(f"SELECT group_id, size, center_x, center_y, representative FROM deliberation.math_group {of}")
    assert len(rows) == len(doc["group-clusters"])
    for group, size, x, y, representative in rows:
        published = next(g for g in doc["group-clusters"] if g["id"] == group)
        assert [float(x), float(y)] == published["center"], (group, x, y)
        assert int(size) == doc["group-votes"][group]["n-members"]
        assert json.loads(representative) == doc["repness"][group]

    sides = {record["tid"]: (side, record["p-success"]) for side in ("agree", "disagree")
             for record in doc["consensus"][side]}
    rows = up.ask("SELECT opinion_id, extremity, priority, group_aware_consensus_agree, consensus, "
                  f"consensus_probability, groups FROM deliberation.math_opinion {of}")
    assert {row[0] for row in rows} == set(doc["tids"])
    for opinion, extremity, priority, agree, side, probability, groups in rows:
        assert float(extremity) == doc["pca"]["comment-extremity"][doc["tids"].index(opinion)]
        assert float(priority) == doc["comment-priorities"][opinion]
        assert float(agree) == doc["group-aware-consensus"][opinion]
        assert (side, float(probability)) == sides.get(opinion, ("", 0.0)), opinion
        for group, counts in json.loads(groups).items():
            votes = doc["group-votes"][group]["votes"][opinion]
            passes = votes["S"] - votes["A"] - votes["D"]
            assert [counts["agrees"], counts["disagrees"], counts["passes"]] == [votes["A"], votes["D"], passes]
            for record in doc["repness"][group]:
                if record["tid"] == opinion and not record.get("best-agree"):
                    assert counts["representativeness"] == record["repness"]


def every_oracle_passes_through_the_pipeline(up):
    count = 0
    for reference in sorted((POLIS / "reference").glob("*.json")):
        folder = POLIS / "opendata" / reference.stem
        doc = imported(up, folder, folder.name)
        assert "votes-base" not in doc
        compared(doc, reference)
        the_rows_say_what_the_document_says(up, folder.name, doc)
        count += 1
    for folder in sorted((POLIS / "math-fixtures").iterdir()):
        doc = imported(up, folder, folder.name)
        compared(doc, "--published", folder / "math-pca2.json", *PATH_DEPENDENT.get(folder.name, []))
        the_rows_say_what_the_document_says(up, folder.name, doc)
        count += 1
    assert count == 7 + 4, "every oracle is there"


def what_is_published_is_what_the_program_computes(up):
    """From the tables of the view, in both signs; votes-base too, which is not published."""
    for folder in [*(POLIS / "math-fixtures").iterdir(), POLIS / "opendata/vtaiwan.uberx"]:
        live = result("math", "--conversation", folder.name, "--postgres", up.postgres, "--json")
        exported = result("math", folder, "--json")
        assert live == exported, [key for key in exported if live[key] != exported[key]]
        live = result("math", "--conversation", folder.name, "--postgres", up.postgres, "--sign", "polis", "--json")
        exported = result("math", folder, "--sign", "polis", "--json")
        assert live.pop("math_tick") > 0 and exported.pop("math_tick") == 0
        assert live == exported, [key for key in exported if live[key] != exported[key]]
    said = run("math", "--conversation", "vtaiwan.uberx", "--postgres", up.postgres, code=0).stdout
    assert "components" in said, said
    run("math", "--conversation", "nobody", "--postgres", up.postgres, code=2, says="no opinion groups")
    run("math", "--conversation", "x", code=2, says="--postgres")
    run("math", code=2, says="either a FOLDER or a --conversation")


def computations(up):
    """What an operator sees of them: of each partition's due keys, how many run or fail; and nothing of domains
    that compute nothing."""
    shown = result("status", "--postgres", up.postgres, "--json")["computations"]
    assert [(row["projection"], row["partition"]) for row in shown] == [("deliberation", n) for n in range(4)], shown
    for row in shown:
        assert row["due"] >= row["computing"] >= 0 and row["failing"] == 0 and row["published"] >= 0, shown
        assert (row["published"] > 0) == (row["published_age"] is not None), shown
    return shown


def an_operator_sees_what_is_due(up):
    """Of a conversation that is being imported nothing is computed: it is due, and says so until it is over."""
    def due():
        shown = computations(up)
        return [sum(row[column] for row in shown) for column in ("due", "published")]

    eventually("everything is computed", lambda: due()[0] == 0)
    published = due()[1]
    post(up, [conversation("due"), service("due", "import.started", import_id="i"), vote("due", "ann")])
    eventually("one is due", lambda: due() == [1, published])
    text = run("status", "--postgres", up.postgres, code=0).stdout
    assert "failing" in text and "oldest" in text, text
    post(up, [service("due", "import.completed", import_id="i")])
    computed(up, "due")
    eventually("none is due", lambda: due()[0] == 0)
    assert due()[1] > published


def during_an_import_none_runs_and_after_it_one_does(up):
    post(up, [conversation("slow"), service("slow", "import.started", import_id="i"), vote("slow", "ann"),
              vote("slow", "bob")])
    # Another's math, which is begun later, comes while this one's waits.
    post(up, [conversation("quick"), vote("quick", "ann")])
    computed(up, "quick")
    assert not up.ask("SELECT 1 FROM deliberation.math_snapshot WHERE conversation_id = 'slow'")
    post(up, [service("slow", "import.completed", import_id="i")])
    assert computed(up, "slow")["n"] == 2


def the_groups_follow_the_votes(up):
    post(up, [conversation("live"), vote("live", "p1")])
    computed(up, "live", "participants = 1")
    post(up, [vote("live", f"p{n}", opinion, choice) for n in range(2, 12)
              for opinion, choice in (("0", "agree" if n % 2 else "disagree"), ("1", "pass"))])
    doc = computed(up, "live", "participants = 11 AND votes = 21")
    assert len(doc["group-clusters"]) == 2, doc
    moderate = json.dumps({"specversion": "1.0", "source": "test", "id": "m", "type": "opinion.moderated",
                           "actor": "mod", "actorrole": "moderator",
                           "data": {"conversation_id": "live", "opinion_id": "0", "state": "hide"}})
    post(up, [moderate])
    doc = computed(up, "live", "result->'mod-out' = '[\"0\"]'")
    assert len(doc["group-clusters"]) == 1, doc


def the_view_is_what_the_log_says(up, data):
    """Groups too: verify computes them once more, each at the position that it claims."""
    for table in TABLES:
        assert int(up.ask(f"SELECT count(*) FROM deliberation.{table}")[0][0]) > 0, table
    verified = result("verify", "deliberation", "--postgres", up.postgres, "--data", data)
    assert verified["differences"] == 0, verified
    up.ask("UPDATE deliberation_g1.math_participant SET group_id = group_id || '9' "
           "WHERE conversation_id = 'brexit-consensus' AND participant_id = "
           "(SELECT min(participant_id) FROM deliberation.math_participant WHERE conversation_id = 'brexit-consensus')")
    up.ask("DELETE FROM deliberation_g1.math_opinion WHERE conversation_id = 'live' AND opinion_id = '1'")
    ran = run("verify", "deliberation", "--postgres", up.postgres, "--data", data, code=1,
              says="math_participant [brexit-consensus")
    assert json.loads(ran.stdout.splitlines()[-1])["differences"] == 2, ran.stdout
    assert "math_opinion [live 1]" in ran.stderr, ran.stderr


with Folder() as folder:
    up = Up(folder / "data", ["--memory", "256MiB"])
    up.start()
    try:
        every_oracle_passes_through_the_pipeline(up)
        what_is_published_is_what_the_program_computes(up)
        during_an_import_none_runs_and_after_it_one_does(up)
        an_operator_sees_what_is_due(up)
        the_groups_follow_the_votes(up)
        the_view_is_what_the_log_says(up, folder / "data")
    finally:
        up.stop()
print("passed: imported, folded, computed, published, verified")
