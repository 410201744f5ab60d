#!/usr/bin/env python3
"""Checks a receipt of Docent's audit log: verify_receipt.py FILE KEY, the key as `name+id+base64` from a source you trust.

Independent of Docent's code: only hashlib and `cryptography`. The formats are C2SP tlog-proof, tlog-checkpoint and
signed-note; the tree is that of RFC 6962. Exit code 0: it holds; 1: it does not.
"""
import hashlib
import sys
from base64 import b64decode

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def sha256(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def need(holds, why):  # not `assert`, which python3 -O leaves out
    if not holds:
        raise ValueError(why)


def verify(receipt, key):
    proof, note = receipt.split("\n\n", 1)
    header, extra, index, *path = proof.split("\n")
    shaped = header == "c2sp.org/tlog-proof@v1" and extra.startswith("extra ") and index.startswith("index ")
    need(shaped, "it is not a receipt with its record")
    leaf, index = b64decode(extra[6:], validate=True), int(index[6:])
    text, signatures = note.rsplit("\n\n", 1)
    origin, size, root = text.split("\n")[:3]
    name, _, encoded = key.split("+", 2)
    public = b64decode(encoded, validate=True)
    need(public[0] == 1 and origin == name, "the key is not that log's")
    key_id = sha256(name.encode(), b"\n", public)[:4]
    ours = [b64decode(line.split(" ")[2], validate=True) for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    ours = [signature[4:] for signature in ours if signature[:4] == key_id]
    need(ours, "the log's key has not signed it")
    for signature in ours:
        Ed25519PublicKey.from_public_bytes(public[1:]).verify(signature, f"{text}\n".encode())
    node, last, found = index, int(size) - 1, sha256(b"\0", leaf)  # RFC 9162, section 2.1.3.2
    need(0 <= node <= last, "no such record")
    for sibling in (b64decode(line, validate=True) for line in path):
        need(last > 0, "the proof is too long")
        right = node % 2 == 1 or node == last
        found = sha256(b"\1", sibling, found) if right else sha256(b"\1", found, sibling)
        while right and node % 2 == 0 and node > 0:
            node, last = node // 2, last // 2
        node, last = node // 2, last // 2
    need(last == 0 and found == b64decode(root, validate=True), "the record is not in the log at this position")
    return f"holds: record {index} of {size} in {origin}:\n{leaf.decode()}"


if __name__ == "__main__":
    try:
        print(verify(open(sys.argv[1], encoding="utf-8").read(), sys.argv[2]))
    except Exception as error:
        sys.exit(f"does not hold: {error or type(error).__name__}")
