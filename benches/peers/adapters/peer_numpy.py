"""numpy: bitwise_count, one row with all others."""

import numpy as np
from protocol import matrix, popcounts, serve


def prepare(a, b):
    words_a, words_b = matrix(a, "<u8"), matrix(b, "<u8")
    return words_a, words_b, popcounts(words_a).tolist(), popcounts(words_b)


def search(prepared, threshold, parts):
    a, b, ones_a, ones_b = prepared
    num, den = threshold.numerator, threshold.denominator
    found_a, found_b = [], []
    for row, (words, ones) in enumerate(zip(a, ones_a)):
        common = np.bitwise_count(b & words).sum(axis=1, dtype=np.int64)
        hits = np.flatnonzero(2 * den * common >= num * (ones_b + ones))
        found_a.append(np.full(len(hits), row))
        found_b.append(hits)
    return np.concatenate(found_a), np.concatenate(found_b)


serve(np.__version__, prepare, search)
