"""How fast clkhash encodes: `python encode_clkhash.py blake|double ROWS SEED`, one JSON object.

A process for each measurement, as clkhash remembers what it has encoded.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

import data


def main() -> None:
    hash_name, rows, seed = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    people, _ = data.people(rows, 0, seed)
    # What is imported on first use is no part of encoding.
    data.encode(people[:1], hash_name)
    start = time.perf_counter()
    data.encode(people, hash_name)
    seconds = time.perf_counter() - start
    print(json.dumps({"version": version("clkhash"), "rows_per_second": rows / seconds}))


if __name__ == "__main__":
    main()
