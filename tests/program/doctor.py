"""What the doctor says, for its tests."""
import json
import os
import re
import subprocess
import urllib.parse

from program import SLUICE, eventually, sluice, within

NOTHING = {"findings": [], "skipped": []}


def ask_doctor(postgres, *flags):
    """What it says; the exit code says whether it has found anything."""
    ran = sluice("doctor", "--postgres", postgres, "--json", *flags, check=False)
    assert ran.returncode in (0, 1), ran.stdout + ran.stderr
    told = json.loads(ran.stdout)
    assert (ran.returncode == 1) == bool(told["findings"]), ran
    for each in told["findings"]:
        assert each.keys() == {"code", "what", "evidence", "since", "next"} and each["what"] and each["next"], each
        assert not re.search(r"\b(URL|DIR|LIST)\b", each["next"]), ("not to be pasted", each)
        assert isinstance(each["evidence"], dict) and (each["since"] is None or each["since"].endswith("Z")), each
    return told


def doctor(up, *flags):
    return ask_doctor(up.postgres, *flags)


def found(up, code, *flags, **evidence):
    """The findings of this code with this evidence; empty: none."""
    return [each for each in doctor(up, *flags)["findings"]
            if each["code"] == code and evidence.items() <= each["evidence"].items()]


def finds(up, code, *flags, **evidence):
    return eventually(f"{code} {evidence}", lambda: found(up, code, *flags, **evidence))[0]


def is_silent(up, *flags):
    told = {}

    def silent():
        told.update(doctor(up, *flags))
        return not told["findings"]

    try:
        within(60, "it is silent", silent)
    finally:
        if told["findings"]:
            print(told["findings"], flush=True)
    assert told["skipped"] == [], told


def pasted(up, command, code=0):
    """Into a shell that knows nothing but the password, which no finding tells."""
    password = urllib.parse.unquote(urllib.parse.urlsplit(up.postgres).password or "")
    assert not password or password not in command, command
    ran = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60,
                         env={**os.environ, "PGPASSWORD": password,
                              "PATH": f"{os.path.dirname(SLUICE)}:{os.environ['PATH']}"})
    assert ran.returncode == code, (command, ran.stdout, ran.stderr)
    return ran.stdout


def does(up, finding):
    """What the finding says to do next."""
    pasted(up, finding["next"])
