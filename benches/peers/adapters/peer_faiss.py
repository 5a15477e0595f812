"""FAISS: a range search by Hamming distance whose radius loses no pair, then the exact test.

A pair reaches the Dice threshold t if its Hamming distance is at most (1 - t)(a + b), so rows are taken in
bands of like popcount, each pair of bands with the radius of its largest.
"""

import faiss
import numpy as np
from protocol import clock, in_blocks, matrix, popcounts, serve

QUERIES, BANDS = 256, 8


def prepare(a, b):
    faiss.omp_set_num_threads(1)

    def by_popcount(data):
        rows, ones = matrix(data, np.uint8), popcounts(matrix(data, "<u8"))
        order = np.argsort(ones, kind="stable")
        return np.ascontiguousarray(rows[order]), ones[order], order

    rows_a, ones_a, order_a = by_popcount(a)
    rows_b, ones_b, order_b = by_popcount(b)
    bands = []
    for start, end in in_blocks(len(rows_b), -(-len(rows_b) // BANDS)):
        index = faiss.IndexBinaryFlat(rows_b.shape[1] * 8)
        index.add(rows_b[start:end])
        bands.append((index, ones_b[start:end], order_b[start:end]))
    return rows_a, ones_a, order_a, bands


def search(prepared, threshold, parts):
    rows, ones, order, bands = prepared
    num, den = threshold.numerator, threshold.denominator
    found_a, found_b, alone, superset = [], [], 0.0, 0
    for start, end in in_blocks(len(rows), QUERIES):
        for index, ones_b, order_b in bands:
            radius = (den - num) * int(ones[end - 1] + ones_b[-1]) // den
            begin = clock()
            # What is less than the radius is found.
            limits, distances, hits = index.range_search(rows[start:end], radius + 1)
            alone += clock() - begin
            superset += len(hits)
            queries = np.repeat(np.arange(start, end), np.diff(limits).astype(np.int64))
            together = ones[queries] + ones_b[hits]
            kept = den * (together - distances.astype(np.int64)) >= num * together
            found_a.append(order[queries[kept]])
            found_b.append(order_b[hits[kept]])
    parts["range search alone"] = {"seconds": alone, "pairs": superset}
    return np.concatenate(found_a), np.concatenate(found_b)


serve(faiss.__version__, prepare, search, "finds too many by Hamming distance, keeps the exact ones")
