#!/usr/bin/env python3
"""A second implementation of the native encoding, version 1, written from docs/encoding.md and not from the Rust code.

Python 3.11 or later, standard library only. From the root of the crate:

    python3 tests/vectors/reference.py generate            # writes tests/vectors/*-v1.json anew
    python3 tests/vectors/reference.py check               # says whether they still are what `generate` would write
    python3 tests/vectors/reference.py encode INPUT.json   # prints the cohort and intermediate values; - for stdin
    python3 tests/vectors/reference.py example             # prints the worked example of docs/encoding.md, section 12
    python3 tests/vectors/reference.py proposal P1.json    # compares the primitives with the proposal's vectors

INPUT.json: {"schema": canonical form as text or object, "key": 64 hex digits, "seed": 64 hex digits, "party": name,
"tool": what the manifest shall say, "records": [{"id": ..., "values": [one text per field]}],
"opt_out": [records, optional], "lists": {field: text of its list of names, optional},
"noise": the noise key, 64 hex digits, optional, "names": [texts of lists of names, optional]}.
"""

import base64
import csv
import functools
import hashlib
import hmac
import io
import json
import math
import os
import re
import struct
import sys
import tomllib
import unicodedata

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(HERE, "native-v1.json")
RARITY_VECTORS = os.path.join(HERE, "rarity-v1.json")
HARDENING_VECTORS = os.path.join(HERE, "hardening-v1.json")
UK_PERSON = os.path.join(HERE, "..", "..", "examples", "schemas", "uk_person.toml")

# ---- 2. Keys and subkeys ---------------------------------------------------------------------------------------------


def hmac256(key, message):
    return hmac.digest(key, message, "sha256")


def be32(n):
    return struct.pack(">I", n)


def be64(n):
    return struct.pack(">Q", n)


def hkdf(ikm, salt, info, length):
    prk, block, out, i = hmac256(salt, ikm), b"", b"", 1
    while len(out) < length:
        block = hmac256(prk, block + info + bytes([i]))
        out, i = out + block, i + 1
    return out[:length]


@functools.cache
def subkey(key, project, purpose, name):
    parts = [purpose.encode(), name.encode()]
    info = b"pprl/p1" + b"".join(struct.pack(">H", len(part)) + part for part in parts)
    return hkdf(key, hashlib.sha256(project.encode()).digest(), info, 32)


class Stream:
    def __init__(self, key, message):
        self.key, self.message, self.counter, self.words = key, message, 0, []

    def block(self):
        self.counter += 1
        return hmac256(self.key, be32(self.counter - 1) + self.message)

    def word(self):
        if not self.words:
            self.words = list(reversed(struct.unpack(">8I", self.block())))
        return self.words.pop()

    def below(self, n):
        limit = 2**32 // n * n
        while True:
            word = self.word()
            if word < limit:
                return word % n


def positions(key, message, count, m):
    stream, drawn, seen = Stream(key, message), [], set()
    while len(drawn) < count:
        position = stream.below(m)
        if position not in seen:
            seen.add(position)
            drawn.append(position)
    return drawn


# ---- 3. Normalisation and validity -----------------------------------------------------------------------------------

APOSTROPHES = {0x27, 0x60, 0xB4, 0x2B9, 0x2BB, 0x2BC, 0x2BD, 0x2BE, 0x2BF, 0x2018, 0x2019, 0x2032, 0xFF07}

LETTERS = {
    0xC6: "AE", 0xD0: "D", 0xD8: "O", 0xDE: "TH", 0x1E9E: "SS", 0x110: "D", 0x126: "H", 0x138: "K", 0x141: "L",
    0x14A: "N", 0x152: "OE", 0x166: "T", 0x181: "B", 0x186: "O", 0x189: "D", 0x18A: "D", 0x18F: "A", 0x190: "E",
    0x194: "G", 0x197: "I", 0x198: "K", 0x19D: "N", 0x1B3: "Y", 0x244: "U", 0x1B2: "V",
}  # fmt: skip

# Alphabetic, and neither letter, number nor mark.
CIRCLED = [(0x24B6, 0x24E9), (0x1F130, 0x1F149), (0x1F150, 0x1F169), (0x1F170, 0x1F189)]

# What Unicode 17.0 says and an older Python does not know yet (section 3.1).
NEW_UPPER = {0x19B: 0xA7DC, 0x264: 0xA7CB, 0xA7D3: 0xA7D2, 0xA7D5: 0xA7D4}
NEW_LETTERS = set(NEW_UPPER.values())

WHITE = "\t\n\v\f\r \x85\xa0\u1680" + "".join(map(chr, range(0x2000, 0x200B))) + "\u2028\u2029\u202f\u205f\u3000"

TITLES = "MR MRS MISS MS MX MASTER DR PROF PROFESSOR REV REVD SIR LADY LORD DAME MSTR".split()
PARTICLES = ["MAC", "MC", "O"]


def alphanumeric(code):
    if unicodedata.category(chr(code))[0] in "LN" or code in NEW_LETTERS:
        return True
    return any(low <= code <= high for low, high in CIRCLED)


@functools.cache
def folded(char):
    """The value of the map of section 3.1: what one code point becomes, gaps as spaces."""
    if ord(char) in APOSTROPHES:
        return ""
    text = unicodedata.normalize("NFKD", char)
    text = "".join(chr(NEW_UPPER[ord(c)]) if ord(c) in NEW_UPPER else c.upper() for c in text)
    text = unicodedata.normalize("NFKD", text)
    text = [c for c in text if unicodedata.category(c)[0] != "M" and ord(c) not in APOSTROPHES]
    text = "".join(LETTERS.get(ord(c), c) for c in text)
    return "".join(c if alphanumeric(ord(c)) else " " for c in text)


def parts(text):
    return [part for part in "".join(map(folded, text)).split(" ") if part]


def spaced(text):
    return " ".join(parts(text))


def compact(text):
    return "".join(parts(text))


def name_parts(text):
    todo = parts(text)
    while len(todo) > 1 and todo[0] in TITLES:
        todo = todo[1:]
    done, prefix = [], ""
    for part in todo:
        if part in PARTICLES:
            prefix += part
        else:
            done.append(prefix + part)
            prefix = ""
    return done + [prefix] if prefix else done


def day_of_calendar(year, month, day):
    if not (1 <= year <= 9999 and 1 <= month <= 12):
        return False
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    days = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    return 1 <= day <= days[month - 1]


SHAPES = {
    "YYYY-MM-DD": (r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T ][0-9:.Z+-]+)?", (1, 2, 3)),
    "YYYYMMDD": (r"([0-9]{4})([0-9]{2})([0-9]{2})", (1, 2, 3)),
    "DD/MM/YYYY": (r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})", (4, 3, 1)),
    "MM/DD/YYYY": (r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4})", (4, 1, 3)),
}


def read_date(text, formats):
    """("ok", (y, m, d)), ("invalid", None) or ("unreadable", None)."""
    text = text.strip(WHITE)
    for name in formats:
        shape, groups = SHAPES[name]
        if match := re.fullmatch(shape, text):
            date = tuple(int(match[group]) for group in groups)
            return ("ok", date) if day_of_calendar(*date) else ("invalid", None)
    return ("unreadable", None)


def iso(date):
    return "%04d-%02d-%02d" % date


def uk_postcode(value):
    """(area, outward, inward or None), or None."""

    def area(code):
        match = re.fullmatch(r"([A-Za-z]{1,2})[0-9][0-9A-Za-z]?", code)
        return match and match[1]

    if len(value) >= 5 and re.fullmatch(r"[0-9][A-Za-z]{2}", value[-3:]) and area(value[:-3]):
        return area(value[:-3]), value[:-3], value[-3:]
    return (area(value), value, None) if area(value) else None


UPN_LETTERS = "ABCDEFGHJKLMNPQRTUVWXYZ"


def valid_identifier(value, scheme):
    if scheme == "upn":
        if not re.fullmatch(f"[{UPN_LETTERS}][0-9]{{11}}[0-9{UPN_LETTERS}]", value):
            return False
        worth = [int(c) if c in "0123456789" else UPN_LETTERS.index(c) for c in value[1:]]
        return UPN_LETTERS[sum(w * place for place, w in enumerate(worth, 2)) % 23] == value[0]
    if not re.fullmatch(r"[0-9]{10}", value) or len(set(value)) == 1:
        return False
    digits = [int(c) for c in value]
    r = sum((10 - i) * digits[i] for i in range(9)) % 11
    if scheme == "uln":
        return r != 0 and 10 - r == digits[9]
    c = (11 - r) % 11
    return c != 10 and c == digits[9]


