"""The results of a sweep on disk: kept one by one while they come, put in order at the end.

``OUT.part`` grows by a line with each result, so that whatever ends the sweep costs none that is
done.  ``OUT`` is written at the end: the points in the grid's order, and nothing that depends on
where, when or by whom they were computed; that stands in ``OUT.provenance.json``.
"""

import json
import os
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import IO, Any

import msgspec

from engine.plain_files import read_plain
from engine.sweep.grid import Point, SweepError

__all__ = ["ResultFile"]

_LARGEST_FILE = 1 << 30
"""Bytes; a million points take half of it."""

_PARQUET = ".parquet"
_PLAIN = bool | int | float | str | None
"""What a column of a table holds as it is."""
Result = dict[str, Any]


class ResultFile:
    """The results of one sweep.

    Args:
        out: JSON lines; Parquet where it ends so.

    Raises:
        SweepError: The folder is not there, or another program's file has the name.
    """

    def __init__(self, out: Path) -> None:
        if not out.parent.is_dir():
            raise SweepError(f"{out}: its directory does not exist")
        self._out = out
        self._part = out.with_name(f"{out.name}.part")
        self._file: IO[str] | None = None

    def known(self) -> dict[str, Result]:
        """Return the results that are there, by the points' keys; a torn last line is none.

        Raises:
            SweepError: A file of the name holds something else.
        """
        found: dict[str, Result] = {}
        for path in (self._out, self._part):
            for row in self._rows(path):
                point = row.get("point")
                if not isinstance(point, dict) or "result" not in row:
                    raise SweepError(f"{path} is no file of results; name another one")
                found[msgspec.convert(point, Point).key] = row["result"]
        return found

    def keep(self, point: Point, result: Result) -> None:
        """Keep a result, safe from whatever ends this process.

        Raises:
            SweepError: The disk does not take it.
        """
        try:
            if self._file is None:
                self._file = self._part.open("a", encoding="utf-8")
                if self._part.stat().st_size:
                    self._file.write("\n")  # behind a line that may be torn
            self._file.write(_line(point, result))
            self._file.flush()
        except OSError as error:
            raise SweepError(f"{self._part}: {error.strerror}") from None

    def finish(
        self,
        points: Sequence[Point],
        results: Mapping[str, Result],
        provenance: Mapping[str, object],
    ) -> None:
        """Write all results in the points' order, and how they came to be.

        Raises:
            SweepError: The disk does not take them.
        """
        self.close()
        rows = [(point, results[point.key]) for point in points]
        try:
            if self._out.suffix == _PARQUET:
                _replace(self._out, _parquet(rows))
            else:
                _replace(self._out, "".join(_line(*row) for row in rows).encode())
            about = self._out.with_name(f"{self._out.name}.provenance.json")
            _replace(about, json.dumps(provenance, indent=2).encode() + b"\n")
            self._part.unlink(missing_ok=True)
        except OSError as error:
            raise SweepError(f"{self._out}: {error.strerror}") from None

    def close(self) -> None:
        """Let go of the file that grows."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _rows(self, path: Path) -> list[dict[str, Any]]:
        try:
            if path.suffix == _PARQUET:
                return _read_parquet(path)
            lines = read_plain(path, _LARGEST_FILE).decode("utf-8").splitlines()
        except FileNotFoundError:
            return []
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise SweepError(f"{path}: cannot be read: {reason}") from None
        rows = [_row(line) for line in lines if line.strip()]
        if path == self._out and None in rows:
            raise SweepError(f"{path} is no file of results; name another one")
        return [row for row in rows if row is not None]


def _line(point: Point, result: Result) -> str:
    row = {"point": msgspec.to_builtins(point), "result": result}
    return json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n"


def _row(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _parquet(rows: Sequence[tuple[Point, Result]]) -> bytes:
    """Return a table: a column for each field of a point, and one for each value of a result.

    What is no plain value is JSON there; ``result`` holds all of it, too.
    """
    arrow, parquet = import_module("pyarrow"), import_module("pyarrow.parquet")
    names = list(dict.fromkeys(name for _, result in rows for name in result))
    columns: dict[str, list[Any]] = {
        field: [getattr(point, field) for point, _ in rows] for field in Point.__struct_fields__
    }
    for name in names:
        values = [result.get(name) for _, result in rows]
        plain = all(
            value is None or isinstance(value, bool | int | float | str) for value in values
        )
        columns[f"result_{name}"] = (
            values if plain else [json.dumps(value, sort_keys=True) for value in values]
        )
    columns["result"] = [json.dumps(result, sort_keys=True) for _, result in rows]
    sink = arrow.BufferOutputStream()
    parquet.write_table(arrow.table(columns), sink)
    content: bytes = sink.getvalue().to_pybytes()
    return content


def _read_parquet(path: Path) -> list[dict[str, Any]]:
    if not path.exists():
        return []
    table = import_module("pyarrow.parquet").read_table(path)
    if not {"result", *Point.__struct_fields__} <= set(table.column_names):
        return [{}]
    return [
        {
            "point": {field: row[field] for field in Point.__struct_fields__},
            "result": json.loads(row["result"]),
        }
        for row in table.to_pylist()
    ]


def _replace(path: Path, content: bytes) -> None:
    draft = path.with_name(f"{path.name}.new")
    draft.write_bytes(content)
    os.replace(draft, path)
