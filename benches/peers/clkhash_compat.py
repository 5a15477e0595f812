"""clkhash and `clkhash_compat` on the same file, taking turns, on one core; their files must be equal.

    python clkhash_compat.py --binary ../../target/release/examples/clkhash_compat [--rows N] [--rounds N] [--seed N]

Run with a Python 3.11 that has clkhash 0.18.3. Of clkhash only the call is timed, from open file to JSON text; of
`clkhash_compat` the whole program, from its start to the file. A process for each measurement, as both remember what
they have encoded.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import data

SCHEMA = Path(__file__).resolve().parent.parent / "clkhash_schema.json"
HASHES = ["blakeHash", "doubleHash"]
REASON = "a benchmark on invented people"


def clkhash(folder: Path, hash_name: str) -> None:
    """One measurement; seconds on standard output."""
    from clkhash import clk, schema
    from clkhash.serialization import serialize_bitarray

    made = schema.from_json_dict(json.loads((folder / f"{hash_name}.json").read_text()))

    def encode(file: Path) -> str:
        with open(file, newline="", encoding="utf-8") as rows:
            clks = clk.generate_clk_from_csv(
                rows, data.SECRET, made, validate=True, header=True, progress_bar=False, max_workers=1
            )
        return json.dumps({"clks": [serialize_bitarray(bits) for bits in clks]})

    # What is imported on first use is no part of encoding.
    encode(folder / "one.csv")
    start = time.perf_counter()
    text = encode(folder / "people.csv")
    print(time.perf_counter() - start)
    (folder / f"{hash_name}.theirs.json").write_text(text, encoding="utf-8")


def ours(folder: Path, hash_name: str, binary: Path) -> float:
    out = folder / f"{hash_name}.ours.json"
    options = {
        "--schema": folder / f"{hash_name}.json",
        "--csv": folder / "people.csv",
        "--secret-file": folder / "secret",
        "--out": out,
        "--accept-risk": REASON,
        "--threads": 1,
    }
    start = time.perf_counter()
    subprocess.run(
        [binary, *(str(part) for option in options.items() for part in option)],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--binary", type=Path)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--theirs", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.theirs:
        clkhash(Path(arguments.theirs[0]), arguments.theirs[1])
        return
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        people, _ = data.people(arguments.rows, 0, arguments.seed)
        for row in people:
            row[2] = f"{row[2][:4]}-{row[2][4:6]}-{row[2][6:]}"
        header = ["given_name", "surname", "date_of_birth", "postcode"]
        for file, rows in [("people.csv", people), ("one.csv", people[:1])]:
            with open(folder / file, "w", newline="", encoding="utf-8") as out:
                csv.writer(out).writerows([header, *rows])
        secret = folder / "secret"
        secret.touch(mode=0o600)
        secret.write_text(data.SECRET, encoding="utf-8")
        for hash_name in HASHES:
            (folder / f"{hash_name}.json").write_text(SCHEMA.read_text().replace("HASH", hash_name))
            theirs, mine = [], []
            for _ in range(arguments.rounds):
                script = [sys.executable, __file__, "--theirs", name, hash_name]
                theirs.append(float(subprocess.run(script, check=True, stdout=subprocess.PIPE).stdout))
                mine.append(ours(folder, hash_name, arguments.binary))
            files = [(folder / f"{hash_name}.{whose}.json").read_bytes() for whose in ("theirs", "ours")]
            rate = [arguments.rows / statistics.median(seconds) for seconds in (theirs, mine)]
            print(
                f"{hash_name}: clkhash {rate[0]:,.0f} rows/s, clkhash_compat {rate[1]:,.0f} rows/s, "
                f"ratio {rate[1] / rate[0]:.1f}, files {'equal' if files[0] == files[1] else 'DIFFERENT'}"
            )


if __name__ == "__main__":
    main()
