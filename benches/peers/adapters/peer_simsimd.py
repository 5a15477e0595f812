"""SimSIMD: Jaccard distances of blocks of rows with all others, compared with the threshold by numpy."""

import numpy as np
import simsimd
from protocol import Recheck, in_blocks, matrix, serve

BLOCK = 512
SLACK = 1e-6


def prepare(a, b):
    return matrix(a, np.uint8), matrix(b, np.uint8), Recheck(a, b)


def search(prepared, threshold, parts):
    a, b, recheck = prepared
    limit = 1 - threshold.jaccard + SLACK
    found_a, found_b = [], []
    for start, end in in_blocks(len(a), BLOCK):
        distances = np.asarray(simsimd.cdist(a[start:end], b, metric="jaccard", dtype="bin8", threads=1))
        near_a, near_b = np.nonzero(distances <= limit)
        found_a.append(near_a + start)
        found_b.append(near_b)
    return recheck.keep(np.concatenate(found_a), np.concatenate(found_b), threshold)


serve(simsimd.__version__, prepare, search)
