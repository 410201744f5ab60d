#!/usr/bin/env python3
"""Sends files that are broken, locked or out to do harm to a running Docent, and tells how each ended.

    eval/hostile.py gather OUT [FOLDER…]    fetches, makes and mutates files into OUT
    eval/hostile.py send OUT URL PID        sends them, needs DOCENT_KEY; PID is the service's process

`gather` takes the test files of source packages (Debian's qpdf, pypdf, python-docx and python-pptx from PyPI, pdf-parse
from npm), pinned by version and SHA-256, through apt-get, pip and npm as this machine has them set up; makes bombs; and
mutates, always in the same way, files of those packages and of each FOLDER.

`send` uploads every file to a collection of its own by the API, waits until each is found by its words or failed, and asks for the picture of
the first page of each PDF that can be read. It watches the service:
the same process from start to end, `/healthz` every second, and the most memory that a child which reads took. Columns
of the table it prints are in eval/README.md. It fails if a file has no end, or an end without a code.
"""
import collections
import concurrent.futures
import hashlib
import io
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
import zipfile
import zlib

# client, package, version, file, SHA-256
PACKAGES = [
    ("apt", "qpdf", "11.3.0-1+deb12u1", "qpdf_11.3.0.orig.tar.gz",
     "547cee67de77b5c4ef4917e57d2db9c848cfe3aa950361f68d36367a3a03936e"),
    ("pip", "pypdf", "7.1.1", "pypdf-7.1.1.tar.gz",
     "2eff4e2fc5fb22a6d6711e6f1166cdc9ab5765d90cd0d77dfea3f4aa91a27b1d"),
    ("pip", "python-docx", "1.2.0", "python_docx-1.2.0.tar.gz",
     "7bc9d7b7d8a69c9c02ca09216118c86552704edc23bac179283f2e38f86220ce"),
    ("pip", "python-pptx", "1.0.2", "python_pptx-1.0.2.tar.gz",
     "479a8af0eaf0f0d76b6f00b0887732874ad2e3188230315290cd1f9dd9cc7095"),
    ("npm", "pdf-parse", "1.1.1", "pdf-parse-1.1.1.tgz",
     "ebca13fce97da77fd529f570188aee0fa696d00aac335914cef87d62ac2ac1b1"),
]
WANTED = {".pdf", ".docx", ".pptx", ".xlsx", ".html", ".eml", ".md", ".txt"}
# Of each package and folder; and how often each is mutated.
MUTATED_FILES = 40
MUTATIONS = 3
MUTATED_BYTES = 500_000
SEED = 20261127
AT_ONCE = 4
FILE_SECONDS = 1800


def fetch(client: str, name: str, version: str, file: str, sha256: str, folder: pathlib.Path) -> pathlib.Path:
    path = folder / file
    if not path.exists():
        if client == "pip":
            command = ["pip", "download", "-q", "--no-deps", "--no-binary", ":all:", "-d", ".", f"{name}=={version}"]
        elif client == "npm":
            command = ["npm", "pack", "-s", f"{name}@{version}"]
        else:
            command = ["apt-get", "-q", *deb_src(folder), "source", "--download-only", f"{name}={version}"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    if found != sha256:
        sys.exit(f"{file}: its SHA-256 is {found}, not {sha256}")
    return path


def deb_src(folder: pathlib.Path) -> list:
    """Options with which apt-get knows the sources of the packages it knows, and changes nothing of the system's lists."""
    sources, lists = folder / "apt-sources", folder / "apt-lists"
    options = ["-o", "Dir::Etc::sourcelist=/dev/null", "-o", f"Dir::Etc::sourceparts={sources.resolve()}",
               "-o", f"Dir::State::lists={lists.resolve()}"]
    if not sources.exists():
        sources.mkdir()
        (lists / "partial").mkdir(parents=True)
        system = pathlib.Path("/etc/apt/sources.list.d/debian.sources").read_text()
        (sources / "source.sources").write_text(re.sub(r"(?m)^Types:.*$", "Types: deb-src", system))
        subprocess.run(["apt-get", "-q", *options, "update"], check=True, stdout=subprocess.DEVNULL)
    return options


def files_of(archive: pathlib.Path):
    """The documents in a source package."""
    with tarfile.open(archive) as tar:
        for entry in tar:
            if entry.isfile() and 0 < entry.size and pathlib.Path(entry.name).suffix.lower() in WANTED - {".md", ".txt", ".html"}:
                yield pathlib.PurePath(entry.name), tar.extractfile(entry).read()


def below(folder: pathlib.Path):
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix.lower() in WANTED:
            yield path.relative_to(folder), path.read_bytes()


def mutate(data: bytes, chance: random.Random) -> bytes:
    """One to six faults; those of a zip archive in a part of it, half of the time, past its checksums."""
    if data[:4] == b"PK\x03\x04" and chance.random() < 0.5:
        try:
            return mutate_part(data, chance)
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, zlib.error, ValueError, KeyError):
            pass
    data = bytearray(data)
    for _ in range(chance.randint(1, 6)):
        if not data:
            break
        at = chance.randrange(len(data))
        length = min(chance.choice([1, 4, 64, 1024]), len(data) - at)
        fault = chance.randrange(6)
        if fault == 0:
            data[at] ^= 1 << chance.randrange(8)
        elif fault == 1:
            data[at:at + length] = chance.randbytes(length)
        elif fault == 2:
            del data[at:at + length]
        elif fault == 3:
            data[at:at] = data[at:at + length]
        elif fault == 4:
            data[at:at + length] = bytes(length)
        elif chance.random() < 0.3:
            del data[at:]
    return bytes(data)


