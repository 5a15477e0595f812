"""Invented people in two files, half of the second being the first's with errors, and their CLKs by clkhash.

Run by run.py with the Python that has clkhash: `python data.py --rows N --against M --seed S FOLDER` writes

    a.csv, b.csv    given name, surname, date of birth, postcode
    a.json, b.json  {"clks": [base64, ...]}, the form of anonlink's clients
    a.bin, b.bin    the same CLKs, 128 bytes each
"""

from __future__ import annotations

import argparse
import base64
import csv
import json
import random
from datetime import date, timedelta
from itertools import accumulate
from pathlib import Path

GIVEN_NAMES = """
Oliver Olivia George Amelia Harry Isla Noah Ava Jack Mia Leo Ivy Arthur Lily Muhammad Isabella Oscar Sophia
Charlie Freya Jacob Grace Thomas Emily William Ella James Poppy Henry Florence Joshua Evie Alexander
Charlotte Archie Willow Isaac Evelyn Edward Sophie Samuel Daisy Joseph Jessica Max Alice Logan Phoebe Lucas
Sienna Daniel Matilda Benjamin Harriet Finley Rosie Mohammed Maya Adam Eliza Ethan Elsie Sebastian Millie
Theodore Ruby Ibrahim Chloe Zachary Maryam Toby Aisha Luke Hannah Dylan Sarah Reuben Fatima Jude Zara Elliot
Thea Ryan Layla Yusuf Emma Michael Orla Matthew Lucy Nathan Niamh David Holly Callum Bethany Rhys Megan Owen
Seren Liam Erin Connor Abigail Cameron Eleanor Robert Imogen John Margaret Peter Susan Paul Christine
Stephen Patricia Andrew Jean Mark Barbara Christopher Catherine Kevin Jacqueline
""".split()

SURNAMES = """
Smith Jones Taylor Brown Williams Wilson Johnson Davies Patel Robinson Wright Thompson Evans Walker White
Roberts Green Hall Wood Jackson Clarke Khan Harris Clark Hughes Lewis Edwards Thomas Hill Moore Turner
Cooper Ward Morris Baker Martin Harrison King Morgan Lee Allen James Scott Phillips Watson Davis Parker
Bennett Price Griffiths Young Ahmed Hussain Ali Begum Singh Kaur Shah Cook Bailey Carter Collins Kelly
Murphy Murray Shaw Richardson Cox Marshall Anderson Mitchell Simpson Gray Graham Stewart Campbell Robertson
Macdonald Fraser Ross Henderson Ferguson Hamilton Reid Obrien Byrne Ryan Walsh Chapman Webb Rogers Mason
Hunt Palmer Mills Barnes Knight Matthews Barker Powell Stevens Russell Fisher Butler Pearson Holmes Lloyd
Ellis Foster Gibson Reynolds Dixon Harvey Wells Saunders Kowalski Nowak Okafor Adeyemi Chowdhury Rahman
""".split()

POSTCODE_AREAS = """
B M L LS NG S BS CF G EH BT NE SW SE E N W BN PO SO RG OX CB NR IP CO PE LE CV DE ST WS WV DY SK BL OL WN PR
BB BD HX HD WF HU YO DL TS SR DH CA LA EX PL TQ GL SN BA SA NP LD AB DD KY TD
""".split()

LETTERS = "abcdefghijklmnopqrstuvwxyz"
DIGITS = "0123456789"
INWARD_LETTERS = "ABDEFGHJLNPQRSTUWXYZ"
FIRST_BIRTH, LAST_BIRTH = date(1930, 1, 1), date(2018, 12, 31)

SECRET = "a secret for invented people"
HASHES = {"blake": {"type": "blakeHash"}, "double": {"type": "doubleHash", "prevent_singularity": True}}


class Names:
    """Common names with falling frequency, and a tail of names made of the common ones' letter triples."""

    def __init__(self, common: list[str], tail: float) -> None:
        self.common = common
        self.cumulative = list(accumulate(1 / (rank + 4) for rank in range(len(common))))
        self.tail = tail
        self.after: dict[str, list[str]] = {}
        for name in common:
            padded = f"^^{name.lower()}$"
            for at in range(len(padded) - 2):
                self.after.setdefault(padded[at : at + 2], []).append(padded[at + 2])

    def draw(self, rng: random.Random) -> str:
        if rng.random() >= self.tail:
            return rng.choices(self.common, cum_weights=self.cumulative)[0]
        while True:
            name = "^^"
            while len(name) < 14 and not name.endswith("$"):
                name += rng.choice(self.after[name[-2:]])
            if name.endswith("$") and len(name) >= 6:
                return name[2:-1].capitalize()


