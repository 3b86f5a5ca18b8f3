"""What becomes of each recording, in a database that outlives whatever is killed."""

import fcntl
import hashlib
import re
import sqlite3
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path, PurePosixPath

from s2iammask_core.batch.copies import Known
from s2iammask_core.batch.jobs import Job, Row, Start, free_ids
from s2iammask_core.boxes import Box
from s2iammask_core.errors import DatasetError, ResultsError
from s2iammask_core.files.outputs import foreign_file

FILE = "manifest.sqlite"
LOCK = f"{FILE}.lock"
TABLES = """
CREATE TABLE IF NOT EXISTS known (source TEXT PRIMARY KEY, mark TEXT, digest TEXT, frames INTEGER);
CREATE TABLE IF NOT EXISTS ends (key TEXT PRIMARY KEY, state TEXT, reason TEXT, tries INTEGER,
    frames INTEGER);
DROP TABLE IF EXISTS recordings;
DROP TABLE IF EXISTS starts;
CREATE TABLE recordings (number INTEGER PRIMARY KEY, source TEXT, topic TEXT, given TEXT, name TEXT,
    key TEXT, state TEXT DEFAULT 'pending', reason TEXT DEFAULT '', UNIQUE (source, topic));
CREATE TABLE starts (recording INTEGER, at INTEGER, stamped INTEGER, id INTEGER, label TEXT, percent INTEGER,
    x1 REAL, y1 REAL, x2 REAL, y2 REAL, mask TEXT, value INTEGER);
CREATE INDEX starts_of ON starts (recording);
CREATE INDEX names ON recordings (given);
"""


class State(Enum):
    """How a recording ends."""

    PENDING = "pending"
    DONE = "done"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class End:
    """What became of a recording."""

    state: State
    reason: str = ""
    tries: int = 1
    frames: int = 0  # that were tracked


