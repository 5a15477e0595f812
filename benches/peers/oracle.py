"""The pairs that there are: common bits by a matrix product of exact floats, thresholds in whole numbers.

Run by run.py: `python oracle.py FOLDER T...` writes FOLDER/exact-T.bin for each threshold T, pairs of two
little-endian 32-bit row numbers.
"""

from __future__ import annotations

import sys
from fractions import Fraction
from pathlib import Path

import numpy as np

BLOCK = 256
BYTES = 128


def bits(path: Path) -> np.ndarray:
    return np.unpackbits(np.fromfile(path, np.uint8).reshape(-1, BYTES), axis=1)


def reached(common: np.ndarray, ones: np.ndarray, threshold: Fraction) -> np.ndarray:
    return 2 * threshold.denominator * common >= threshold.numerator * ones


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:]
    lowest = min(map(Fraction, names))
    a, b = bits(folder / "a.bin"), bits(folder / "b.bin")
    ones_a, ones_b = a.sum(axis=1, dtype=np.int64), b.sum(axis=1, dtype=np.int64)
    transposed = b.T.astype(np.float32)
    found: dict[str, list[np.ndarray]] = {name: [] for name in names}
    for start in range(0, len(a), BLOCK):
        block = slice(start, start + BLOCK)
        common = (a[block].astype(np.float32) @ transposed).astype(np.int64)
        ones = ones_a[block, None] + ones_b
        rows, others = np.nonzero(reached(common, ones, lowest))
        for name in names:
            kept = reached(common[rows, others], ones[rows, others], Fraction(name))
            found[name].append(np.column_stack([rows[kept] + start, others[kept]]))
    for name in names:
        np.concatenate(found[name]).astype("<u4").tofile(folder / f"exact-{name}.bin")


if __name__ == "__main__":
    main()
