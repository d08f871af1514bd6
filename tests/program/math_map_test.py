#!/usr/bin/env python3
"""`sluice math` for people: a report with times, and a map that shows what the document says.

math_map_test.py SLUICE REPOSITORY TOPIC_ADMIN: reads ../shared/data/polis.
"""
import collections
import csv
import json
import pathlib
import re
import sys
import xml.etree.ElementTree as xml

from program import Folder, run

POLIS = pathlib.Path(sys.argv[2]).parent / "shared/data/polis"
SVG = "{http://www.w3.org/2000/svg}"
STAGES = ["matrix", "center", "components", "projections", "base clusters", "groups", "counts",
          "statistics", "all"]


def times(text):
    return [name for name in STAGES if re.search(rf"^  {name} +\d+\.\d{{3}} ms$", text, re.M)]


def document(folder):
    ran = run("math", folder, "--json", code=0)
    assert times(ran.stderr) == STAGES, ran.stderr
    return json.loads(ran.stdout)


def group_of_participants(doc):
    members = dict(zip(doc["base-clusters"]["id"], doc["base-clusters"]["members"]))
    return {participant: "ABCDE"[number] for number, group in enumerate(doc["group-clusters"])
            for base in group["members"] for participant in members[base]}


def texts(folder):
    with open(folder / "comments.csv", newline="", encoding="utf-8") as rows:
        return {row["comment-id"]: " ".join(row["comment-body"].split())
                for row in csv.DictReader(rows)}


def drawn(folder, file):
    run("math", folder, "--plot", file, code=0, says=f"The map is in {file}")
    return xml.parse(file).getroot()


def names_of(circles):
    """The group of each participant, '' for none, as the points' titles say."""
    found = {}
    for circle in circles:
        whose, _, group = circle.find(f"{SVG}title").text.partition(", group ")
        found[whose.removeprefix("participant ")] = group
    return found


def map_shows_the_document(folder, file):
    doc, root = document(folder), drawn(folder, file)
    clustered = group_of_participants(doc)
    circles = root.findall(f".//{SVG}circle")
    named = names_of(circles)
    assert len(named) == len(circles) == doc["n"], (len(named), doc["n"])
    assert {p: g for p, g in named.items() if g} == clustered
    colours = collections.defaultdict(set)
    for circle in circles:
        _, _, group = circle.find(f"{SVG}title").text.partition(", group ")
        colours[group].add(circle.get("fill"))
    assert all(len(of) == 1 for of in colours.values()), colours
    assert len(set.union(*colours.values())) == len(colours), "a colour a group"
    hulls = [path for path in root.iter(f"{SVG}path") if path.get("class") == "hull"]
    assert len(hulls) == len(doc["group-clusters"]), len(hulls)
    width, height = float(root.get("width")), float(root.get("height"))
    for circle in circles:
        assert 0 <= float(circle.get("cx")) <= width and 0 <= float(circle.get("cy")) <= height
    said = {" ".join(text.split()) for text in root.itertext()}
    bodies = texts(folder)
    for number, group in enumerate(doc["group-clusters"]):
        size = sum(g == "ABCDE"[number] for g in clustered.values())
        assert f"Group {'ABCDE'[number]}: {size} participants" in said
        for record in doc["repness"][str(group["id"])]:
            assert bodies[str(record["tid"])] in said, record


def report_names_groups_and_opinions(folder):
    doc, bodies = document(folder), texts(folder)
    report = run("math", folder, code=0).stdout
    assert times(report) == STAGES, report
    for number, group in enumerate(doc["group-clusters"]):
        part = report.split(f"\nGroup {'ABCDE'[number]}: ")[1].split("\n\n")[0].splitlines()[1:]
        records = doc["repness"][str(group["id"])]
        assert len(part) == len(records)
        for line, record in zip(part, records):
            share = (200 * record["n-success"] + record["n-trials"]) // (2 * record["n-trials"])
            assert line.strip() == (f"{share} % {record['repful-for']}: "
                                    f"{bodies[str(record['tid'])]}"), (line, record)


def made_up(folder, votes, bodies):
    folder.mkdir()
    (folder / "summary.csv").write_text("topic,<&\"topic\">\nconversation-description,d\n")
    with open(folder / "comments.csv", "w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "datetime", "comment-id", "author-id", "agrees", "disagrees",
                       "moderated", "comment-body"])
        rows.writerows([1, "", n, 0, 0, 0, 1, body] for n, body in enumerate(bodies))
    with open(folder / "votes.csv", "w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["timestamp", "datetime", "comment-id", "voter-id", "vote"])
        rows.writerows([1, "", *vote] for vote in votes)


def small_and_odd_ones(folder):
    odd = ["<script>&\x01\x0b", "\u202e\U0001F600 " + "x" * 400, "a\nb"]
    alone, nobody, two = folder / "alone", folder / "nobody", folder / "two"
    made_up(alone, [(0, 0, 1)], odd)
    made_up(nobody, [], odd)
    made_up(two, [(c, p, 1 if p < 8 else -1) for p in range(16) for c in range(3)], odd)
    for case, people, groups in ((alone, 1, 0), (nobody, 0, 0), (two, 16, 2)):
        root = drawn(case, folder / f"{case.name}.svg")
        assert len(root.findall(f".//{SVG}circle")) == people, case
        hulls = sum(path.get("class") == "hull" for path in root.iter(f"{SVG}path"))
        assert hulls >= groups, (case, hulls)
        assert times(run("math", case, code=0).stdout) == STAGES


def main():
    with Folder() as folder:
        for name in ("vtaiwan.uberx", "brexit-consensus"):
            map_shows_the_document(POLIS / "opendata" / name, folder / f"{name}.svg")
            report_names_groups_and_opinions(POLIS / "opendata" / name)
        small_and_odd_ones(folder)
        run("math", POLIS / "opendata/vtaiwan.uberx", "--plot", folder / "none/map.svg", code=2,
            says="cannot be written: choose a file in a folder that is there")
    print("passed: reports and maps")
    return 0


if __name__ == "__main__":
    sys.exit(main())