class Missing:
    def __init__(self, reason):
        self.reason = reason


class Present:
    def __init__(self, whole, groups):
        self.whole, self.groups = whole, groups


def in_byte_order(tokens):
    return sorted(set(tokens), key=lambda token: token.encode())


def bigrams(words):
    padded = ["_" + word + "_" for word in words]
    return in_byte_order(word[i : i + 2] for word in padded for i in range(len(word) - 1))


def date_groups(date, tokens):
    d = "%04d%02d%02d" % date
    parts_of_date = ["Y" + d[:4], "P" + d[4:6], "P" + d[6:]]
    if tokens == "digits":
        return [[f"{place}:{c}" for place, c in enumerate(d)], in_byte_order(parts_of_date)]
    return [in_byte_order(parts_of_date + ["C" + d[2], "D" + d[3], "M" + d[5], "K" + d[7]])]


def read_value(field, text):
    kind = field["kind"]
    text = text.strip(WHITE)
    if not text:
        return Missing("empty")
    entries = field["missing"]
    if kind in ("name", "text"):
        split = name_parts if kind == "name" else parts
        words = split(text)
        whole = " ".join(words)
        if not whole:
            return Missing("empty")
        if whole in [" ".join(split(entry)) for entry in entries]:
            return Missing("placeholder")
        return Present(whole, [bigrams(words)])
    if kind == "exact":
        value = spaced(text)
        for source in sorted(field["same"], key=str.encode):
            if spaced(source) == value:
                value = spaced(field["same"][source])
                break
        if not value:
            return Missing("empty")
        if value in [spaced(entry) for entry in entries]:
            return Missing("placeholder")
        return Present(value, [[value]])
    if kind == "date":
        return read_date_field(field, text)
    value = compact(text)
    if not value:
        return Missing("empty")
    if kind == "postcode":
        for entry in entries:
            start = compact(entry[:-1] if entry.endswith("*") else entry)
            if start and (value.startswith(start) if entry.endswith("*") else value == start):
                return Missing("placeholder")
        if field["system"] == "other":
            return Present(value, [[f"{place}:{c}" for place, c in enumerate(value[:16])]])
        found = uk_postcode(value)
        if not found:
            return Missing("invalid")
        area, outward, inward = found
        groups = [["A" + area], ["D" + outward], [], []]
        if inward:
            groups[2:] = [[f"S{outward} {inward[0]}"], [f"U{outward} {inward}"]]
        return Present(value if inward else "", groups)
    if kind == "identifier":
        if value in [compact(entry) for entry in entries]:
            return Missing("placeholder")
        if not valid_identifier(value, field["scheme"]):
            return Missing("invalid")
        return Present(value, [[value]])
    raise ValueError(f"unknown kind {kind}")


def read_date_field(field, text):
    days, values = set(), set()
    for entry in field["missing"]:
        if entry.startswith("*-"):
            match = re.fullmatch(r"([0-9]{2})-([0-9]{2})", entry[2:])
            if match and day_of_calendar(2000, int(match[1]), int(match[2])):
                days.add((int(match[1]), int(match[2])))
        else:
            found, date = read_date(entry, field["formats"])
            values.add(spaced(iso(date)) if found == "ok" else spaced(entry))
    values.discard("")
    found, date = read_date(text, field["formats"])
    if found == "ok":
        if date[1:] in days or spaced(iso(date)) in values:
            return Missing("placeholder")
        return Present(iso(date), date_groups(date, field["tokens"]))
    return Missing("placeholder" if spaced(text) in values else found)


# ---- 4. Groups and shares --------------------------------------------------------------------------------------------


def shares(field):
    if field["kind"] == "date" and field["tokens"] == "digits":
        return [60, 40]
    if field["kind"] == "postcode" and field["system"] == "uk":
        return [17, 25, 33, 25]
    return [100]


