"""FPSim2: its search for one query, called for every row, over the rows whose popcount allows a hit."""

from importlib.metadata import version

import numpy as np
from FPSim2.FPSim2lib import GenericSearch
from FPSim2.io.chem import METRICS
from protocol import matrix, popcounts, serve


def prepare(a, b):
    def table(data):
        words = matrix(data, "<u8")
        rows = np.arange(len(words), dtype=np.uint64)
        return np.column_stack([rows, words, popcounts(words).astype(np.uint64)])

    queries, database = table(a), table(b)
    # As its files are: by popcount.
    database = np.ascontiguousarray(database[np.argsort(database[:, -1], kind="stable")])
    return queries, database, database[:, -1].astype(np.int64)


def search(prepared, threshold, parts):
    queries, database, ones = prepared
    num, den = threshold.numerator, threshold.denominator
    # A pair can reach num/den only if min(a, b) * (2 den - num) >= num * max(a, b).
    of_query = queries[:, -1].astype(np.int64)
    starts = np.searchsorted(ones, -(-num * of_query // (2 * den - num)), "left")
    ends = np.searchsorted(ones, of_query * (2 * den - num) // num, "right")
    dice, found_a, found_b = METRICS["dice"], [], []
    for row, (query, start, end) in enumerate(zip(queries, starts.tolist(), ends.tolist())):
        if start < end:
            hits = GenericSearch(query, database, threshold.dice, 0, dice, start, end)
            if len(hits):
                found_a.append(np.full(len(hits), row))
                found_b.append(hits["mol_id"])
    return (np.concatenate(found_a), np.concatenate(found_b)) if found_a else ([], [])


serve(version("FPSim2"), prepare, search)