def mutate_part(data: bytes, chance: random.Random) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        names = [name for name in old.namelist() if name.endswith((".xml", ".rels"))]
        victim = chance.choice(names)
        for name in old.namelist():
            part = old.read(name)
            new.writestr(name, mutate(part, chance) if name == victim else part)
    return made.getvalue()


def pdf(objects: dict, version: str = "1.7") -> bytes:
    """A PDF of these objects; the first is the catalog."""
    data, offsets = bytearray(f"%PDF-{version}\n".encode()), {}
    for number, body in objects.items():
        offsets[number] = len(data)
        data += f"{number} 0 obj\n".encode() + body + b"\nendobj\n"
    start = len(data)
    data += f"xref\n0 {len(objects) + 1}\n0000000000 65535 f \n".encode()
    for number in sorted(objects):
        data += f"{offsets[number]:010} 00000 n \n".encode()
    data += f"trailer\n<</Size {len(objects) + 1}/Root 1 0 R>>\nstartxref\n{start}\n%%EOF".encode()
    return bytes(data)


def stream(entries: str, data: bytes) -> bytes:
    return f"<<{entries}/Length {len(data)}>>\nstream\n".encode() + data + b"\nendstream"


def page(content: int, more: str = "") -> bytes:
    return f"<</Type/Page/Parent 2 0 R/MediaBox[0 0 600 800]/Contents {content} 0 R{more}>>".encode()


def zeros(mebibytes: int, filler: bytes = b"\0") -> bytes:
    packer, block, packed = zlib.compressobj(9), filler * (1 << 20), bytearray()
    for _ in range(mebibytes):
        packed += packer.compress(block)
    return bytes(packed + packer.flush())


def zipped(parts: dict) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return made.getvalue()


