#!/usr/bin/env python3
"""`sluice math --json` against every result that is known: those that Polis servers published, and those
that an independent checker derived.

math_oracles_test.py SLUICE REPOSITORY
"""
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


def compared(folder, *against):
    """The failed checks of the folder's document."""
    with tempfile.NamedTemporaryFile(suffix=".json") as result:
        subprocess.run([SLUICE, "math", str(folder), "--json"], stdout=result, check=True,
                       timeout=DEADLINE_SECONDS)
        ran = subprocess.run([sys.executable, str(SHARED / "tools/compare_math.py"), result.name,
                              *map(str, against)], capture_output=True, text=True, check=False,
                             timeout=DEADLINE_SECONDS)
    lines = ran.stdout.splitlines()
    # A warning would be of the order of rows or the sign of components, which are specified.
    found = [line for line in lines if line.startswith(("FAIL", "WARN"))]
    return found if ran.returncode == 0 and lines else found or [ran.stdout + ran.stderr]


def main():
    cases = []
    for reference in sorted((POLIS / "reference").glob("*.json")):
        folder = POLIS / "opendata" / reference.stem
        cases.append((folder, [reference, "--votes", folder / "votes.csv"]))
    for folder in sorted((POLIS / "math-fixtures").iterdir()):
        cases.append((folder, ["--published", folder / "math-pca2.json",
                               *PATH_DEPENDENT.get(folder.name, [])]))
    assert len(cases) == 11, f"seven references and four published results, not {len(cases)}"
    wrong = False
    for folder, against in cases:
        found = compared(folder, *against)
        wrong = wrong or bool(found)
        print("failed" if found else "passed", folder.name, *found, sep="\n  " if found else " ")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
