"""Makes keyed.json: the keyed ids of docs/blocking.md, from that text alone, with the standard library. Python 3: keyed.py"""
import hashlib
import hmac
import json


def mac(key, message):
    return hmac.new(key, message, hashlib.sha256).digest()


def hkdf(secret, salt, info):
    return mac(mac(salt, secret), info + b"\x01")


def words(tag):
    return [int.from_bytes(tag[i:i + 8], "big") for i in range(0, 32, 8)]


def psig(key, strategy, signature):
    return mac(mac(key, b"p-sig %d" % strategy), signature.encode())[:16].hex()


def fold(key, text, tables, sampled, bits, hashes, state):
    bigrams = mac(key, b"lambda-fold bigrams")
    filled = set()
    for i in range(len(text) - 1):
        h1, h2, _, _ = words(mac(bigrams, text[i:i + 2].encode()))
        filled |= {(h1 % bits + j * (h2 % bits)) % bits for j in range(hashes)}
    stream = mac(key, b"lambda-fold sample")
    numbers = (n for c in range(10**6) for n in words(mac(stream, state.to_bytes(8, "big") + c.to_bytes(8, "big"))))
    whole = (2**64 - 1) // bits * bits
    ids = []
    for table in range(tables):
        positions = []
        while len(positions) < sampled:
            n = next(numbers)
            if n < whole and n % bits not in positions:
                positions.append(n % bits)
        text = "".join("1" if p in filled else "0" for p in positions)
        ids.append(mac(mac(key, b"lambda-fold id"), b"%d %s" % (table, text.encode()))[:16].hex())
    return ids


info = b"pprl/p1" + len(b"blocking").to_bytes(2, "big") + b"blocking" + (0).to_bytes(2, "big")
project = hkdf(bytes([1] * 32), hashlib.sha256(b"demo").digest(), info)
secret = hkdf(b"horse staple", bytes(32), b"pprl/blocking/1")
keys = {"project": project, "secret": secret}
people = [["Siân", "Ó Briain"], ["李", "明明"], ["Al", "Gore"]]
print(json.dumps({"about": "by keyed.py", "people": people, "keys": {
    name: {
        "check": mac(mac(key, b"check"), b"")[:8].hex(),
        "p-sig": [[psig(key, 0, b), psig(key, 1, f"{a}_{b}")] for a, b in people],
        "lambda-fold": [fold(key, a + b, 5, 7, 100, 6, 3) for a, b in people],
    } for name, key in keys.items()}}, indent=1))
