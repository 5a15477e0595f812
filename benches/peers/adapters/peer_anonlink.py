"""anonlink: what its own documentation does, with the accelerated Dice coefficient."""

from importlib.metadata import version

import anonlink
from bitarray import bitarray
from protocol import rows, serve


def prepare(a, b):
    def bits(data):
        made = []
        for row in rows(data):
            made.append(bitarray(endian="big"))
            made[-1].frombytes(row)
        return made

    return bits(a), bits(b)


def search(datasets, threshold, parts):
    similarity = anonlink.similarities.dice_coefficient_accelerated
    _, _, (a, b) = anonlink.candidate_generation.find_candidate_pairs(datasets, similarity, threshold.dice)
    return a, b


serve(version("anonlink"), prepare, search)