def bombs():
    """Small files that ask for very much."""
    head = {1: b"<</Type/Catalog/Pages 2 0 R>>", 2: b"<</Type/Pages/Kids[3 0 R]/Count 1>>"}
    flate = stream("/Filter/FlateDecode", zeros(1024))
    yield "flate.pdf", pdf({**head, 3: page(4), 4: flate})
    twice = stream("/Filter[/FlateDecode/FlateDecode]", zlib.compress(zeros(1024), 9))
    yield "flate-twice.pdf", pdf({**head, 3: page(4), 4: twice})
    many = {**head, 3: page(4, "/Resources<</XObject<</X 5 0 R>>>>"), 4: stream("", b"q 600 0 0 800 0 0 cm /X Do Q")}
    image = "/Type/XObject/Subtype/Image/Width {w}/Height {h}/ColorSpace/DeviceRGB/BitsPerComponent 8/Filter/FlateDecode"
    yield "image-large.pdf", pdf({**many, 5: stream(image.format(w=40_000, h=40_000), zeros(64))})
    yield "image-huge.pdf", pdf({**many, 5: stream(image.format(w=2_000_000_000, h=2_000_000_000), zeros(1))})
    kids = {number: page(4) for number in range(5, 10_005)}
    tree = " ".join(f"{number} 0 R" for number in kids).encode()
    pages = {1: head[1], 2: b"<</Type/Pages/Kids[" + tree + b"]/Count 10000>>", 3: b"null", 4: stream("", b"")}
    yield "10000-pages.pdf", pdf({**pages, **kids})
    yield "tree-loop.pdf", pdf({1: head[1], 2: b"<</Type/Pages/Kids[2 0 R 3 0 R]/Count 2>>", 3: b"<</Type/Pages/Kids[2 0 R]/Count 1>>"})
    yield "nested-arrays.pdf", pdf({**head, 3: page(4), 4: stream("", b"[" * 500_000 + b"]" * 500_000), 5: b"[" * 200_000 + b"]" * 200_000})
    yield "form-loop.pdf", pdf({**head, 3: page(4, "/Resources<</XObject<</X 5 0 R>>>>"), 4: stream("", b"/X Do"),
                                5: stream("/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources<</XObject<</X 5 0 R>>>>", b"/X Do /X Do")})
    entities = "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10 if n else "lol" * 10}">' for n in range(12))
    yield "entities.docx", zipped({"word/document.xml": f'<!DOCTYPE d [{entities}]><w:document xmlns:w="w"><w:body><w:p><w:r><w:t>&e11;</w:t></w:r></w:p></w:body></w:document>'})
    yield "nested.docx", zipped({"word/document.xml": '<w:document xmlns:w="w"><w:body>' + "<w:tbl><w:tr><w:tc>" * 200_000})
    yield "spaces.xlsx", zipped({"xl/workbook.xml": '<workbook><sheets><sheet name="a" r:id="r1"/></sheets></workbook>',
                                 "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/s.xml"/></Relationships>',
                                 "xl/worksheets/s.xml": "<worksheet>" + " " * (600 << 20)})
    yield "sparse.xlsx", zipped({"xl/workbook.xml": '<workbook><sheets><sheet name="a" r:id="r1"/></sheets></workbook>',
                                 "xl/_rels/workbook.xml.rels": '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/s.xml"/></Relationships>',
                                 "xl/worksheets/s.xml": '<worksheet><sheetData><row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>2</v></c></row></sheetData></worksheet>'})
    yield "nested.html", b"<!doctype html>" + b"<div><b><table>" * 200_000
    yield "formatting.html", b"<!doctype html>" + b"".join(b"<a><b><i><p>x" for _ in range(100_000))
    yield "parts.eml", b"From: a@b.c\r\nTo: a@b.c\r\nSubject: x\r\nContent-Type: multipart/mixed; boundary=a\r\n\r\n" + \
        b"".join(b"--a\r\nContent-Type: multipart/mixed; boundary=a%d\r\n\r\n--a%d\r\n" % (n, n) for n in range(20_000))
    yield "quotes.md", b"# a\n\n# b\n\n" + b">" * 500_000 + b" x\n" + b"[" * 500_000
    yield "one-line.txt", "租金".encode() * 4_000_000
    yield "bomb.zip", zipped({"zeros.txt": b"\0" * (300 << 20), "good.txt": b"The rent is due on the first day of the month."})
    yield "slips.zip", zipped({"../../../etc/passwd": b"root is nobody here", "/absolute.txt": b"neither is this a path",
                               "inner.zip": zipped({"a.txt": b"a"})})