def group_budgets(field, budget):
    out, before = [], 0
    for share in shares(field):
        out.append(budget * (before + share) // 100 - budget * before // 100)
        before += share
    return out


# ---- 5. Positions and the filter -------------------------------------------------------------------------------------


class Encoding:
    def __init__(self, schema, encoding, key, noise=None, names=()):
        self.schema, self.encoding = schema, encoding
        project, self.name = schema["project"]["id"], encoding["name"]
        self.m, self.n, self.t = encoding["length"], encoding["output"], encoding["diffusion"]
        # In the schema's order: it changes nothing, and makes the intermediate values easy to read.
        self.fields = [(i, f) for i, f in enumerate(schema["fields"]) if f["name"] in encoding["fields"]]
        self.clk = {f["space"]: subkey(key, project, "clk", self.name + "/" + f["space"]) for _, f in self.fields}
        self.fill = subkey(key, project, "fill", self.name)
        self.lists = {}
        self.salt_of, self.salt = None, b""
        if "salt" in encoding:
            name, _, year = encoding["salt"].partition(".")
            self.salt_of = next(i for i, f in enumerate(schema["fields"]) if f["name"] == name), bool(year)
        self.transitions = None
        if "markov" in encoding:
            wanted = encoding["markov"]["list_sha256"]
            self.transitions = Transitions(next(t for t in names if hashlib.sha256(t.encode()).hexdigest() == wanted))
            self.markov = {
                f["space"]: subkey(key, project, "markov", self.name + "/" + f["space"]) for _, f in self.fields
            }
        self.steps = []
        for place, step in enumerate(encoding.get("hardening", [])):
            keys = [subkey(key, project, purpose, f"{self.name}/{place}") for purpose in ("perm", "resam")]
            self.steps.append((step, *keys))
        self.rate = encoding.get("randomised_response", 0)
        if self.rate:
            self.noise = subkey(noise, project, "noise", self.name)
        if self.t:
            self.index_sets = index_sets(subkey(key, project, "diffuse", self.name), self.m, self.n, self.t)

    def token(self, space, token):
        """The order number, and the whole list as far as any share can need it."""
        if (space, token, self.salt) not in self.lists:
            key = self.clk[space]
            order = int.from_bytes(hmac256(key, be32(0) + self.salt + token.encode())[:8], "big")
            self.lists[space, token, self.salt] = order, []
        return self.lists[space, token, self.salt]

    def token_positions(self, space, token, count):
        order, known = self.token(space, token)
        if len(known) < count:
            known = positions(self.clk[space], self.salt + token.encode(), count, self.m)
            self.lists[space, token, self.salt] = order, known
        return known[:count]

    def with_salt(self, values):
        """The values as this encoding takes them, once its salt is set: all missing where the salt is."""
        if self.salt_of is None:
            return values
        index, year = self.salt_of
        if isinstance(values[index], Missing):
            self.salt = b""
            return [Missing("empty")] * len(values)
        salt = values[index].whole.encode()[: 4 if year else None]
        self.salt = be32(len(salt)) + salt
        return values

    def with_others(self, field, tokens):
        if self.transitions is None or field["kind"] not in ("name", "text"):
            return tokens
        found = set(tokens)
        for token in tokens:
            found |= set(self.transitions.draw(self.markov[field["space"]], token, self.encoding["markov"]["extra"]))
        return in_byte_order(found)

    def filter(self, row_id, values, notes=None):
        bits = 0
        for index, field in self.fields:
            value = values[index]
            budgets = group_budgets(field, self.encoding["fields"][field["name"]])
            groups = value.groups if isinstance(value, Present) else [[] for _ in budgets]
            for group, (tokens, budget) in enumerate(zip(groups, budgets, strict=True)):
                chosen = {}
                tokens = self.with_others(field, tokens)
                if tokens:
                    by_order = sorted(range(len(tokens)), key=lambda i: (self.token(field["space"], tokens[i])[0], i))
                    for rank, i in enumerate(by_order):
                        share = budget // len(tokens) + (rank < budget % len(tokens))
                        chosen[tokens[i]] = self.token_positions(field["space"], tokens[i], min(share, self.m))
                elif self.encoding["missing"] == "random":
                    message = row_id + f"{field['name']}:{group}".encode()
                    chosen["(random)"] = positions(self.fill, message, budget, self.m)
                for drawn in chosen.values():
                    for position in drawn:
                        bits |= 1 << position
                if notes is not None:
                    notes.append({"field": field["name"], "group": group, "budget": budget, "positions": chosen})
        return bits

    def row(self, row_id, own, values, notes=None):
        """The row as an integer, bit i being bit i. `own` is the owner's id of the record."""
        values = self.with_salt(values)
        present = sum(isinstance(values[index], Present) for index, _ in self.fields)
        if self.t and present < min(2, len(self.fields)):
            stream, out = Stream(self.fill, row_id + b"*"), b""
            while len(out) * 8 < self.n:
                out += stream.block()
            return int.from_bytes(out, "little") % 2**self.n
        bits = self.filter(row_id, values, notes)
        if not self.t:
            return self.noised(own, self.hardened(bits))
        if notes is not None:
            notes.append({"filter": to_bytes(bits, self.m).hex()})
        out = 0
        for j, mask in enumerate(self.masks):
            out |= ((bits & mask).bit_count() & 1) << j
        return out

    def hardened(self, number):
        if number == 0:
            return 0
        bits = [number >> i & 1 for i in range(self.m)]
        for step, perm, resam in self.steps:
            count = len(bits)
            if step == "xor-fold":
                deck = shuffled_deck(Stream(perm, b"deck"), count)
                bits = [bits[deck[i]] ^ bits[deck[i + count // 2]] for i in range(count // 2)]
            elif step == "balance":
                both = bits + [1 - bit for bit in bits]
                bits = [both[card] for card in shuffled_deck(Stream(perm, b"deck"), 2 * count)]
            elif step == "rule-90":
                bits = [bits[(i - 1) % count] ^ bits[(i + 1) % count] for i in range(count)]
            else:
                assert step == "resam"
                stream = Stream(resam, b"pairs")
                pairs = [(stream.below(count), stream.below(count)) for _ in range(count)]
                bits = [bits[a] ^ bits[b] for a, b in pairs]
        assert len(bits) == self.n
        return sum(bit << i for i, bit in enumerate(bits))

    def noised(self, own, bits):
        if not self.rate or bits == 0:
            return bits
        stream = Stream(self.noise, own.encode())
        for i in range(self.n):
            drawn = stream.below(20000)
            if drawn < 2 * self.rate:
                bits = bits & ~(1 << i) | (drawn < self.rate) << i
        return bits

    @functools.cached_property
    def masks(self):
        return [sum(1 << position for position in row) for row in self.index_sets]


def to_bytes(bits, length):
    return bits.to_bytes((length + 7) // 8, "little")


# ---- 6. Diffusion ----------------------------------------------------------------------------------------------------


def shuffled_deck(stream, m):
    cards = list(range(m))
    for i in range(m - 1, 0, -1):
        j = stream.below(i + 1)
        cards[i], cards[j] = cards[j], cards[i]
    return cards


def index_sets(key, m, n, t):
    stream, deck, rows = Stream(key, b"deck"), [], []
    for _ in range(n):
        row, deck = deck[:t], deck[t:]
        if len(row) < t:
            deck, cards = [], shuffled_deck(stream, m)
            for card in cards:
                if len(row) < t and card not in row:
                    row.append(card)
                else:
                    deck.append(card)
        rows.append(row)
    return rows


class Transitions:
    """Section 6.3. `text` is the text of the file of names."""

    def __init__(self, text):
        counts, self.all = {}, set()
        for whole, count in list_of_names(text).items():
            for part in whole.split(" "):
                padded = "_" + part + "_"
                pairs = [padded[i : i + 2] for i in range(len(padded) - 1)]
                self.all |= set(pairs)
                for g, h in zip(pairs, pairs[1:]):
                    after = counts.setdefault(g, {})
                    after[h] = after.get(h, 0) + count
        self.all = in_byte_order(self.all)
        self.weights = {}
        for g, after in counts.items():
            total = sum(after.values())
            self.weights[g] = [(h, after[h] * 2**14 // total if total else 0) for h in in_byte_order(after)]

    def draw(self, key, g, extra):
        stream, found, weights = Stream(key, g.encode()), [], self.weights.get(g, [])
        while len(found) < extra:
            r = stream.below(len(self.all) + sum(weight for _, weight in weights))
            if r < len(self.all):
                drawn = self.all[r]
            else:
                r -= len(self.all)
                for drawn, weight in weights:
                    if r < weight:
                        break
                    r -= weight
            if drawn != g and drawn not in found:
                found.append(drawn)
        return found


# ---- 7. Schema, match keys, opt-out lists ----------------------------------------------------------------------------


def canonical(schema):
    """The canonical form as text. sort_keys sorts by code point, as section 7.1 asks."""
    return json.dumps(schema, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def fingerprint(schema):
    return hashlib.sha256(canonical(schema).encode()).hexdigest()


def ten_thousandths(threshold):
    if threshold == "automatic":
        return threshold
    whole, _, fraction = str(threshold).partition(".")
    return int(whole + fraction.ljust(4, "0"))


def output(encoding):
    if "output" in encoding:
        return encoding["output"]
    n = encoding["length"]
    for step in encoding.get("hardening", []):
        n = {"xor-fold": n // 2, "balance": 2 * n}.get(step, n)
    return n


def schema_from_toml(text):
    """The canonical form (as an object) of a sound schema in TOML. It does not look for mistakes."""
    toml = tomllib.loads(text, parse_float=str)
    linkage = toml.get("linkage", {})
    fields = []
    for f in toml["field"]:
        field = {
            "kind": f["kind"],
            "missing": f.get("missing", []),
            "name": f["name"],
            "same": f.get("same", {}),
            "space": f.get("space", f["name"]),
        }
        if f["kind"] == "date":
            field["formats"] = f.get("formats") or ["YYYY-MM-DD", "DD/MM/YYYY", "YYYYMMDD"]
            field["tokens"] = f.get("tokens", "parts")
        elif f["kind"] == "postcode":
            field["system"] = f.get("system", "uk")
        elif f["kind"] == "identifier":
            field["scheme"] = f["scheme"]
        fields.append(field)
    rarity = [
        {"cuts": r.get("cuts", [200, 50, 10]), "field": r["field"], "list_sha256": r["list_sha256"]}
        for r in toml.get("rarity", [])
    ]
    return {
        "accept_risk": toml.get("privacy", {}).get("accept_risk", ""),
        "encoding_version": 1,
        "encodings": [
            {
                "diffusion": e["diffusion"],
                "fields": e["fields"],
                "length": e["length"],
                "missing": e.get("missing", "random" if e["diffusion"] else "empty"),
                "name": e["name"],
                "output": output(e),
            }
            | {k: e[k] for k in ("hardening", "markov", "salt") if k in e}
            | ({"randomised_response": ten_thousandths(e["randomised_response"])} if "randomised_response" in e else {})
            for e in toml["encoding"]
        ],
        "fields": fields,
        "linkage": {
            "assignment": linkage.get("assignment", "one-to-one"),
            "candidates": linkage.get("candidates", 10),
            "keep_unlinked": linkage.get("keep_unlinked", []),
            "suppress_below": linkage.get("suppress_below", 10),
            "threshold": ten_thousandths(linkage.get("threshold", "automatic")),
        },
        "match_keys": [{"fields": k["fields"], "name": k["name"]} for k in toml.get("match_key", [])],
        "project": {k: toml["project"][k] for k in ("expires", "id", "parties", "purpose")},
    } | ({"rarity": rarity} if rarity else {})


def match_key(schema, key, purpose, entry, values):
    message = b""
    for name in entry["fields"]:
        index = next(i for i, field in enumerate(schema["fields"]) if field["name"] == name)
        value = values[index]
        if isinstance(value, Missing) or not value.whole:
            return None
        for text in (name.encode(), value.whole.encode()):
            message += be32(len(text)) + text
    return hmac256(subkey(key, schema["project"]["id"], purpose, entry["name"]), message)[:16]


def opt_out_entries(schema, key, values):
    for place, entry in enumerate(schema["match_keys"]):
        if value := match_key(schema, key, "optout", entry, values):
            yield bytes([place]) + value


def siphash13(key, message):
    mask = 2**64 - 1
    k0, k1 = struct.unpack("<2Q", key)
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def rotate(x, b):
        return (x << b | x >> (64 - b)) & mask

    def rounds(n):
        for _ in range(n):
            v[0] = (v[0] + v[1]) & mask
            v[1] = rotate(v[1], 13) ^ v[0]
            v[0] = rotate(v[0], 32)
            v[2] = (v[2] + v[3]) & mask
            v[3] = rotate(v[3], 16) ^ v[2]
            v[0] = (v[0] + v[3]) & mask
            v[3] = rotate(v[3], 21) ^ v[0]
            v[2] = (v[2] + v[1]) & mask
            v[1] = rotate(v[1], 17) ^ v[2]
            v[2] = rotate(v[2], 32)

    last = len(message) // 8 * 8
    tail = message[last:].ljust(7, b"\0") + bytes([len(message) & 255])
    for (word,) in struct.iter_unpack("<Q", message[:last] + tail):
        v[3] ^= word
        rounds(1)
        v[0] ^= word
    v[2] ^= 255
    rounds(3)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


class OptOutList:
    SEED = b"pprl opt-out list, version 1...."

    def __init__(self, entries):
        count = max(1000, len(entries))
        self.bytes = math.ceil(count * math.log(0.001) / (-8 * (math.log(2) * math.log(2))))
        self.k = max(1, math.floor(8 * self.bytes / count * math.log(2) + 0.5))
        self.bits = 0
        for entry in entries:
            for place in self.places(entry):
                self.bits |= 1 << place

    def places(self, entry):
        h = [siphash13(self.SEED[:16], entry), siphash13(self.SEED[16:], entry)]
        for i in range(self.k):
            number = h[i] if i < 2 else (h[0] + i * h[1]) % 2**64 % (2**64 - 59)
            yield number % (8 * self.bytes)

    def has(self, entry):
        return all(self.bits >> place & 1 for place in self.places(entry))

    def file(self, schema, key):
        body = b"pproptl1" + fingerprint(schema).encode() + key_check(schema, key).encode()
        body += b"\1" + struct.pack("<QI", self.bytes, self.k) + self.SEED + self.bits.to_bytes(self.bytes, "little")
        return body + hashlib.sha256(body).digest()


def list_of_names(text):
    """How many people bear each name of a list, by the file's text."""
    counts = {}
    rows = csv.reader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    assert next(rows) == ["name", "count"]
    for name, count in filter(None, rows):
        assert re.fullmatch(r"[0-9]{1,15}", count)
        whole = " ".join(name_parts(name))
        assert whole
        counts[whole] = counts.get(whole, 0) + int(count)
    assert sum(counts.values())
    return counts


class RarityList:
    """Section 7.4. `text` is the file's text; its bytes are UTF-8."""

    def __init__(self, entry, text):
        self.cuts = entry["cuts"]
        assert hashlib.sha256(text.encode()).hexdigest() == entry["list_sha256"], "another list"
        self.counts = list_of_names(text)
        self.total = sum(self.counts.values())

    def class_of_listed(self, name):
        count = self.counts.get(name, 0)
        return sum(count * 100_000 < cut * self.total for cut in self.cuts)

    def class_of(self, value):
        """The class, or None where there is no name."""
        if isinstance(value, Missing):
            return None
        if value.whole in self.counts:
            return self.class_of_listed(value.whole)
        return max(map(self.class_of_listed, value.whole.split(" ")))


# ---- 8. Row ids, key check value -------------------------------------------------------------------------------------


def row_id(schema, key, party, seed, i):
    return hmac256(subkey(key, schema["project"]["id"], "rowid", party), seed + be64(i))[:16]


def key_check(schema, key):
    return hmac256(subkey(key, schema["project"]["id"], "kcv", ""), fingerprint(schema).encode())[:8].hex()


# ---- 9. The cohort file ----------------------------------------------------------------------------------------------


def cohort_json(manifest, ids, encodings, match_keys, rarity):
    def compact_json(value):
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def lines(items):
        return "[" + ",".join("\n" + json.dumps(item) for item in items) + "]"

    def columns(names, lists):
        return "{\n" + ",\n".join(compact_json(name) + ": " + lines(items) for name, items in zip(names, lists)) + "}"

    out = '{\n"format": "pprl-cohort-1",\n"manifest": ' + compact_json(manifest)
    out += ',\n"row_ids": ' + lines([i.hex() for i in ids])
    rows = [[base64.b64encode(row).decode() for row in column] for column in encodings]
    if len(rows) == 1:
        out += ',\n"clks": ' + lines(rows[0])
    else:
        out += ',\n"encodings": ' + columns([entry["name"] for entry in manifest["encodings"]], rows)
    if match_keys:
        values = [[value and value.hex() for value in column] for column in match_keys]
        out += ',\n"match_keys": ' + columns(manifest["match_keys"], values)
    if rarity:
        texts = ["".join("-" if c is None else str(c) for c in column) for column in rarity]
        pairs = [f"{compact_json(name)}: {json.dumps(text)}" for name, text in zip(manifest["rarity"], texts)]
        out += ',\n"rarity": {\n' + ",\n".join(pairs) + "}"
    return out + "\n}\n"


def digest(manifest, ids, encodings, match_keys, rarity):
    hash_ = hashlib.sha256()

    def text(value):
        data = str(value).encode()
        hash_.update(be64(len(data)) + data)

    text("pprl-cohort-1")
    for name in ("encoding_version", "fingerprint", "project", "party", "key_check", "rows"):
        text(manifest[name])
    text(len(manifest["encodings"]))
    for entry in manifest["encodings"]:
        text(entry["name"])
        text(entry["bits"])
    text(len(manifest["match_keys"]))
    for name in manifest["match_keys"]:
        text(name)
    text(manifest.get("accept_risk", ""))
    for data in ids + [row for column in encodings for row in column]:
        hash_.update(data)
    for value in (value for column in match_keys for value in column):
        hash_.update(b"\0" if value is None else b"\1" + value)
    if rarity:
        text(len(manifest["rarity"]))
        for name in manifest["rarity"]:
            text(name)
        for column in rarity:
            hash_.update(bytes(255 if c is None else c for c in column))
    return hash_.hexdigest()


def encode(
    schema, key, seed, party, records, tool, opt_out=None, notes=None, lists=None, noise=None, names=()
):
    """The cohort as text, and the owner's record ids in the order of its rows."""

    def values_of(record):
        return [read_value(field, text) for field, text in zip(schema["fields"], record["values"], strict=True)]

    kept = [(record["id"], values_of(record)) for record in records]
    if opt_out is not None:
        kept = [(own, v) for own, v in kept if not any(map(opt_out.has, opt_out_entries(schema, key, v)))]
    rows = sorted((row_id(schema, key, party, seed, i), i) for i in range(len(kept)))
    ids = [found for found, _ in rows]
    encodings = []
    for description in schema["encodings"]:
        encoding = Encoding(schema, description, key, noise, names)
        column = []
        for found, i in rows:
            note = None
            if notes is not None:
                note = []
                notes.append({"encoding": description["name"], "record": kept[i][0], "steps": note})
            column.append(to_bytes(encoding.row(found, kept[i][0], kept[i][1], note), encoding.n))
        encodings.append(column)
    match_keys = [
        [match_key(schema, key, "matchkey", entry, kept[i][1]) for _, i in rows] for entry in schema["match_keys"]
    ]
    manifest = {
        "encoding_version": 1,
        "fingerprint": fingerprint(schema),
        "project": schema["project"]["id"],
        "party": party,
        "key_check": key_check(schema, key),
        "rows": len(rows),
        "encodings": [{"name": e["name"], "bits": e["output"]} for e in schema["encodings"]],
        "match_keys": [k["name"] for k in schema["match_keys"]],
    }
    rarity = []
    for entry in schema.get("rarity", []):
        found = RarityList(entry, lists[entry["field"]])
        index = next(i for i, field in enumerate(schema["fields"]) if field["name"] == entry["field"])
        rarity.append([found.class_of(kept[i][1][index]) for _, i in rows])
    if rarity:
        manifest["rarity"] = [entry["field"] for entry in schema["rarity"]]
    if schema["accept_risk"]:
        manifest["accept_risk"] = schema["accept_risk"]
    manifest["tool"] = tool
    manifest["sha256"] = digest(manifest, ids, encodings, match_keys, rarity)
    return cohort_json(manifest, ids, encodings, match_keys, rarity), [kept[i][0] for _, i in rows]


def normal_forms(schema, record):
    out = []
    for field, text in zip(schema["fields"], record["values"], strict=True):
        value = read_value(field, text)
        if isinstance(value, Missing):
            out.append({"field": field["name"], "missing": value.reason})
        else:
            out.append({"field": field["name"], "whole": value.whole, "groups": value.groups})
    return out


# ---- The known answers -----------------------------------------------------------------------------------------------

TOOL = "pprl reference"

GUARDED = """\
version = 1
[project]
id = "vectors-guarded"
purpose = "Known answers"
parties = ["police", "schools"]
expires = "9999-12-31"

[[field]]
name = "forename"
kind = "name"
space = "names"
missing = ["UNKNOWN", "Not Known", "N/A"]
[[field]]
name = "surname"
kind = "name"
space = "names"
missing = ["UNKNOWN"]
[[field]]
name = "date_of_birth"
kind = "date"
missing = ["1900-01-01"]
[[field]]
name = "sex"
kind = "exact"
same = { MALE = "M", FEMALE = "F", "1" = "M", "2" = "F" }
missing = ["U", "not specified"]
[[field]]
name = "postcode"
kind = "postcode"
missing = ["ZZ99*"]
[[field]]
name = "nhs_number"
kind = "identifier"
scheme = "nhs_number"
optional = true
column = "NHS number"

[[encoding]]
name = "no_postcode"
length = 1024
diffusion = 12
output = 4096
fields = { forename = 61, surname = 88, date_of_birth = 107 }
[[encoding]]
name = "no_date"
length = 1024
diffusion = 12
output = 4096
fields = { forename = 59, surname = 85, postcode = 112 }
[[encoding]]
name = "no_surname"
length = 1024
diffusion = 12
output = 4096
fields = { forename = 56, date_of_birth = 96, postcode = 104 }
[[encoding]]
name = "no_forename"
length = 1024
diffusion = 12
output = 4096
fields = { surname = 74, date_of_birth = 87, postcode = 95 }

[[match_key]]
name = "nhs_number"
fields = ["nhs_number"]
[[match_key]]
name = "person"
fields = ["surname", "forename", "date_of_birth", "sex", "postcode"]
"""

PEOPLE = [
    ["Siobhán", "O'Connor", "2011-07-09", "F", "M1 1AE", "943 476 5919"],
    ["SIOBHAN", "O Connor", "09/07/2011", "female", "m11ae", "9434765919"],
    ["Zoë", "Łukasik", "2001-12-31", "2", "EC1A 1BB", ""],
    ["Li", "Ng", "20000229", "M", "W1A 1HQ", ""],
    ["Ng", "Li", "29/02/2000", "1", "W1A", ""],
    ["Muhammad", "Khan", "2006-11-02", "M", "B8 1AA", ""],
    ["Mohammed", "Khan", "2006-02-11", "MALE", "B8", "9434765918"],
    ["Anna-Maria", "Smith-Jones", "5.5.1998", "F", "CR2 6XH", ""],
    ["Işıl", "İnönü", "1988-03-04T00:00:00", "F", "N16 7XB", ""],
    ["Jürgen", "Strauß", "1975-10-10 00:00:00.000", "M", "OX1 2JD", ""],
    ["Nguyễn Thị", "Nguyễn", "1999-01-31", "F", "SE15 4ST", ""],
    ["Мария", "Иванова", "1990-06-15", "F", "DN55 1PT", ""],
    ["Mr. John", "McDonald", "1964-02-30", "M", "G12 8QQ", ""],
    ["Mrs", "Mc Donald", "1900-01-01", "u", "ZZ99 3VZ", ""],
    ["UNKNOWN", "Patel", "2000-02-29", "", "LE4 6AA", ""],
    ["", "Patel", "", "M", "LE4 6AA", ""],
    ["n / a", "unknown", "", "U", "LE4", ""],
    ["", "", "", "", "", ""],
]

FIELD = """\
version = 1
[project]
id = "vectors-field"
purpose = "Known answers: one small filter for every field"
parties = ["a", "b"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data, \\"quoted\\"."

[[field]]
name = "forename"
kind = "name"
[[field]]
name = "surname"
kind = "name"
[[field]]
name = "dob"
kind = "date"
tokens = "digits"
[[field]]
name = "postcode"
kind = "postcode"

[[encoding]]
name = "forename"
length = 128
diffusion = 0
fields = { forename = 40 }
[[encoding]]
name = "surname"
length = 128
diffusion = 0
fields = { surname = 40 }
[[encoding]]
name = "dob"
length = 128
diffusion = 0
fields = { dob = 45 }
[[encoding]]
name = "postcode"
length = 128
diffusion = 0
missing = "random"
fields = { postcode = 41 }
"""

FIELD_PEOPLE = [
    ["Ada", "Lovelace", "1815-12-10", "SW1Y 4JH"],
    ["Lovelace", "Ada", "1815-10-12", "SW1Y"],
    ["O", "Ó", "1815-12-01", ""],
    ["", "Anana", "", "not a postcode"],
    ["Dr", "Prof. Master", "0001-01-01", "M60 1NW"],
    ["", "", "", ""],
]

CLK = """\
version = 1
[project]
id = "vectors-clk"
purpose = "Known answers: one filter that is not diffused, of a length that is no multiple of eight"
parties = ["a"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data."
[[field]]
name = "forename"
kind = "name"
space = "names"
[[field]]
name = "surname"
kind = "name"
space = "names"
[[field]]
name = "dob"
kind = "date"
[[encoding]]
name = "clk"
length = 1001
diffusion = 0
fields = { dob = 100, surname = 150, forename = 150 }
"""

ODD = """\
version = 1
[project]
id = "vectors.odd-lengths"
purpose = "Known answers: lengths that are no round numbers"
parties = ["a"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data."
[[field]]
name = "forename"
kind = "name"
[[field]]
name = "surname"
kind = "name"
[[field]]
name = "dob"
kind = "date"
[[encoding]]
name = "thousand"
length = 1000
diffusion = 8
output = 1000
fields = { forename = 120, surname = 110, dob = 90 }
[[encoding]]
name = "m1023_n65"
length = 1023
diffusion = 10
output = 65
fields = { forename = 100, surname = 99, dob = 98 }
[[encoding]]
name = "m65_n1023"
length = 65
diffusion = 64
output = 1023
fields = { forename = 7, surname = 8, dob = 9 }
[[encoding]]
name = "m96_n7"
length = 96
diffusion = 5
output = 7
fields = { forename = 1, surname = 2, dob = 93 }
[[encoding]]
name = "one_bit"
length = 1
diffusion = 1
output = 1
fields = { dob = 1 }
[[encoding]]
name = "empty"
length = 777
diffusion = 9
output = 200
missing = "empty"
fields = { forename = 90, surname = 80, dob = 70 }
"""

ODD_PEOPLE = [
    ["Siobhán", "O'Connor", "2011-07-09"],
    ["Li", "Ng", "2000-02-29"],
    ["", "Muhammad", "2006-11-02"],
    ["Zoë", "", ""],
    ["", "", ""],
]

KINDS = """\
version = 1
[project]
id = "vectors-kinds"
purpose = "Known answers: every kind, \\"every\\" rule, \\\\ and\\nline ends, é and 龍"
parties = ["social_care", "a"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data; é\\t龍."
[linkage]
threshold = 0.825
assignment = "many-to-one"
candidates = 7
keep_unlinked = ["a", "social_care"]
suppress_below = 0

[[field]]
name = "street"
kind = "text"
missing = ["NO FIXED ABODE"]
[[field]]
name = "us_date"
kind = "date"
formats = ["MM/DD/YYYY", "YYYY-MM-DD"]
tokens = "digits"
missing = ["*-01-01", "*-02-29", "00/00/0000", "unknown", "12/31/1999"]
[[field]]
name = "zip"
kind = "postcode"
system = "other"
missing = ["99999*", "00000"]
[[field]]
name = "uk"
kind = "postcode"
missing = ["ZZ99*", "NF1 1NF"]
[[field]]
name = "upn"
kind = "identifier"
scheme = "upn"
missing = ["A 0000 0000 0000"]
[[field]]
name = "uln"
kind = "identifier"
scheme = "uln"
[[field]]
name = "nhs"
kind = "identifier"
scheme = "nhs_number"
[[field]]
name = "code"
kind = "exact"
same = { "i.o.u" = "owed", "I O U" = "never this", "é" = "E", "--" = "nothing", "x" = "u" }
missing = ["u", "none"]

[[encoding]]
name = "all"
length = 700
diffusion = 0
fields = { street = 100, us_date = 99, zip = 97, uk = 101, upn = 51, uln = 50, nhs = 49, code = 48 }

[[match_key]]
name = "street"
fields = ["street"]
[[match_key]]
name = "us_date"
fields = ["us_date"]
[[match_key]]
name = "zip"
fields = ["zip"]
[[match_key]]
name = "uk"
fields = ["uk"]
[[match_key]]
name = "identifiers"
fields = ["nhs", "uln", "upn"]
[[match_key]]
name = "code"
fields = ["code"]
[[match_key]]
name = "two"
fields = ["code", "street"]
"""

KINDS_PEOPLE = [
    ["12b St. John's Rd", "07/09/2011", "90210-1234", "M1 1AE", "P000000000001", "1000000009", "9434765919", "I.O.U"],
    ["12B ST JOHNS RD", "2011-07-09", "902101234", " m11ae", "P 0000 0000 0001", "1000000009", "943-476-5919", "É"],
    ["no fixed  abode", "1/1/2000", "99999-0000", "zz99 3vz", "A000000000000", "", "0000000000", "--"],
    ["-", "02/29/2000", "00000", "NF1 1NF", "A00000000000A", "", "1111111111", "none"],
    ["—", "00/00/0000", "0000", "nf1", "A000000000001", "", "9434765918", "x"],
    ["Ærø 1½", "Unknown", "1234567890ABCDEFGHIJ", "EC1A", "a00000000000a", "", "", "U"],
    ["a_b c", "12/31/1999", "1234567890ABCDEFXXXX", "W1A1HQ", "", "", "９４３４７６５９１９", "an exact  value"],
    ["ⒶⒷ 🅐🅑 x²", "13/01/2000", "K1A 0B1", "DN551PT", "", "", "", "値"],
    ["李小龍", "2/3/1999", "李", "A9A", "", "", "", "É\u0301e"],
    ["no", "1999-03-02T12:30:00.5Z", "1", "A9", "", "", "", " \u3000"],
    ["", "1999-03-02T12:30:00-05:00", "2", "A99 9AA", "", "", "", ""],
    ["e\u0301", "2/3-1999", "3", "AAA1 1AA", "", "", "", "1"],
    ["x", "02-03-1999", "4", "AA9A 9AA", "", "", "", "2"],
    ["y", "11.30.0001", "5", "AA99", "", "", "", "3"],
    ["z", "12/25/2010", "6", "AA9A", "", "", "", "4"],
]

NAMES = """\
version = 1
[project]
id = "vectors-names"
purpose = "Known answers: names"
parties = ["a"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data."
[[field]]
name = "name"
kind = "name"
missing = ["N/A", "Mr Not Known"]
[[encoding]]
name = "name"
length = 96
diffusion = 0
fields = { name = 31 }
[[match_key]]
name = "name"
fields = ["name"]
"""

NAME_LIST = """\
Muhammad|  li |Ng|O'Connor|O’Connor|O´Connor|O`Connor|Oʼconnor|O＇Connor|O Connor|o' connor|OCONNOR|D'Souza|D’ Souza
Mc Donald|MAC DONALD|McDonald|mac|O|o o|Mac O Mc|Mary O|Van der O Brien|Siobhán|Siobha\u0301n|Łukasik|ŁUKASIK|łukasik
Smith-Jones|Smith\u2011Jones|Smith–Jones|Smith Jones|Smith.Jones|Smith,Jones|Smith_Jones|Smith\u00a0Jones|Smith\tJones
Zoë|Strauß|STRAUẞ|STRAUSS|Ærøskøbing|Þór|Eiður|Ħal|Ŋ|Œuvre|đỗ|ĸ|Şükrü|İnönü|ıŞıK|Işıl|i\u0307|ſmith|Ĳsbrand|ĳ|ŉ|ǆ|ǅ|ǰ
Nguyễn Thị|NGUYÊ\u0303N|Trần|Đặng|Ｌｉ|Ｎｇ|Мария|Йосиф|Ёлка|Ґалина|Ελένη|ΆΪΰ|ς|ᾳ|שָׁלוֹם|مُحَمَّد|محمّد|李小龍|金|각|ア|ｱ|ﾊﾞ|バ|ハ゛
ﬁona|Ⅷ|①|½|㎏|ﷺ|ª|№|™|x²|¼|İ|K\u0327|ẛ̣|\u1e9b\u0323|\u0345α|ɤ|ƛ|🅰|Ⓩ|ꟓ|′x″|´|¨|\u200b|a\u200db|a\u00adb|\ufeffBom|a\x00b|_
Mr. Dr John|Master|MASTER MASTER|Prof. Sir|mrs. o neill|Rev'd Green|Dr. Mc|Lady Macbeth|Mac Mr|Mr not known|Not Known|n.a.|N A|na
Ó Súilleabháin|Ó|Ò|Mc\u2019Ghee|Ní Bhriain|Ap Rhys|d'Ëste|L'Île-d'Orléans|Jean–Luc|Anne-Marie  Sophie|José María|Çelik|Ñandú|Ḩasan|Ǩ
Ђорђе|Ǻ|Ǿ|Ɓ|ɓala|ɗan|ƙwara|ƴar|Əliyev|əliyev|ɛ|ɔ|ɣ|ɲ|Ʋ|ʋ|Ʉ|ʉ|Ɨ|ɨ|Ɖ|ɖ|ʻokina|ʾalif|ʿayn|ʹ|ʽ|Ƶ|ƶ|Ꞌ|ꞌ|’|--|\u0301""".replace("\n", "|")

TABLE = """\
version = 1
[project]
id = "vectors-table"
purpose = "Known answers: what becomes of code points"
parties = ["a"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data."
[[field]]
name = "text"
kind = "text"
[[encoding]]
name = "text"
length = 64
diffusion = 0
fields = { text = 16 }
[[match_key]]
name = "text"
fields = ["text"]
"""

EXAMPLE = """\
version = 1

[project]
id = "example"
purpose = "The worked example"
parties = ["school"]
expires = "9999-12-31"

[privacy]
accept_risk = "A worked example with a filter that fits on a page."

[[field]]
name = "name"
kind = "name"

[[field]]
name = "born"
kind = "date"

[[field]]
name = "postcode"
kind = "postcode"

[[encoding]]
name = "small"
length = 64
diffusion = 5
output = 24
fields = { name = 13, born = 10, postcode = 9 }

[[match_key]]
name = "person"
fields = ["name", "born"]
"""

EXAMPLE_PEOPLE = [["Miss Zoë O'Neill-Ng", "29/02/2004", "M60"]]


# Invented people, and invented lists with other sums: what counts is on which side of a cut a name falls.
FORENAMES = """\
name,count
Mary,500
mary,499
MARY,1
Zoë,100
Zoe,50
Anne-Marie,49
Jean,10
Łucja,0
Мария,5
"李小龍",3
"""
FORENAMES += f"everybody else,{200_000 - 1000 - 150 - 49 - 10 - 5 - 3}\n"

# 1,000 people. Windows line ends, a byte-order mark, quotation marks, an empty line, no line end at the last.
SURNAMES = "\ufeffname,count\r\nSmith,10\r\nSmith-Jones,1\r\nJones,2\r\n\"O'Neill\",3\r\n\r\n\"Mc Donald\",1\r\nNg,983"

RARITY = f"""\
version = 1
[project]
id = "vectors-rarity"
purpose = "Known answers: how rare names are"
parties = ["police", "schools"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data."
[[field]]
name = "forename"
kind = "name"
missing = ["UNKNOWN"]
[[field]]
name = "born"
kind = "date"
[[field]]
name = "surname"
kind = "name"
[[encoding]]
name = "all"
length = 128
diffusion = 0
fields = {{ forename = 20, surname = 20, born = 20 }}
[[rarity]]
field = "surname"
list_sha256 = "{hashlib.sha256(SURNAMES.encode()).hexdigest()}"
cuts = [1000, 200]
[[rarity]]
field = "forename"
list_sha256 = "{hashlib.sha256(FORENAMES.encode()).hexdigest()}"
cuts = [500, 75, 5]
"""

RARITY_PEOPLE = [
    ["Mary", "1990-01-01", "Smith"],
    ["Mrs Mary", "1990-01-02", "SMITH JONES"],
    ["ZOË", "1990-01-03", "Jones-Smith"],
    ["Anne Marie", "1990-01-04", "O Neill"],
    ["jean", "1990-01-05", "McDonald"],
    ["Mary Zoe", "1990-01-06", "Ng"],
    ["Mary-Jean", "1990-01-07", "Smith Featherstonehaugh"],
    ["Lucja", "1990-01-08", ""],
    ["мария", "1990-01-09", "--"],
    ["李小龍", "1990-01-10", "李"],
    ["Everybody Else", "", "ng ng"],
    ["Everybody", "1990-01-12", "Featherstonehaugh"],
    ["unknown", "1990-01-13", "Jones"],
    ["", "", "Dr"],
    ["Mary" + " Mary" * 30, "1990-01-15", "Smith" + " Jones" * 20],
]


HARDENED = """\
version = 1
[project]
id = "vectors-hardening-NAME"
purpose = "Known answers: hardenings beside diffusion"
parties = ["police"]
expires = "9999-12-31"
[privacy]
accept_risk = "Known answers hold nobody's data."
[[field]]
name = "forename"
kind = "name"
space = "names"
[[field]]
name = "surname"
kind = "name"
space = "names"
[[field]]
name = "born"
kind = "date"
tokens = "digits"
[[field]]
name = "town"
kind = "exact"
"""

HARDENED_PEOPLE = [
    ["Siobhán", "O'Connor", "2011-07-09", "Leeds"],
    ["SIOBHAN", "O Connor", "09/07/2011", "LEEDS"],
    ["Siobhan", "Connor", "2011-07-09", ""],
    ["Anna-Maria", "Smith-Jones", "", "York"],
    ["Мария", "Иванова", "1990-06-15", "Łódź"],
    ["Li", "Ng", "20000229", "York"],
    ["", "Ng", "2000-02-30", ""],
    ["Q", "", "2000-03-01", "a town that is longer than what a memo of values holds, " * 2],
    ["", "", "", ""],
]

NAMES_LIST = (
    "name,count\nSiobhan,120\nO'Connor,77\nAnna,3000\nSmith,9000\nJones,7000\nNg,55\nLi,44\nMaria,210\nQuinn,9\n"
    "Мария,12\nSmith Jones,3\nNobody,0\n"
)


def key_bytes(first):
    return bytes((first + i) % 256 for i in range(32))


def case(name, toml, people, first_key, seed, party, detail=False, lists=None, noise=None, names=()):
    schema = schema_from_toml(toml)
    key, seed = key_bytes(first_key), hashlib.sha256(seed.encode()).digest()
    records = [{"id": f"{name}/{i}", "values": values} for i, values in enumerate(people, 1)]
    noise = noise and key_bytes(noise)
    text, order = encode(schema, key, seed, party, records, TOOL, lists=lists, noise=noise, names=names)
    normal = [normal_forms(schema, record) for record in records] if detail else None
    return {
        "name": name,
        "toml": toml,
        "canonical": canonical(schema),
        "fingerprint": fingerprint(schema),
        "key": key.hex(),
        "key_check": key_check(schema, key),
        "seed": seed.hex(),
        "party": party,
        "records": records,
        "order": order,
        "cohort": text.splitlines(),
    } | ({"normal": normal} if detail else {}) | ({"lists": lists} if lists else {}) | (
        {"noise": noise.hex()} if noise else {}
    ) | ({"names": list(names)} if names else {})


def opt_out_case():
    found = case("opt_out", GUARDED.replace("vectors-guarded", "vectors-opt-out"), PEOPLE[:4], 9, "opt out", "schools")
    schema, key = schema_from_toml(found["toml"]), bytes.fromhex(found["key"])
    # The second stands in the first row under another spelling, and both share an NHS number.
    people = [{"id": "x", "values": PEOPLE[1]}, {"id": "y", "values": PEOPLE[3]}]
    entries = []
    for record in people:
        values = [read_value(field, text) for field, text in zip(schema["fields"], record["values"], strict=True)]
        entries += opt_out_entries(schema, key, values)
    listed = OptOutList(entries)
    seed = bytes.fromhex(found["seed"])
    text, order = encode(schema, key, seed, "schools", found["records"], TOOL, opt_out=listed)
    return found | {
        "opt_out": people,
        "opt_out_list": listed.file(schema, key).hex(),
        "order": order,
        "cohort": text.splitlines(),
    }


def table_codes():
    """All code points that Unicode 3.2 assigns, which every Python can tell, less those that are all alike; and the
    newer ones whose upper case is newer still."""
    alike = [(0x3400, 0x4DB5), (0x4E00, 0x9FA5), (0xAC00, 0xD7A3), (0x20000, 0x2A6D6)]
    for code in range(0x110000):
        kind = unicodedata.ucd_3_2_0.category(chr(code))
        if code in (0xA7D3, 0xA7D5, 0x10791):
            yield code
        elif kind not in ("Cn", "Cs", "Co") and not any(low < code < high for low, high in alike):
            yield code


def table():
    schema, key, seed = schema_from_toml(TABLE), key_bytes(77), hashlib.sha256(b"table").digest()
    codes = list(table_codes())
    ranges = []
    for code in codes:
        if ranges and ranges[-1][1] == code - 1:
            ranges[-1][1] = code
        else:
            ranges.append([code, code])
    records = [{"id": "%X" % code, "values": [f"A{chr(code)}B"]} for code in codes]
    text, _ = encode(schema, key, seed, "a", records, TOOL)
    blocks = {}
    for code, record in zip(codes, records, strict=True):
        values = [read_value(schema["fields"][0], record["values"][0])]
        value = match_key(schema, key, "matchkey", schema["match_keys"][0], values)
        blocks.setdefault("%X" % (code >> 8), hashlib.sha256()).update(value)
    return {
        "toml": TABLE,
        "key": key.hex(),
        "seed": seed.hex(),
        "party": "a",
        "before": "A",
        "after": "B",
        "code_points": len(codes),
        "ranges": ["%X-%X" % tuple(r) if r[0] != r[1] else "%X" % r[0] for r in ranges],
        "blocks": {block: hash_.hexdigest()[:8] for block, hash_ in blocks.items()},
        "sha256": json.loads(text)["manifest"]["sha256"],
    }


def primitives():
    """What is still as the proposal had it; compared with ../shared where that is."""
    key, project = key_bytes(0), "demo-2026-01"
    return {
        "project": project,
        "key": key.hex(),
        "subkeys": [
            {"purpose": p, "name": n, "subkey": subkey(key, project, p, n).hex()}
            for p, n in [("clk", "forename"), ("clk", "surname"), ("clk", "dob"), ("diffuse", "")]
        ],
        "positions": [
            {"name": "surname", "token": t, "m": m, "positions": positions(surname, t.encode(), 10, m)}
            for surname in [subkey(key, project, "clk", "surname")]
            for t in ("HU", "GH", "\x01H", "É ")
            for m in (1024, 1000, 512)
        ],
        "index_sets": [
            {"m": m, "n": n, "t": t, "first": [sorted(r) for r in rows[:4]], "last": sorted(rows[-1])}
            for m, n, t in ((1024, 1024, 10), (1024, 512, 10), (1000, 1000, 8), (512, 512, 12))
            for rows in [index_sets(subkey(key, project, "diffuse", ""), m, n, t)]
        ],
    }


def uk_person():
    with open(UK_PERSON, encoding="utf-8") as file:
        schema = schema_from_toml(file.read())
    return {
        "canonical": canonical(schema),
        "fingerprint": fingerprint(schema),
        "key": key_bytes(0).hex(),
        "key_check": key_check(schema, key_bytes(0)),
    }


def generate():
    names = [[name] for name in NAME_LIST.split("|")]
    vectors = {
        "about": "Known answers for docs/encoding.md, made by: python3 tests/vectors/reference.py generate",
        "tool": TOOL,
        "primitives": primitives(),
        "uk_person": uk_person(),
        "cases": [
            case("guarded", GUARDED, PEOPLE, 1, "guarded", "police", detail=True),
            case("field", FIELD, FIELD_PEOPLE, 2, "field", "b", detail=True),
            case("clk", CLK, [row[:3] for row in PEOPLE], 3, "clk", "a"),
            case("odd", ODD, ODD_PEOPLE, 4, "odd", "a"),
            case("kinds", KINDS, KINDS_PEOPLE, 5, "kinds", "social_care", detail=True),
            case("names", NAMES, names, 6, "names", "a", detail=True),
            case("no_rows", FIELD, [], 7, "no rows", "a"),
            case("no_rows_clk", CLK, [], 7, "no rows", "a"),
            case("example", EXAMPLE, EXAMPLE_PEOPLE, 0, "example", "school", detail=True),
            opt_out_case(),
        ],
        "table": table(),
    }
    return pretty(vectors) + "\n"


def generate_rarity():
    lists = {"forename": FORENAMES, "surname": SURNAMES}
    vectors = {
        "about": "Known answers for docs/encoding.md, section 7.4, made by: python3 tests/vectors/reference.py generate",
        "tool": TOOL,
        "cases": [
            case("rarity", RARITY, RARITY_PEOPLE, 11, "rarity", "police", detail=True, lists=lists),
            case("rarity_no_rows", RARITY, [], 12, "rarity no rows", "schools", lists=lists),
        ],
    }
    return pretty(vectors) + "\n"


def generate_hardening():
    def hardened(name, first_key, encodings, **more):
        toml = HARDENED.replace("NAME", name) + "".join(
            f'[[encoding]]\nname = "{e}"\n{lines}\n' for e, lines in encodings.items()
        )
        return case(f"hardening_{name}", toml, HARDENED_PEOPLE, first_key, f"hardening {name}", "police", **more)

    all_four = "fields = { forename = 60, surname = 60, born = 50, town = 10 }"
    plain = "diffusion = 0\n" + all_four
    sha256 = hashlib.sha256(NAMES_LIST.encode()).hexdigest()
    markov = f'markov = {{ extra = 3, list_sha256 = "{sha256}" }}'
    vectors = {
        "about": "Known answers for docs/encoding.md, section 6, made by: python3 tests/vectors/reference.py generate",
        "tool": TOOL,
        "cases": [
            hardened("steps", 21, {
                "folded": 'length = 500\nhardening = ["xor-fold"]\n' + plain,
                "folded_twice": 'length = 512\nhardening = ["xor-fold", "xor-fold"]\nmissing = "random"\n' + plain,
                "balanced": 'length = 333\nhardening = ["balance"]\n' + plain,
                "rule_90": 'length = 333\nhardening = ["rule-90"]\n' + plain,
                "resampled": 'length = 333\nhardening = ["resam"]\n' + plain,
                "all": 'length = 334\nhardening = ["resam", "xor-fold", "rule-90", "rule-90", "balance"]\n' + plain,
            }),
            hardened("noise", 22, {
                "plain": "length = 300\nrandomised_response = 0.1\n" + plain,
                "filled": 'length = 300\nrandomised_response = 0.05\nmissing = "random"\n' + plain,
                "balanced": 'length = 300\nrandomised_response = 0.2501\nhardening = ["balance"]\n' + plain,
            }, noise=99),
            hardened("salt", 23, {
                "date": 'length = 300\nsalt = "born"\n' + plain,
                "year": 'length = 300\nsalt = "born.year"\nmissing = "random"\n' + plain,
                "town": 'length = 512\ndiffusion = 8\noutput = 300\nsalt = "town"\n' + all_four,
            }),
            hardened("markov", 24, {
                "plain": f"length = 400\n{markov}\n" + plain,
                "diffused": f'length = 512\ndiffusion = 8\noutput = 300\nsalt = "born.year"\n{markov}\n' + all_four,
            }, names=[NAMES_LIST]),
        ],
    }
    return pretty(vectors) + "\n"


def pretty(value, indent=""):
    """JSON in which whatever fits stands on one line."""
    line = json.dumps(value)
    if len(indent) + len(line) <= 118 or not isinstance(value, (list, dict)):
        return line
    deeper = indent + " "
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {pretty(item, deeper)}" for key, item in value.items()]
    else:
        items = [pretty(item, deeper) for item in value]
    inner = (",\n" + deeper).join(items)
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    return f"{opening}\n{deeper}{inner}\n{indent}{closing}"


def example():
    toml = EXAMPLE
    schema, key, seed = schema_from_toml(toml), key_bytes(0), hashlib.sha256(b"example").digest()
    project = schema["project"]["id"]
    print(toml)
    print("key", key.hex())
    print("seed", seed.hex())
    print("canonical", canonical(schema))
    print("fingerprint", fingerprint(schema))
    print("key check value", key_check(schema, key))
    record = {"id": "1", "values": EXAMPLE_PEOPLE[0]}
    for form in normal_forms(schema, record):
        print(form)
    for purpose, name in [("rowid", "school"), ("clk", "small/name"), ("clk", "small/born"), ("clk", "small/postcode"),
                          ("fill", "small"), ("diffuse", "small"), ("matchkey", "person"), ("kcv", "")]:  # fmt: skip
        print("subkey", purpose, name, subkey(key, project, purpose, name).hex())
    print("row id", row_id(schema, key, "school", seed, 0).hex())
    encoding = Encoding(schema, schema["encodings"][0], key)
    values = [read_value(field, text) for field, text in zip(schema["fields"], record["values"], strict=True)]
    notes = []
    row = encoding.row(row_id(schema, key, "school", seed, 0), values, notes)
    for note in notes:
        for token, chosen in note.get("positions", {}).items():
            order = "" if token == "(random)" else "%016x" % encoding.token(note["field"], token)[0]
            print(note["field"], note["group"], note["budget"], repr(token), order, chosen)
        if "filter" in note:
            print("filter", note["filter"])
    for j, chosen in enumerate(encoding.index_sets):
        print("index set", j, chosen)
    message = b"".join(
        be32(len(text)) + text
        for field, value in zip(schema["fields"][:2], values)
        for text in (field["name"].encode(), value.whole.encode())
    )
    print("match key of", message.hex())
    print("output", to_bytes(row, 24).hex(), base64.b64encode(to_bytes(row, 24)).decode())
    print(encode(schema, key, seed, "school", [record], "pprl 0.1.0")[0])


def proposal(path):
    with open(path, encoding="utf-8") as file:
        theirs = json.load(file)
    mine = primitives()
    for subkey_ in mine["subkeys"]:
        theirs_hex = theirs["diffuse_key"] if subkey_["purpose"] == "diffuse" else theirs["subkeys"][subkey_["name"]]
        assert subkey_["subkey"] == theirs_hex, subkey_
    for entry, other in zip(mine["positions"], theirs["positions"], strict=True):
        assert (entry["token"], entry["m"], entry["positions"]) == (other["token"], other["m"], other["pos"]), entry
    for entry, other in zip(mine["index_sets"], theirs["sets"], strict=True):
        assert entry["first"] == other["first_rows"] and entry["last"] == other["last_row"], (entry["m"], entry["n"])
    print("subkeys, positions and index sets are the proposal's")


def run(path):
    with sys.stdin if path == "-" else open(path, encoding="utf-8") as file:
        task = json.load(file)
    schema = json.loads(task["schema"]) if isinstance(task["schema"], str) else task["schema"]
    key, seed, notes, opt_out = bytes.fromhex(task["key"]), bytes.fromhex(task["seed"]), [], None
    if "opt_out" in task:
        entries = []
        for record in task["opt_out"]:
            values = [read_value(field, text) for field, text in zip(schema["fields"], record["values"], strict=True)]
            entries += opt_out_entries(schema, key, values)
        opt_out = OptOutList(entries)
    text, order = encode(
        schema, key, seed, task["party"], task["records"], task.get("tool", TOOL), opt_out=opt_out, notes=notes,
        lists=task.get("lists"), noise=bytes.fromhex(task.get("noise", "")), names=task.get("names", ()),
    )
    out = {
        "canonical": canonical(schema),
        "fingerprint": fingerprint(schema),
        "key_check": key_check(schema, key),
        "cohort": text,
        "order": order,
        "normal": {record["id"]: normal_forms(schema, record) for record in task["records"]},
        "rows": notes,
    }
    json.dump(out, sys.stdout, ensure_ascii=False, indent=1)
    print()


def main(arguments):
    all_of_them = [
        (VECTORS, generate),
        (RARITY_VECTORS, generate_rarity),
        (HARDENING_VECTORS, generate_hardening),
    ]
    match arguments:
        case ["generate"]:
            for path, text in ((path, make()) for path, make in all_of_them):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
                print(f"{path}: {len(text)} bytes")
        case ["check"]:
            for path, text in ((path, make()) for path, make in all_of_them):
                with open(path, encoding="utf-8") as file:
                    if file.read() != text:
                        sys.exit(f"{os.path.basename(path)} is not what `generate` would write")
                print(f"{os.path.basename(path)} is what `generate` would write")
        case ["encode", path]:
            run(path)
        case ["example"]:
            example()
        case ["proposal", path]:
            proposal(path)
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
