"""chemfp 1.6 (Python 2.7): a Tanimoto search at the similarity that means the same as the Dice threshold."""

import chemfp
import chemfp.search
from protocol import rows, serve


def prepare(a, b):
    chemfp.set_num_threads(1)

    def arena(data):
        named = ((str(row), clk) for row, clk in enumerate(rows(data)))
        return chemfp.load_fingerprints(named, chemfp.Metadata(num_bits=1024))

    return arena(a), arena(b)


def search(arenas, threshold, parts):
    a, b = arenas
    results = chemfp.search.threshold_tanimoto_search_arena(a, b, threshold.jaccard)
    found_a, found_b = [], []
    for row, hits in enumerate(results):
        for hit in hits.get_indices():
            found_a.append(row)
            found_b.append(hit)
    # The arenas are in the order of their popcounts.
    return [int(a.ids[row]) for row in found_a], [int(b.ids[row]) for row in found_b]


serve(chemfp.__version__, prepare, search)
