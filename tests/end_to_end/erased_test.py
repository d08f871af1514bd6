#!/usr/bin/env python3
"""A user is deleted, and everything is built anew: nothing of them comes back.

erased_test.py SLUICE REPOSITORY: votes, opinions and a record that waits in quarantine are a user's; snapshots are made before.
Then the user is deleted, a new generation of the view is folded from the same log and promoted, state is lost and begun again.
No table of either generation, no row of quarantine and no snapshot that may still be begun from has the user's id in it; counts
are those of the others. SLUICE_SEED=n decides otherwise.
"""
import json
import shutil
import subprocess
import sys

from postgres import ask
from system import DOMAIN, SLUICE, Folder, Up, chance, sluice, verify, wait_for, within
from traffic import event

GONE = "user-who-goes"
# That they are gone: docs/erasure.md.
KEPT = {"people_g1.person", "people_g1.sluice_emission"}
SERVICE = {"actor": "idp", "actorrole": "service"}


def post(up, domain, events):
    said = subprocess.run([SLUICE, "post", "--http", up.http, "--domain", domain, "-"], capture_output=True, text=True,
                          input="".join(json.dumps(each) + "\n" for each in events))
    assert said.returncode == 0, said.stderr
    wait_for(json.loads(said.stdout.splitlines()[-1])["token"], up.postgres)


def history(moment, people):
    """Conversations of which each has opinions and votes of everybody."""
    for number in range(6):
        name = f"c{number}"
        yield event(f"{name}/made", "conversation.created", {"conversation_id": name, "owner_id": "owner", "title": name,
                                                             "seeds": [{"opinion_id": "s", "body": "s"}]})
        for person in people:
            yield event(f"{name}/{person}/o", "opinion.created", {
                "conversation_id": name, "opinion_id": f"by-{people.index(person)}", "author_id": person, "body": "said"})
        for person in people:
            for opinion in ["s", *(f"by-{n}" for n in range(len(people)))]:
                yield event(f"{name}/{person}/{opinion}", "vote.set", {
                    "conversation_id": name, "opinion_id": opinion, "participant_id": person,
                    "choice": moment.choice(("agree", "disagree", "pass"))})


def mentions(postgres):
    """Tables of ours with the id somewhere in a row, where it has no business."""
    tables = ask(postgres, "SELECT schemaname || '.' || tablename FROM pg_tables WHERE schemaname ~ '_g[0-9]+$' OR "
                           "schemaname = 'sluice'")
    return {table for table, in tables
            if table not in KEPT and ask(postgres, f"SELECT count(*) FROM {table} AS t WHERE t::text LIKE '%{GONE}%'") != [["0"]]}


def votes(postgres):
    return ask(postgres, f"SELECT conversation_id, participant_id, votes FROM {DOMAIN}.ballot ORDER BY 1, 2")


def main():
    moment = chance()
    with Folder() as folder:
        snapshots = folder / "snapshots"
        with Up(folder / "data", [], "--snapshots", snapshots) as up:
            up.start()
            log = ["--data", up.folder]
            post(up, DOMAIN, list(history(moment, [GONE, "a", "b"])))
            sluice("snapshot", "create", "--postgres", up.postgres, "--to", snapshots)
            assert mentions(up.postgres), "the user is there"
            post(up, "people", [event("bye", "user.deleted", {"user_id": GONE}, **SERVICE)])
            within(30, "nothing of the user is in the view", lambda: not mentions(up.postgres))
            left = votes(up.postgres)
            assert {row[1] for row in left} == {"a", "b"}, left

            sluice("rebuild", DOMAIN, "--postgres", up.postgres, "--wait")
            assert not mentions(up.postgres), "nothing came back with the new generation"
            compared = json.loads(sluice("compare", DOMAIN, "--postgres", up.postgres).stdout)
            assert compared["unexpected"] == 0, compared
            sluice("promote", DOMAIN, "--postgres", up.postgres)
            assert votes(up.postgres) == left
            verify(up.postgres, log)
            verify(up.postgres, log, "people")

            up.kill()
            shutil.rmtree(up.folder / "state")
            up.start()
            post(up, DOMAIN, [event("more", "vote.set", {"conversation_id": "c0", "opinion_id": "s", "participant_id": "a",
                                                         "choice": "pass"})])
            assert not mentions(up.postgres), "nor from a snapshot of before"
            verify(up.postgres, log)
            sluice("snapshot", "prune", "--from", snapshots, "--keep", "1", "--older", "0s")
            assert json.loads(sluice("snapshot", "list", "--from", snapshots).stdout)["snapshots"] == []
            up.stop()
    print("passed: erased, and built anew")
    return 0


if __name__ == "__main__":
    sys.exit(main())