def gather(out: pathlib.Path, folders: list) -> None:
    cache = out.parent / (out.name + "-packages")
    cache.mkdir(parents=True, exist_ok=True)
    out.mkdir(parents=True)
    sources = []
    for client, name, version, file, sha256 in PACKAGES:
        sources.append((name, list(files_of(fetch(client, name, version, file, sha256, cache)))))
    sources += [(folder.name, list(below(folder))) for folder in folders]
    counts, known = collections.Counter(), set()

    def keep(kind: str, name: str, data: bytes) -> None:
        digest = hashlib.sha256(data).hexdigest()
        if digest not in known:
            known.add(digest)
            counts[kind] += 1
            folder = out / kind
            folder.mkdir(exist_ok=True)
            (folder / f"{counts[kind]:04}-{re.sub(r'[^A-Za-z0-9._-]', '_', name)[-80:]}").write_bytes(data)

    for kind, files in sources:
        for path, data in files:
            keep(kind, path.name, data)
    for name, data in bombs():
        keep("bombs", name, data)
    for kind, files in sources:
        small = [(path, data) for path, data in files if len(data) <= MUTATED_BYTES]
        chance = random.Random(f"{SEED} {kind}")
        for path, data in chance.sample(small, min(MUTATED_FILES, len(small))):
            for number in range(MUTATIONS):
                keep(f"mutated-{kind}", f"{number}-{path.name}", mutate(data, chance))
    for kind, count in counts.items():
        print(f"{count:5} {kind}")
    print(f"{sum(counts.values()):5} files in {out}")


class Service:
    def __init__(self, url: str):
        self.url, self.key = url.rstrip("/"), os.environ["DOCENT_KEY"]

    def call(self, method: str, path: str, body: bytes = None, kind: str = "application/json"):
        """Status and body; patient with a service that is busy."""
        for attempt in range(60):
            request = urllib.request.Request(self.url + path, data=body, method=method)
            request.add_header("Authorization", f"Bearer {self.key}")
            if body is not None:
                request.add_header("Content-Type", kind)
            try:
                with urllib.request.urlopen(request, timeout=300) as answer:
                    return answer.status, json.load(answer)
            except urllib.error.HTTPError as error:
                problem = json.loads(error.read() or b"{}")
                if error.code not in (429, 503):
                    return error.code, problem
                time.sleep(min(int(error.headers.get("Retry-After", 1)), 30))
            except urllib.error.URLError as error:
                # Refused before the whole file was sent: the answer may be lost with the connection.
                if not isinstance(error.reason, (BrokenPipeError, ConnectionResetError)):
                    raise
                time.sleep(2)
        sys.exit(f"{path}: the service stayed busy")

    def upload(self, collection: str, path: pathlib.Path):
        boundary = uuid.uuid4().hex
        head = f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{path.name}"\r\n\r\n'
        body = head.encode() + path.read_bytes() + f"\r\n--{boundary}--\r\n".encode()
        return self.call("POST", f"/api/v1/collections/{collection}/documents", body, f"multipart/form-data; boundary={boundary}")


    def painted(self, document: str):
        """Whether the first page can be seen; where it cannot, why."""
        for _ in range(60):
            request = urllib.request.Request(f"{self.url}/api/v1/documents/{document}/pages/1/image?scale=1")
            request.add_header("Authorization", f"Bearer {self.key}")
            try:
                with urllib.request.urlopen(request, timeout=300) as answer:
                    return ("painted" if answer.read(8) == b"\x89PNG\r\n\x1a\n" else "not painted", "no PNG")
            except urllib.error.HTTPError as error:
                problem = json.loads(error.read() or b"{}")
                if error.code not in (429, 503):
                    return ("not painted", problem.get("code"))
                time.sleep(min(int(error.headers.get("Retry-After", 1)), 30))
        return ("not painted", None)


class Watch(threading.Thread):
    """Watches the process, its health and the memory of its children that read."""

    def __init__(self, service: Service, pid: int):
        super().__init__(daemon=True)
        self.service, self.pid, self.over = service, pid, threading.Event()
        self.born, self.peak_kib, self.checks, self.faults = self.birth(), 0, 0, []

    def birth(self):
        return pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()[19]

    def run(self):
        asked = 0.0
        while not self.over.is_set():
            if time.monotonic() - asked >= 1:
                asked = time.monotonic()
                self.check()
            self.look()
            time.sleep(0.02)

    def check(self):
        self.checks += 1
        try:
            if self.birth() != self.born:
                self.faults.append("another process")
            with urllib.request.urlopen(self.service.url + "/healthz", timeout=10) as answer:
                json.load(answer)
        except (OSError, ValueError) as error:
            self.faults.append(str(error))

    def look(self):
        try:
            children = pathlib.Path(f"/proc/{self.pid}/task").glob("*/children")
            for child in {child for children in children for child in children.read_text().split()}:
                if b"\0read\0--limits\0" in pathlib.Path(f"/proc/{child}/cmdline").read_bytes():
                    status = pathlib.Path(f"/proc/{child}/status").read_text()
                    peak = re.search(r"VmHWM:\s+(\d+)", status)
                    self.peak_kib = max(self.peak_kib, int(peak[1]) if peak else 0)
        except OSError:
            pass  # it ended meanwhile


