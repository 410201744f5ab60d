#!/usr/bin/env python3
"""Counts the articles of Chinese statutes that `docent outline` finds at their address and place.

    eval/clauses.py DOCENT STATUTES.jsonl.gz

STATUTES holds one JSON object a line with `title` and `text` (Markdown). An article is gold where a line begins with
`第…条` and white space; where a statute has the same number twice, the first counts.
"""
import gzip
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time

ARTICLE = re.compile(r"^(第[一二三四五六七八九十百千零〇]+条(?:之[一二三四五六七八九十]+)?)[ \u3000]", re.M)


def main(docent: str, statutes: str) -> None:
    gold, seconds, found = {}, 0.0, set()
    with tempfile.TemporaryDirectory() as folder:
        for number, line in enumerate(gzip.open(statutes, "rt", encoding="utf-8")):
            file = pathlib.Path(folder) / f"{number}.md"
            text = json.loads(line)["text"]
            file.write_text(text, encoding="utf-8")
            first = {}
            for match in ARTICLE.finditer(text):
                first.setdefault(match.group(1), match.start())
            gold.update({(str(file), place): label for label, place in first.items()})
        files = sorted(str(file) for file in pathlib.Path(folder).iterdir())
        for start in range(0, len(files), 200):
            began = time.monotonic()
            run = subprocess.run([docent, "outline", *files[start : start + 200]], capture_output=True, check=True)
            seconds += time.monotonic() - began
            for line in run.stdout.decode().splitlines():
                clause = json.loads(line)
                found.add((clause["file"], clause["span"][0], clause["label"]))
    hit = sum((file, place, label) in found for (file, place), label in gold.items())
    print(f"{len(files)} statutes, {len(gold)} articles, {hit} found at their place ({hit / len(gold):.4%}), {seconds:.1f} s")


if __name__ == "__main__":
    main(*sys.argv[1:3])