GIVEN, FAMILY = Names(GIVEN_NAMES, 0.15), Names(SURNAMES, 0.35)


def birth(rng: random.Random) -> str:
    return (FIRST_BIRTH + timedelta(days=rng.randrange((LAST_BIRTH - FIRST_BIRTH).days + 1))).strftime(
        "%Y%m%d"
    )


def postcode(rng: random.Random) -> str:
    area = POSTCODE_AREAS[min(int(rng.expovariate(1 / 20)), len(POSTCODE_AREAS) - 1)]
    inward = rng.choice(DIGITS) + rng.choice(INWARD_LETTERS) + rng.choice(INWARD_LETTERS)
    return f"{area}{min(1 + int(rng.expovariate(1 / 8)), 40)} {inward}"


def person(rng: random.Random) -> list[str]:
    return [GIVEN.draw(rng), FAMILY.draw(rng), birth(rng), postcode(rng)]


def typo(rng: random.Random, value: str, alphabet: str) -> str:
    """One character more, less or other, or two swapped."""
    at = rng.randrange(len(value))
    kind = rng.randrange(4)
    if kind == 0:
        return value[:at] + rng.choice(alphabet) + value[at:]
    if kind == 1 and len(value) > 2:
        return value[:at] + value[at + 1 :]
    if kind == 2 and at + 1 < len(value):
        return value[:at] + value[at + 1] + value[at] + value[at + 2 :]
    return value[:at] + rng.choice(alphabet) + value[at + 1 :]


def with_errors(rng: random.Random, original: list[str]) -> list[str]:
    given, family, born, address = original
    if rng.random() < 0.2:
        given = typo(rng, given, LETTERS)
    if rng.random() < 0.03:
        family = FAMILY.draw(rng)
    elif rng.random() < 0.2:
        family = typo(rng, family, LETTERS)
    if rng.random() < 0.05:
        at = rng.randrange(len(born))
        born = born[:at] + rng.choice(DIGITS) + born[at + 1 :]
    if rng.random() < 0.1:
        address = postcode(rng)
    elif rng.random() < 0.2:
        address = typo(rng, address, DIGITS + INWARD_LETTERS)
    return [given, family, born, address]


def people(rows: int, against: int, seed: int) -> tuple[list[list[str]], list[list[str]]]:
    """As many people as asked for; up to half of the second file are people of the first, with errors."""
    rng = random.Random(seed)
    a = [person(rng) for _ in range(rows)]
    shared = min(rows, against // 2)
    b = [with_errors(rng, original) for original in rng.sample(a, shared)]
    b += [person(rng) for _ in range(against - shared)]
    rng.shuffle(b)
    return a, b


def clkhash_schema(hash_name: str) -> dict[str, object]:
    """1,024 bits, 20 for each token: letter pairs, and for dates single digits with their place."""

    def field(name: str, n: int, positional: bool) -> dict[str, object]:
        comparison = {"type": "ngram", "n": n, "positional": positional}
        hashing = {"comparison": comparison, "strategy": {"bitsPerToken": 20}, "hash": HASHES[hash_name]}
        return {"identifier": name, "format": {"type": "string", "case": "mixed"}, "hashing": hashing}

    features = [
        field("given_name", 2, False),
        field("surname", 2, False),
        field("date_of_birth", 1, True),
        field("postcode", 2, False),
    ]
    kdf = {"type": "HKDF", "hash": "SHA256", "keySize": 64}
    return {"version": 3, "clkConfig": {"l": 1024, "kdf": kdf}, "features": features}


def encode(rows: list[list[str]], hash_name: str) -> list[bytes]:
    from clkhash import clk, schema

    made = schema.from_json_dict(clkhash_schema(hash_name))
    return [bits.tobytes() for bits in clk.generate_clks(rows, made, SECRET, validate=False, max_workers=1)]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, required=True)
    parser.add_argument("--against", type=int, required=True)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    for side, rows in zip("ab", people(arguments.rows, arguments.against, arguments.seed)):
        with open(arguments.folder / f"{side}.csv", "w", newline="", encoding="utf-8") as out:
            csv.writer(out).writerows(rows)
        clks = encode(rows, "blake")
        (arguments.folder / f"{side}.bin").write_bytes(b"".join(clks))
        texts = [base64.b64encode(clk).decode("ascii") for clk in clks]
        (arguments.folder / f"{side}.json").write_text(json.dumps({"clks": texts}), encoding="utf-8")


if __name__ == "__main__":
    main()
