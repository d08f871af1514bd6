#!/usr/bin/env python3
"""The whole log once more, behind itself: no count moves.

repeated_log_test.py SLUICE REPOSITORY TOPIC_ADMIN: all records of the topic are read with kcat and produced again, byte for byte and
key by key, as a mirror that begins anew does; then all events are posted again by their ids, some with another body. Rows stay
as they were, and duplicates are counted.
"""
import json
import subprocess
import sys
import urllib.request

from broker import TOPIC, Broker, skipped
from model import read_log
from postgres import ask
from system import DOMAIN, Folder, Up, chance, sluice, verify, wait_for
from traffic import Traffic

# A record on kcat's own terms: how long its key and value are, then both.
FORMAT = "%K %S\n%k%s"


def rows(postgres):
    """All that is folded; opinion groups are computed at times of their own."""
    tables = ask(postgres, f"SELECT tablename FROM pg_tables WHERE schemaname = '{DOMAIN}_g1' AND tablename !~ '^math'")
    return {table: ask(postgres, f"SELECT t::text FROM {DOMAIN}_g1.{table} AS t ORDER BY 1") for table, in tables}


def raw_records(bootstrap):
    """(key, value), by partition in order."""
    found = []
    for partition in range(4):
        raw = subprocess.run(["kcat", "-b", bootstrap, "-C", "-t", TOPIC, "-p", str(partition), "-e", "-q", "-f", FORMAT],
                             capture_output=True, check=True).stdout
        at = 0
        while at < len(raw):
            line = raw.index(b"\n", at)
            key, value = (max(0, int(n)) for n in raw[at:line].split())
            at = line + 1 + key + value
            found.append((partition, raw[line + 1:line + 1 + key], raw[line + 1 + key:at]))
    return found


def produce(bootstrap, folder, records):
    """kcat takes the bytes of each value from a file of its own."""
    files = {}
    for number, (partition, key, value) in enumerate(records):
        file = folder / f"record-{number}"
        file.write_bytes(value)
        files.setdefault((partition, key), []).append(str(file))
    for (partition, key), values in files.items():
        subprocess.run(["kcat", "-b", bootstrap, "-P", "-t", TOPIC, "-p", str(partition), "-k", key, *values], check=True)


def duplicates(up):
    with urllib.request.urlopen(up.http + "/metrics", timeout=30) as page:
        lines = page.read().decode().splitlines()
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines
               if line.startswith("sluice_duplicates_total{") and f'"{DOMAIN}"' in line)


def post_all_again(up, log):
    """As `tail` shows them; now and then one says something else by the same id. Token, how many, and the ids of those."""
    lines, changed = [], []
    for line in sluice("tail", "--domain", DOMAIN, *log).stdout.splitlines():
        event = json.loads(line)
        if event["type"] == "vote.set" and event["data"]["choice"] != "pass" and len(lines) % 10 == 0:
            event["data"]["choice"] = "pass"
            changed.append(event["id"])
        lines.append(json.dumps(event))
    posted = subprocess.run([sys.argv[1], "post", "--http", up.http, "--domain", DOMAIN, "-"], input="\n".join(lines) + "\n",
                            capture_output=True, text=True, check=True)
    return json.loads(posted.stdout.splitlines()[-1])["token"], len(lines), sorted(changed)


def main():
    moment = chance()
    with Broker() as broker, Folder() as folder:
        if broker is None:
            return skipped("a log that is repeated")
        log = ["--brokers", broker.bootstrap]
        with Up(folder / "data", ["--log", "kafka", *log]) as up:
            up.start()
            with Traffic([up.http] * 2, moment.random()) as traffic:
                traffic.goes_on(1000)
                token = traffic.finish()
            wait_for(token, up.postgres)
            before, seen = rows(up.postgres), duplicates(up)
            records = raw_records(broker.bootstrap)
            assert len(records) == sum(map(len, read_log(log).values()))

            produce(broker.bootstrap, folder, records)
            ends = {partition: 2 * sum(1 for record in records if record[0] == partition) for partition in range(4)}
            wait_for(",".join(f"{DOMAIN}:{partition}@{end}" for partition, end in ends.items() if end), up.postgres)
            assert rows(up.postgres) == before, "records that were mirrored twice"
            print(f"  {len(records)} records twice", flush=True)

            traffic.check_view(up.postgres)
            token, posted, changed = post_all_again(up, log)
            wait_for(token, up.postgres)
            assert rows(up.postgres) == before, "events that were posted twice"
            known = duplicates(up) - seen
            assert known == len(records) + posted, (known, len(records), posted)
            told = ask(up.postgres, "SELECT event_id FROM sluice.rejection WHERE reason = 'event.id_reused'")
            assert sorted(row[0] for row in told) == changed, "an id that says something else is told, each time"
            print(f"  {posted} events posted again, {len(changed)} with another body", flush=True)
            verify(up.postgres, log)
            up.stop()
    print("passed: a log that is repeated")
    return 0


if __name__ == "__main__":
    sys.exit(main())
