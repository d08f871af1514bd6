#!/usr/bin/env python3
"""What others do in the database while rows are flushed: deadlocks, ended sessions, rewritten tables, no right to write.

database_quarrels_test.py SLUICE REPOSITORY: psql sessions on an operator's Postgres. A flush that was refused is tried again as
it was; nothing is reordered, lost or doubled, and readers see nothing but prefixes. SLUICE_SEED=n decides otherwise,
SLUICE_ROUNDS=n goes on for longer.
"""
import sys

from postgres import Away, Cluster, Session, ask
from reader import Reader
from system import DOMAIN, Folder, Up, chance, eventually, rounds
from traffic import Traffic, check

ROUNDS = 1
TABLES = ("ballot", "opinion_stats", "conversation_stats")


def end_sessions(cluster, moment, _):
    """All of ours, a few times, in the middle of whatever they do."""
    for _ in range(5):
        ask(cluster.url, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = "
                         "current_database() AND pid <> pg_backend_pid() AND query LIKE '%sluice%'")


def deadlock(cluster, moment, traffic):
    """A session that takes a table, and then the row by which flushes begin: the server ends one of the two."""
    session = Session(cluster.url)
    try:
        for partition in range(4):
            session.ask("BEGIN", f"LOCK TABLE {DOMAIN}_g1.{moment.choice(TABLES)} IN EXCLUSIVE MODE")
            traffic.done.wait(0.3)
            try:
                session.ask("SELECT position FROM sluice.position WHERE projection = "
                            f"'{DOMAIN}' AND partition = {partition} FOR UPDATE", "COMMIT")
            except Away:
                continue  # it was this one
    finally:
        session.close()


def rewrite_tables(cluster, _, __):
    for table in TABLES:
        ask(cluster.url, f"VACUUM FULL {DOMAIN}_g1.{table}")
    ask(cluster.url, f"REINDEX SCHEMA {DOMAIN}_g1")


def only_read(cluster, moment, traffic):
    """The database's own setting, for sessions that begin from now on."""
    ask(cluster.url, "ALTER DATABASE postgres SET default_transaction_read_only = on")
    end_sessions(cluster, moment, traffic)
    traffic.done.wait(2.0)
    ask(cluster.url.replace("/postgres", "/template1"),
        "ALTER DATABASE postgres SET default_transaction_read_only = off")
    end_sessions(cluster, moment, traffic)


def stays_in_transaction(cluster, _, traffic):
    """A holder of rows that is idle in its transaction, for longer than a flush waits."""
    session = Session(cluster.url)
    try:
        session.ask("BEGIN", f"SELECT position FROM sluice.position WHERE projection = '{DOMAIN}' FOR UPDATE")
        traffic.done.wait(3.0)
    finally:
        session.close()


QUARRELS = (end_sessions, deadlock, rewrite_tables, only_read, stays_in_transaction)


def main():
    moment = chance()
    with (Folder() as folder, Cluster(folder / "postgres") as cluster,
          Up(folder / "data", [], "--postgres", cluster.url, "--flush-interval", "20ms") as up):
        up.start()
        with Traffic([up.http] * 2, moment.random()) as traffic, Reader(up.postgres) as reader:
            for _ in range(rounds(ROUNDS)):
                for quarrel in moment.sample(QUARRELS, len(QUARRELS)):
                    traffic.goes_on(100)
                    reader.sees_more()
                    quarrel(cluster, moment, traffic)
                    print(f"  {quarrel.__name__.replace('_', ' ')}", flush=True)
                    reader.sees_more()
            check(traffic, reader, up.postgres, ["--data", up.folder])
        eventually("it is ready again", lambda: up.readiness() == "")
        up.stop()
    print("passed: quarrels in the database")
    return 0


if __name__ == "__main__":
    sys.exit(main())
