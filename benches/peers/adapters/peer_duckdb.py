"""DuckDB: 16 columns of 64 bits, a cross join with the exact test as its condition."""

import duckdb
from protocol import WORDS, matrix, popcounts, serve

COLUMNS = ", ".join(f"w{word} UBIGINT" for word in range(WORDS))
# bit_count is an 8-bit number: the sum of 16 would overflow.
COMMON = " + ".join(f"bit_count(a.w{word} & b.w{word})::INTEGER" for word in range(WORDS))


def prepare(a, b):
    connection = duckdb.connect()
    connection.execute("SET threads = 1")
    for name, data in (("a", a), ("b", b)):
        words = matrix(data, "<u8")
        columns = {f"w{word}": words[:, word].copy() for word in range(WORDS)}
        columns["ones"] = popcounts(words)
        connection.execute(f"CREATE TABLE {name} (id INTEGER, ones INTEGER, {COLUMNS})")
        names = ", ".join(f"w{word}" for word in range(WORDS))
        connection.execute(f"INSERT INTO {name} SELECT row_number() OVER () - 1, ones, {names} FROM columns")
    return connection


def search(connection, threshold, parts):
    condition = f"({COMMON}) * {2 * threshold.denominator} >= (a.ones + b.ones) * {threshold.numerator}"
    found = connection.execute(f"SELECT a.id AS a, b.id AS b FROM a, b WHERE {condition}").fetchnumpy()
    return found["a"], found["b"]


serve(duckdb.__version__, prepare, search)
