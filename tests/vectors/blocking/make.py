"""Makes fuzz.json: what blocklib 0.1.11 does with invented people and schemas. Python 3.11: make.py SEED CASES > fuzz.json"""
import copy
import json
import logging
import random
import sys

from blocklib import assess_blocks_2party, generate_blocks, generate_candidate_blocks

logging.disable(logging.CRITICAL)
rng = random.Random(int(sys.argv[1]))
FORENAMES = ["Anne", "Ann", "Siân", "Zoë", "José", "Łukasz", "Наташа", "明", "محمد", "Jo", "J", "", "O'Neil", "Mary-Ann", "naïve", "N/A"]
SURNAMES = ["Smith", "Smyth", "Schmidt", "Nguyễn", "Ó Briain", "van der Berg", "", "Иванов", "李", "Kowalczyk", "McDonald", "D'Souza"]
YEARS = ["1984-01-02", "1984-01-03", "1990-12-31", "", "2001"]


def people(n):
    # The last column is the entity.
    return [(f"r{i}", rng.choice(FORENAMES), rng.choice(SURNAMES), rng.choice(YEARS), str(rng.randrange(40))) for i in range(n)]


HEADER = ["id", "forename", "surname", "dob", "entity"]


def feature(named):
    i = rng.choice([1, 2, 3])
    return HEADER[i] if named and rng.random() < 0.8 else rng.choice([i, i, i, i - 5, str(i)])


def position():
    return rng.choice([0, 1, 2, 7, "0", "3", "0:2", ":3", "1:", "2:9", ":", "1:1", "-1", -2, "-3:-1", "a", "-3:", ":-1", 1.9, " 1 : 3 ", "+1", "1_0"])


def part(named):
    kind = rng.choice(["feature-value", "metaphone", "characters-at", "characters-at"])
    spec = {"type": kind, "feature": feature(named)}
    if kind == "characters-at":
        ok = [0, 1, 2, 7, "0", "3", "0:2", ":3", "1:", "2:9"]
        spec["config"] = {"pos": [position() if rng.random() < 0.05 else rng.choice(ok) for _ in range(rng.randint(0, 3))]}
    return spec


def psig():
    named = rng.random() < 0.4
    least = rng.choice([0, 0, 1, 2])
    kind = rng.choice(["ratio", "count"])
    limits = {"type": "ratio", "max": rng.choice([0.02, 0.1, 0.3, 0.5, 1, "0.25"])} if kind == "ratio" else {"type": "count", "min": least, "max": rng.choice([1, 3, 10, "20"])}
    if kind == "ratio" and rng.random() < 0.5:
        limits["min"] = rng.choice([0.0, 0.01, 0.1])
    config = {
        "blocking-features": HEADER[1:4] if named else rng.choice([[1, 2, 3], ["1", "2", "3"], [1.0, 2]]),
        "filter": limits,
        "blocking-filter": {"type": "bloom filter", "number-hash-functions": rng.choice([1, 2, 4, 20]), "bf-len": rng.choice([1, 7, 64, 1000, 2048]), "compress-block-key": rng.choice([True, False, None, "yes"])},
        "signatureSpecs": [[part(named) for _ in range(rng.randint(0, 3) or 1)] for _ in range(rng.randint(1, 3))],
    }
    if rng.random() < 0.5:
        config["null-sentinel"] = rng.choice(["", "N/A", None, 0, "2001"])
    if rng.random() < 0.3:
        config["record-id-col"] = rng.choice([0, 0, -5, "0", 1])
    return {"type": "p-sig", "version": rng.choice([1, 1, 1, 2]), "config": config}, HEADER if named or rng.random() < 0.3 else None


def lambda_fold():
    config = {
        "blocking-features": rng.choice([[1, 2], ["forename", "dob"], [3]]),
        "Lambda": rng.choice([1, 3, 12]),
        "bf-len": rng.choice([9, 64, 300, 2048]),
        "num-hash-funcs": rng.choice([1, 3, 10]),
        "K": rng.choice([1, 4, 9, 30]),
        "random_state": rng.choice([0, -5, 7, 2**40]),
        "input-clks": False,
    }
    if rng.random() < 0.3:
        config["record-id-col"] = 0
    return {"type": "lambda-fold", "version": 1, "config": config}, HEADER


def damaged(schema):
    """Takes something away, or puts something else in its place."""
    schema = copy.deepcopy(schema)
    places = []

    def walk(value):
        for key in list(value.keys() if isinstance(value, dict) else range(len(value))):
            places.append((value, key))
            if isinstance(value[key], (dict, list)):
                walk(value[key])

    walk(schema)
    value, key = rng.choice(places)
    if rng.random() < 0.3:
        del value[key]
    else:
        value[key] = rng.choice([None, "x", -1, 1.5, [], {}, True, "3", 0.2, [1], "forename", ["forename"]])
    return schema


def run(schema, header, data):
    return generate_candidate_blocks(data, copy.deepcopy(schema), header=header)


cases = []
while len(cases) < int(sys.argv[2]):
    schema, header = psig() if rng.random() < 0.7 else lambda_fold()
    if rng.random() < 0.25:
        schema = damaged(schema)
    data = [people(rng.choice([1, 2, 15, 15, 15])) for _ in range(rng.choice([2, 2, 3]))]
    case = {"schema": schema, "header": header, "data": data}
    need = rng.randint(2, len(data))
    try:
        made = [run(schema, header, rows) for rows in data]
        done = {"need": need, "blocks": [list(map(list, one.blocks.items())) for one in made]}
        done |= {"stats": [one.stats for one in made], "assessed": None}
        if "record-id-col" not in schema["config"]:
            entities = [[row[4] for row in rows] for rows in data[:2]]
            done["assessed"] = assess_blocks_2party([one.blocks for one in made[:2]], entities)
        # It takes blocks away from what it is given.
        done["final"] = [list(map(list, blocks.items())) for blocks in generate_blocks(made, K=need)]
        case |= done
    except Exception as error:
        case["error"] = type(error).__name__
    cases.append(case)
json.dump({"about": "blocklib 0.1.11, by make.py", "cases": cases}, sys.stdout, ensure_ascii=False)
