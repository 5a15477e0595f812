"""USearch: its exact search for the nearest ten of every row; it has no search by threshold."""

import numpy as np
import usearch
from protocol import Recheck, in_blocks, matrix, serve
from usearch.index import MetricKind, search as nearest

BLOCK, COUNT = 512, 10
SLACK = 1e-6


def prepare(a, b):
    return matrix(a, np.uint8), matrix(b, np.uint8), Recheck(a, b)


def search(prepared, threshold, parts):
    a, b, recheck = prepared
    limit = 1 - threshold.jaccard + SLACK
    found_a, found_b = [], []
    for start, end in in_blocks(len(a), BLOCK):
        matches = nearest(b, a[start:end], COUNT, MetricKind.Tanimoto, exact=True, threads=1, dtype="b1")
        near, rank = np.nonzero(matches.distances <= limit)
        found_a.append(near + start)
        found_b.append(matches.keys[near, rank].astype(np.int64))
    return recheck.keep(np.concatenate(found_a), np.concatenate(found_b), threshold)


serve(usearch.__version__, prepare, search, "finds the nearest ten of every row only")
