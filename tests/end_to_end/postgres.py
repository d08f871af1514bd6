"""A Postgres of a test's own, as an operator has one, and sessions on whichever there is."""
import os
import shutil
import signal
import subprocess

from system import DEADLINE_SECONDS, child, eventually, free_port

PROGRAMS = "/usr/lib/postgresql/15/bin"
# initdb and the server refuse root.
USER = "postgres" if os.geteuid() == 0 else None

NOT_CONNECTED = 2  # psql's exit


class Away(Exception):
    """The server is not there, or went in the middle of a question."""


class Cluster:
    """Stopped, crashed and started again on its folder and port; gone at the end."""

    user = USER

    def __init__(self, folder):
        self.folder = folder
        self.port = free_port()
        self.url = self.url_at(self.port)
        self.process = None

    @staticmethod
    def url_at(port):
        return f"postgresql://sluice@127.0.0.1:{port}/postgres"

    def __enter__(self):
        self.folder.mkdir(mode=0o700)
        if USER:
            shutil.chown(self.folder, USER, USER)
        make = child([f"{PROGRAMS}/initdb", "-D", self.folder, "-U", "sluice", "--auth=trust",
                      "-E", "UTF8", "--locale=C.UTF-8"], user=USER, stdout=subprocess.DEVNULL)
        assert make.wait(DEADLINE_SECONDS) == 0
        self.start()
        return self

    def __exit__(self, *_):
        self.stop(signal.SIGQUIT)

    def start(self):
        with open(self.folder.parent / f"{self.folder.name}.log", "a") as log:
            self.process = child([f"{PROGRAMS}/postgres", "-D", self.folder, "-p", self.port, "-c",
                                  "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="],
                                 user=USER, stdout=log, stderr=log)
        eventually("Postgres serves", lambda: serves(self.url))

    def stop(self, how=signal.SIGINT):
        """SIGINT: fast; SIGQUIT: immediate, as `pg_ctl stop -m immediate` has it."""
        if self.process.poll() is None:
            self.process.send_signal(how)
        self.process.wait(DEADLINE_SECONDS)

    def copy_to(self, folder):
        """A cold backup, or with the roles changed a restore: owners and modes are kept."""
        subprocess.run(["cp", "-a", self.folder, folder], check=True)

    def restore_from(self, folder):
        shutil.rmtree(self.folder)
        subprocess.run(["cp", "-a", folder, self.folder], check=True)


def serves(url):
    return subprocess.run(["pg_isready", "-q", "-d", url]).returncode == 0


def ask(url, sql):
    """One question on a connection of its own; rows of texts."""
    ran = subprocess.run(["psql", url, "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", sql],
                         capture_output=True, text=True)
    if ran.returncode == NOT_CONNECTED:
        raise Away(ran.stderr)
    assert ran.returncode == 0, f"{sql}: {ran.stderr}"
    return [line.split("|") for line in ran.stdout.splitlines()]


class Session:
    """A connection that is kept. `ask` raises Away when the server goes, and connects again."""

    END = "--end of answer--"

    def __init__(self, url):
        self.url = url
        self.psql = None

    def ask(self, *statements):
        """A list of rows of texts for each statement."""
        if self.psql is None:
            self.psql = child(["psql", self.url, "-qAtX", "-v", "ON_ERROR_STOP=1"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, text=True)
        try:
            for statement in statements:
                self.psql.stdin.write(f"{statement};\n\\echo {self.END}\n")
            self.psql.stdin.flush()
            return [self.answer() for _ in statements]
        except BrokenPipeError as gone:
            self.close()
            raise Away from gone
        except Away:
            self.close()
            raise

    def answer(self):
        rows = []
        while (line := self.psql.stdout.readline()).rstrip("\n") != self.END:
            if not line:
                raise Away
            rows.append(line.rstrip("\n").split("|"))
        return rows

    def close(self):
        if self.psql:
            self.psql.kill()
            self.psql.wait()
            self.psql.stdout.close()
        self.psql = None
