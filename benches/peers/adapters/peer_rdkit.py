"""RDKit: all similarities of one row with all others, as a list of Python's floats."""

import numpy as np
import rdkit
from protocol import rows, serve
from rdkit import DataStructs


def prepare(a, b):
    def vectors(data):
        made = []
        for row in rows(data):
            made.append(DataStructs.ExplicitBitVect(len(row) * 8))
            bits = np.flatnonzero(np.unpackbits(np.frombuffer(row, np.uint8)))
            made[-1].SetBitsFromList(bits.tolist())
        return made

    return vectors(a), vectors(b)


def search(prepared, threshold, parts):
    a, b = prepared
    found_a, found_b = [], []
    for row, vector in enumerate(a):
        hits = np.flatnonzero(np.array(DataStructs.BulkDiceSimilarity(vector, b)) >= threshold.dice)
        found_a.append(np.full(len(hits), row))
        found_b.append(hits)
    return np.concatenate(found_a), np.concatenate(found_b)


serve(rdkit.__version__, prepare, search)
