#!/usr/bin/env python3
"""`sluice math --json` against every result that is known: what Polis servers published, what an
independent checker derived, and the groups and consensus that exports carry.

math_oracles_test.py SLUICE REPOSITORY
"""
import csv
import itertools
import json
import pathlib
import subprocess
import sys
import tempfile

SLUICE, REPOSITORY = sys.argv[1], pathlib.Path(sys.argv[2])
SHARED = REPOSITORY.parent / "shared"
POLIS = SHARED / "data/polis"
DEADLINE_SECONDS = 120
# Its base clusters cannot be told from its votes: the server met them in an order that is not known.
PATH_DEPENDENT = {"25ptpt-3gp-no-strict-with-meta": ["--min-agreement", "0.85"]}
# Whose exported groups were computed by rules like these, and the share that must agree: base clusters
# of more than a hundred participants depend on when the server looked. With whether the same
# participants must be clustered.
EXPORTED_GROUPS = {
    "bg2050-volunteers": (1.0, True),
    "ssis.land-bank-farmland.2rumnecbeh.2021-08-01": (0.97, True),
    "vtaiwan.uberx": (0.95, True),
    "canadian-electoral-reform": (0.97, False),
}


def document(folder, *options):
    ran = subprocess.run([SLUICE, "math", str(folder), "--json", *options], capture_output=True,
                         text=True, check=True, timeout=DEADLINE_SECONDS)
    return ran.stdout


def compared(folder, *against):
    """The failed checks of the folder's document."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as result:
        result.write(document(folder))
        result.flush()
        ran = subprocess.run([sys.executable, str(SHARED / "tools/compare_math.py"), result.name,
                              *map(str, against)], capture_output=True, text=True, check=False,
                             timeout=DEADLINE_SECONDS)
    lines = ran.stdout.splitlines()
    # A warning would be of the order of rows or the sign of components, which are specified.
    found = [line for line in lines if line.startswith(("FAIL", "WARN"))]
    return found if ran.returncode == 0 and lines else found or [ran.stdout + ran.stderr]


def groups_of(doc):
    members = dict(zip(doc["base-clusters"]["id"], doc["base-clusters"]["members"]))
    return {p: group["id"] for group in doc["group-clusters"]
            for cluster in group["members"] for p in members[cluster]}


def exported(folder, share, same_people):
    """What differs from the group-id and group-informed-consensus of the export itself."""
    doc = json.loads(document(folder))
    ours = groups_of(doc)
    with open(folder / "participants-votes.csv", newline="", encoding="utf-8") as rows:
        theirs = {row["participant"]: row["group-id"] for row in csv.DictReader(rows)
                  if row["group-id"]}
    found = []
    if same_people and set(ours) != set(theirs):
        found.append(f"others are clustered: {sorted(set(ours) ^ set(theirs))[:5]}")
    common = [p for p in ours if p in theirs]
    labels = sorted(set(theirs.values()))
    best = max(sum(dict(zip(labels, order))[theirs[p]] == ours[p] for p in common)
               for order in itertools.permutations(labels))
    if best < share * len(common):
        found.append(f"{best} of {len(common)} are in the exported group, expected {share:.0%}")
    with open(folder / "comments.csv", newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            want = row.get("group-informed-consensus")
            got = doc["group-aware-consensus"].get(row["comment-id"])
            if want and got is not None and abs(float(want) - got) > 1e-12:
                found.append(f"group-aware-consensus of {row['comment-id']}: {got}, not {want}")
    return found


def other_sign(folder):
    """What differs between the document in Polis's sign and ours, turned."""
    ours, theirs = json.loads(document(folder)), json.loads(document(folder, "--sign", "polis"))
    for path in (("pca", "center"), ("base-clusters", "x"), ("base-clusters", "y")):
        ours[path[0]][path[1]] = [-x for x in ours[path[0]][path[1]]]
    ours["pca"]["comment-projection"] = [[-x for x in row]
                                         for row in ours["pca"]["comment-projection"]]
    for group in ours["group-clusters"]:
        group["center"] = [-x for x in group["center"]]
    found = [key for key in theirs if key in ours and key != "pca" and theirs[key] != ours[key]]
    return found + [key for key in theirs["pca"] if theirs["pca"][key] != ours["pca"][key]]


def main():
    cases = []
    for reference in sorted((POLIS / "reference").glob("*.json")):
        folder = POLIS / "opendata" / reference.stem
        cases.append((f"reference {folder.name}",
                      compared(folder, reference, "--votes", folder / "votes.csv")))
    for folder in sorted((POLIS / "math-fixtures").iterdir()):
        cases.append((f"published {folder.name}",
                      compared(folder, "--published", folder / "math-pca2.json",
                               *PATH_DEPENDENT.get(folder.name, []))))
    for name, expected in EXPORTED_GROUPS.items():
        cases.append((f"exported {name}", exported(POLIS / "opendata" / name, *expected)))
    cases.append(("Polis's sign", other_sign(POLIS / "opendata/brexit-consensus")))
    assert len(cases) == 7 + 4 + 4 + 1, "every oracle is there"
    for name, found in cases:
        print("failed" if found else "passed", name, *found, sep="\n  " if found else " ")
    sys.exit(1 if any(found for _, found in cases) else 0)


if __name__ == "__main__":
    main()
