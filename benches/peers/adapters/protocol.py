"""What every adapter shares: reading the CLKs and answering requests. Runs on Python 2.7 too, for chemfp.

An adapter is started as `python peer_NAME.py FOLDER`, reads FOLDER/a.bin and FOLDER/b.bin once and says on
one line that it is ready. Every line it then reads is a request, every line it writes an answer, all JSON:

    {"numerator": 4, "denominator": 5, "pairs": FILE or null}
    {"seconds": 0.5, "cpu_seconds": 0.5, "pairs": 4955, "parts": {NAME: {"seconds": 0.4, "pairs": 5012}}}

FILE gets the pairs that were found: two little-endian 32-bit row numbers each. Writing them is not timed.
"""

from __future__ import division, print_function

import json
import os
import struct
import sys
import time

BYTES = 128
WORDS = BYTES // 8

clock = getattr(time, "perf_counter", time.time)
# On Python 2.7 time.clock is the time of the CPU.
cpu_clock = time.process_time if hasattr(time, "process_time") else time.clock


class Threshold(object):
    """A Dice threshold as a fraction, so that nothing is rounded twice."""

    def __init__(self, numerator, denominator):
        self.numerator = numerator
        self.denominator = denominator
        self.dice = numerator / denominator
        # The same pairs reach this Jaccard or Tanimoto similarity: d / (2 - d).
        self.jaccard = numerator / (2 * denominator - numerator)


def rows(data):
    """The CLKs of one file as strings of bytes."""
    return [data[at : at + BYTES] for at in range(0, len(data), BYTES)]


def matrix(data, dtype):
    """The CLKs of one file as a numpy matrix of bytes or of 64-bit words."""
    import numpy

    return numpy.frombuffer(data, dtype).reshape(len(data) // BYTES, -1).copy()


def popcounts(words):
    import numpy

    return numpy.bitwise_count(words).sum(axis=1, dtype=numpy.int64)


class Recheck(object):
    """Keeps the exact pairs of a slightly too large set, with whole numbers only."""

    def __init__(self, a, b):
        self.a, self.b = matrix(a, "<u8"), matrix(b, "<u8")
        self.ones_a, self.ones_b = popcounts(self.a), popcounts(self.b)

    def keep(self, found_a, found_b, threshold):
        common = popcounts(self.a[found_a] & self.b[found_b])
        ones = self.ones_a[found_a] + self.ones_b[found_b]
        kept = 2 * threshold.denominator * common >= threshold.numerator * ones
        return found_a[kept], found_b[kept]


def in_blocks(rows, size):
    return ((start, min(start + size, rows)) for start in range(0, rows, size))


def serve(version, prepare, search, note=""):
    """Loads, then answers until there are no more requests.

    `prepare(a, b)` makes of two strings of bytes what the tool works on. `search(prepared, threshold, parts)`
    is timed and returns the rows of a and of b that make pairs; it may put times of its own into `parts`.
    """
    # Libraries that print would spoil the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)

    def answer(what):
        answers.write(json.dumps(what) + "\n")
        answers.flush()

    files = []
    for side in "ab":
        with open(os.path.join(sys.argv[1], side + ".bin"), "rb") as file:
            files.append(file.read())
    start = clock()
    prepared = prepare(*files)
    answer({"version": version, "note": note, "prepare_seconds": clock() - start})
    for line in iter(sys.stdin.readline, ""):
        request = json.loads(line)
        threshold, parts = Threshold(request["numerator"], request["denominator"]), {}
        start, cpu_start = clock(), cpu_clock()
        found_a, found_b = search(prepared, threshold, parts)
        seconds, cpu_seconds = clock() - start, cpu_clock() - cpu_start
        if request["pairs"]:
            with open(request["pairs"], "wb") as out:
                pack = struct.Struct("<II").pack
                out.write(b"".join(pack(a, b) for a, b in zip(found_a, found_b)))
        answer({"seconds": seconds, "cpu_seconds": cpu_seconds, "pairs": len(found_a), "parts": parts})
