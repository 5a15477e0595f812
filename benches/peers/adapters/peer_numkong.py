"""NumKong: Jaccard distances of blocks of rows with all others, compared with the threshold by numpy."""

import numkong
import numpy as np
from protocol import Recheck, clock, in_blocks, matrix, serve

BLOCK = 512
# Distances are 32-bit floats. What is this near the threshold is decided by whole numbers.
SLACK = 1e-6


def prepare(a, b):
    packed = numkong.hammings_pack(matrix(b, np.uint8), dtype="uint1")
    return matrix(a, np.uint8), packed, Recheck(a, b)


def search(prepared, threshold, parts):
    rows, packed, recheck = prepared
    limit = np.float32(1 - threshold.jaccard + SLACK)
    found_a, found_b, alone = [], [], 0.0
    for start, end in in_blocks(len(rows), BLOCK):
        begin = clock()
        distances = numkong.jaccards_packed(rows[start:end], packed)
        alone += clock() - begin
        near_a, near_b = np.nonzero(np.asarray(distances) <= limit)
        found_a.append(near_a + start)
        found_b.append(near_b)
    parts["distances alone"] = {"seconds": alone}
    return recheck.keep(np.concatenate(found_a), np.concatenate(found_b), threshold)


serve(numkong.__version__, prepare, search)