class Manifest:
    """All recordings of a run; rows go through it one by one, so that their number costs no memory."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._base = connection
        self._settled = time.monotonic()

    def load(self, rows: Iterable[Row], corrections: Iterable[Row] = ()) -> None:
        """Takes over what is asked for; what is known from earlier runs stays.

        A correction takes the place of the same object's start at the same place. DatasetError without rows.
        """
        with self._base:
            for row in rows:
                self._begin(row)
                self._add(row)
        if self._base.execute("SELECT count(*) FROM recordings").fetchone()[0] == 0:
            raise DatasetError("no recording is asked for: there are no rows")
        self._name()
        self._number()
        with self._base:
            for row in corrections:
                self._correct(row)

    def _begin(self, row: Row) -> None:
        self._base.execute(
            "INSERT OR IGNORE INTO recordings (source, topic, given) VALUES (?, ?, ?)",
            (row.source, row.topic, safe_name(row.name or stem_of(row.source))),
        )

    def _add(self, row: Row) -> None:
        start, box = row.start, row.start.box
        corners = (None,) * 4 if box is None else (box.x1, box.y1, box.x2, box.y2)
        values = (
            start.at,
            start.stamped,
            start.id,
            start.label,
            start.percent,
            *corners,
            start.mask,
            start.value,
        )
        self._base.execute(
            f"INSERT INTO starts SELECT number{', ?' * 11} FROM recordings WHERE source = ? AND topic = ?",
            (*values, row.source, row.topic),
        )

    def _correct(self, row: Row) -> None:
        start = row.start
        self._base.execute(
            "DELETE FROM starts WHERE at = ? AND stamped = ? AND id = ? AND recording = "
            "(SELECT number FROM recordings WHERE source = ? AND topic = ?)",
            (start.at, start.stamped, start.id, row.source, row.topic),
        )
        self._add(row)  # nothing happens for a recording that is not asked for

    def _number(self) -> None:
        """Gives ids to objects that came without."""
        without = "SELECT DISTINCT recording FROM starts WHERE id = 0"
        for (number,) in self._base.execute(without).fetchall():
            taken = self._base.execute("SELECT id FROM starts WHERE recording = ?", (number,))
            free = free_ids(id_ for (id_,) in taken)
            rows = self._base.execute(
                "SELECT rowid FROM starts WHERE recording = ? AND id = 0 ORDER BY rowid", (number,)
            ).fetchall()
            self._base.executemany(
                "UPDATE starts SET id = ? WHERE rowid = ?", [(next(free), row) for (row,) in rows]
            )
        self._base.commit()

    def _name(self) -> None:
        """Recordings of the same name get a part of the digest of their place behind it."""
        self._base.create_function("told_apart", 3, told_apart, deterministic=True)
        with self._base:
            self._base.execute("UPDATE recordings SET name = given")
            self._base.execute(
                "UPDATE recordings SET name = told_apart(given, source, topic) WHERE given IN "
                "(SELECT given FROM recordings GROUP BY given HAVING count(*) > 1)"
            )

    def jobs(self, longest_first: bool = False, state: State | None = None) -> Iterator[tuple[int, Job]]:
        """The recordings with their numbers, in the order of the table or the longest first."""
        order = "coalesce(known.frames, 0) DESC, number" if longest_first else "number"
        wanted = "" if state is None else f"WHERE state = '{state.value}'"
        found = self._base.execute(
            "SELECT number, recordings.source, topic, name FROM recordings "
            f"LEFT JOIN known ON known.source = recordings.source {wanted} ORDER BY {order}"
        )
        for number, source, topic, name in found:
            yield number, Job(source, topic, name, self._starts(number))

    def _starts(self, number: int) -> tuple[Start, ...]:
        """In the order of the table; whoever plans with them puts them in order."""
        found = self._base.execute(
            "SELECT at, id, label, x1, y1, x2, y2, percent, mask, value, stamped FROM starts "
            "WHERE recording = ? ORDER BY rowid",
            (number,),
        )
        return tuple(
            Start(
                at,
                id_,
                label,
                None if x1 is None else Box(x1, y1, x2, y2),
                bool(percent),
                mask,
                value,
                bool(stamped),
            )
            for at, id_, label, x1, y1, x2, y2, percent, mask, value, stamped in found
        )

    def known(self, sources: Sequence[str]) -> dict[str, Known]:
        """What was found in them when they were looked at last."""
        marks = ", ".join("?" * len(sources))
        found = self._base.execute(
            f"SELECT source, mark, digest FROM known WHERE source IN ({marks})", list(sources)
        )
        return {source: Known(mark, digest) for source, mark, digest in found}

    def learn(self, contents: Mapping[str, Known], frames: Mapping[str, int]) -> None:
        rows = [(source, each.mark, each.digest, frames.get(source)) for source, each in contents.items()]
        self._base.executemany("INSERT OR REPLACE INTO known VALUES (?, ?, ?, ?)", rows)

    def frames(self) -> int:
        """Of all recordings that are not done, as far as they say it."""
        found = self._base.execute(
            "SELECT sum(known.frames) FROM recordings JOIN known ON known.source = recordings.source "
            "WHERE state = 'pending'"
        )
        return int(found.fetchone()[0] or 0)

    def claim(self, number: int, key: str, again: bool) -> State:
        """Notes what a recording's outputs depend on, and what became of the same work before."""
        found = self._base.execute("SELECT state, reason FROM ends WHERE key = ?", (key,)).fetchone()
        state, reason = found or (State.PENDING.value, "")
        if again and state == State.FAILED.value:
            state, reason = State.PENDING.value, ""
        self._base.execute(
            "UPDATE recordings SET key = ?, state = ?, reason = ? WHERE number = ?",
            (key, state, reason, number),
        )
        return State(state)

    def end(self, number: int, end: End) -> None:
        """Notes what became of a recording."""
        self._base.execute(
            "UPDATE recordings SET state = ?, reason = ? WHERE number = ?",
            (end.state.value, end.reason, number),
        )
        self._base.execute(
            "INSERT OR REPLACE INTO ends SELECT key, ?, ?, ?, ? FROM recordings "
            "WHERE number = ? AND key IS NOT NULL",
            (end.state.value, end.reason, end.tries, end.frames, number),
        )

    def settle(self, after: float = 0.0) -> None:
        """What was noted is on the disk when this returns, if the last time was so many seconds ago."""
        now = time.monotonic()
        if now - self._settled >= after:
            self._base.commit()
            self._settled = now

    def counts(self) -> dict[State, int]:
        found = dict(self._base.execute("SELECT state, count(*) FROM recordings GROUP BY state"))
        return {state: int(found.get(state.value, 0)) for state in State}

    def failures(self) -> Iterator[tuple[str, str]]:
        """Sources and reasons."""
        yield from self._base.execute("SELECT source, reason FROM recordings WHERE state = 'failed'")

    def labels(self) -> list[str]:
        """All that objects are called, in the order of the table; empty for those without a name."""
        found = self._base.execute(
            "SELECT label FROM starts WHERE x1 IS NOT NULL OR mask != '' GROUP BY label ORDER BY min(rowid)"
        )
        return [label for (label,) in found]

    def is_done(self, name: str) -> bool:
        """Whether outputs of that name belong to a recording that is done."""
        found = self._base.execute("SELECT 1 FROM recordings WHERE name = ? AND state = 'done'", (name,))
        return found.fetchone() is not None


@contextmanager
def opened(out: Path) -> Iterator[Manifest]:
    """The manifest of an output folder.

    ResultsError while another process works there, and for a folder of other files: what is in the place of
    outputs but belongs to no recording is taken away.
    """
    if not (out / FILE).exists() and (foreign := foreign_file(out, [LOCK])):
        raise ResultsError(f"{out} holds other files, such as {foreign}; choose an empty folder")
    out.mkdir(parents=True, exist_ok=True)
    with (out / LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ResultsError(
                f"another process works in {out}; wait for it, or choose another folder"
            ) from error
        try:
            connection = sqlite3.connect(out / FILE)
            connection.executescript(TABLES)
        except sqlite3.DatabaseError as error:
            raise ResultsError(f"{out / FILE} is no manifest: {error}; choose another folder") from error
        with closing(connection):
            yield Manifest(connection)


def stem_of(source: str) -> str:
    """What a recording is called after its place."""
    return PurePosixPath(source.rstrip("/").split("?")[0]).stem or "recording"


def safe_name(name: str) -> str:
    """As a file may be called on all systems."""
    return re.sub(r"[^\w.()+=-]+", "_", name).strip(".") or "recording"


def told_apart(name: str, source: str, topic: str) -> str:
    return f"{name}-{hashlib.sha256(f'{source} {topic}'.encode()).hexdigest()[:6]}"