def ends(service: Service, collection: str, path: pathlib.Path):
    """How each document that came of a file ended, and after how long: (outcome, code) pairs."""
    began = time.monotonic()
    status, answer = service.upload(collection, path)
    if status != 202:
        return [("refused", answer.get("code"))], time.monotonic() - began
    found = [("refused", problem.get("code")) for problem in answer.get("errors", [])]
    for taken in answer["data"]:
        while True:
            _, document = service.call("GET", f"/api/v1/documents/{taken['document_id']}")
            # What is read and found by its words has met all that a file can do; its vectors are a matter of time.
            if document["searchable"] != "no":
                document = {"status": "found"}
            if document["status"] not in ("queued", "processing"):
                break
            if time.monotonic() - began > FILE_SECONDS:
                document = {"status": "no end"}
                break
            time.sleep(0.25)
        found.append((document["status"], (document.get("error") or {}).get("code")))
        if document["status"] == "found" and path.suffix.lower() == ".pdf":
            found.append(service.painted(taken["document_id"]))
    return found, time.monotonic() - began


def send(out: pathlib.Path, url: str, pid: int) -> None:
    service = Service(url)
    name = f"hostile {time.strftime('%Y-%m-%d %H:%M:%S')}"
    status, made = service.call("POST", "/api/v1/collections", json.dumps({"name": name}).encode())
    if status != 201:
        sys.exit(f"no collection: {made}")
    files = sorted(path for path in out.rglob("*") if path.is_file())
    random.Random(SEED).shuffle(files)
    watch, began = Watch(service, pid), time.monotonic()
    watch.start()
    by_kind, longest, silent = collections.defaultdict(collections.Counter), [], []
    codes, unpainted = collections.Counter(), collections.Counter()
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool, (out.parent / (out.name + ".jsonl")).open("w") as log:
        for path, (found, seconds) in zip(files, pool.map(lambda path: ends(service, made["id"], path), files)):
            print(json.dumps({"file": str(path.relative_to(out)), "ends": found, "seconds": round(seconds, 2)}), file=log, flush=True)
            longest.append((seconds, path))
            for outcome, code in found:
                by_kind[path.parent.name][outcome] += 1
                if outcome in ("failed", "refused"):
                    codes[code] += 1
                if outcome == "not painted":
                    unpainted[code] += 1
                if outcome == "no end" or (outcome in ("failed", "refused", "not painted") and not code):
                    silent.append(path)
    watch.over.set()
    watch.join()
    outcomes = ["found", "failed", "refused", "painted", "not painted"]
    print("| files | " + " | ".join(outcomes) + " |\n|---|" + "---|" * len(outcomes))
    for kind, counts in sorted(by_kind.items()):
        print(f"| {kind} | " + " | ".join(str(counts[outcome]) for outcome in outcomes) + " |")
    total = sum(by_kind.values(), collections.Counter())
    print("| all | " + " | ".join(str(total[outcome]) for outcome in outcomes) + " |\n")
    print("codes: " + ", ".join(f"{code} {count}" for code, count in codes.most_common()))
    print("not painted: " + ", ".join(f"{code} {count}" for code, count in unpainted.most_common()))
    print(f"{len(files)} files in {time.monotonic() - began:.0f} s; the longest waited {max(longest)[0]:.0f} s ({max(longest)[1].name})")
    print(f"most memory of a child: {watch.peak_kib / 1024:.0f} MiB; {watch.checks} looks at the service, {len(watch.faults)} faults")
    if silent or watch.faults:
        sys.exit(f"without an end or a code: {[str(path) for path in silent]}; the service: {watch.faults[:5]}")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["gather", out, *folders]:
            gather(pathlib.Path(out), [pathlib.Path(folder) for folder in folders])
        case ["send", out, url, pid]:
            send(pathlib.Path(out), url, int(pid))
        case _:
            sys.exit(__doc__)
