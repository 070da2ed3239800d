"""Stores that come from elsewhere: sealed as a writer seals them, and wrong in one place."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import socket
import struct
import zipfile
from pathlib import Path

import numpy as np

from stepscape.lab.seal import seal
from stepscape.lab.spec import identity_of

DEEP = 100_000  # brackets


def manifests(home):
    return sorted(path for path in (home / "segments").glob("2*.json"))


def content_of(file):
    return json.loads(file.read_text())["content"]


def reseal(file, content):
    file.write_bytes(seal(content if isinstance(content, bytes) else json.dumps(content).encode()))


def of_spec(change):
    """Change the spec of the first run; its identity follows, as a careful forger would have it."""

    def spoil(home):
        file = manifests(home)[0]
        content = content_of(file)
        row = content["rows"][0]
        change(row["spec"])
        row["identity"] = identity_of(row["spec"])
        content["arrays"] = None
        reseal(file, content)

    return spoil


def of_row(**changes):
    return of_content(lambda content: content["rows"][0].update(changes))


def of_content(change):
    def spoil(home):
        file = manifests(home)[0]
        content = content_of(file)
        change(content)
        reseal(file, content)

    return spoil


def of_bytes(change, folder="segments"):
    """Change the JSON text inside the seal."""

    def spoil(home):
        file = sorted((home / folder).glob("*.json"))[0]
        text = json.dumps(content_of(file), separators=(",", ":")).encode()
        reseal(file, change(text))

    return spoil


def renamed(name, copy=True):
    """Put a segment under another name."""

    def spoil(home):
        file = manifests(home)[0]
        target = os.fsencode(file.parent) + b"/" + (name if isinstance(name, bytes) else os.fsencode(name))
        (shutil.copy if copy else os.rename)(os.fsencode(file), target)

    return spoil


def into(part, **changes):
    """Change a part of a spec."""
    return lambda spec: spec[part].update(changes)


def bare(content):
    row = content["rows"][0]
    row["spec"] = {"kind": "bare"}
    row["identity"] = identity_of(row["spec"])
    row["numbers"] = {}


def measured(content, value):
    for row in content["rows"]:
        row["numbers"] = dict.fromkeys(row["numbers"], value)


def in_place_of(pick, make):
    """Put something else in the place of a file."""

    def spoil(home):
        file = pick(home)
        if file.is_dir():
            shutil.rmtree(file)
        else:
            file.unlink()
        make(file)

    return spoil


def listen(path):
    here = os.getcwd()
    os.chdir(path.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


def enlarge(path):
    path.touch()
    os.truncate(path, 5 * 2**30)  # no block of it is written


def link_outside(path):
    """Link to a file outside the store that has the name and looks the same."""
    home = path.parent if path.name == "store.json" else path.parents[1]
    aside = home.parent / "outside"
    aside.mkdir(exist_ok=True)
    (aside / path.name).write_bytes(b"{}")
    path.symlink_to(aside / path.name)


def arrays_replaced(make):
    """Put another npz beside a manifest, with the size and checksum that the manifest names."""

    def spoil(home):
        file = manifests(home)[0]
        content = content_of(file)
        data = make(content["rows"][0]["identity"])
        file.with_suffix(".npz").write_bytes(data)
        content["arrays"] = {"size": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        reseal(file, content)

    return spoil


def archive(members, kind=zipfile.ZIP_STORED):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", kind) as file:
        for name, data in members:
            file.writestr(name, data)
    return stream.getvalue()


def npy(shape, data=b"", descr="<f8"):
    header = repr({"descr": descr, "fortran_order": False, "shape": shape}).encode() + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + data


def bomb(run, kind):
    content = io.BytesIO()
    np.save(content, np.zeros(5 * 2**17))  # 5 MiB, which is enough to see it coming
    return archive([(f"{run}/curve.npy", content.getvalue())], kind)


def overlapping(run):
    """An archive whose directory names one member a thousand times."""
    data = archive([(f"{run}/a.npy", npy((1000,), bytes(8000)))])
    start = data.index(b"PK\x01\x02")
    end = data.index(b"PK\x05\x06")
    entry = data[start:end]
    entries = b"".join(entry.replace(b"/a.npy", f"/{i:05d}"[:6].encode()) for i in range(1000))
    tail = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 1000, 1000, len(entries), start, 0)
    return data[:start] + entries + tail


def first(home):
    return manifests(home)[0]


def first_npz(home):
    return manifests(home)[0].with_suffix(".npz")


def plan(home):
    return sorted((home / "plans").glob("*.json"))[0]


def name(home):
    return home / "store.json"


def deep(text):
    return text.replace(b'"origin":{', b'"origin":{"deep":' + b"[" * DEEP + b"]" * DEEP + b",", 1)


def nested(levels):
    value = 0
    for _ in range(levels):
        value = [value]
    return value


PLACES = {"manifest": first, "npz": first_npz, "plan": plan, "store.json": name}
THINGS = {
    "pipe": os.mkfifo,
    "socket": listen,
    "directory": Path.mkdir,
    "link": link_outside,
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "looping link": lambda path: path.symlink_to(path.name),
    "device": lambda path: path.symlink_to("/dev/zero"),
    "huge": enlarge,
    "empty": Path.touch,
    "not UTF-8": lambda path: path.write_bytes(b"\xff\xfe\0" * 9),
}
IN_PLACE = {
    f"{thing} as {place}": in_place_of(pick, make)
    for place, pick in PLACES.items()
    for thing, make in THINGS.items()
}

MISNAMED = {
    "copy": renamed("copy of 20260101T000000000000Z-0123456789ab.json"),
    "foo": renamed("foo.json"),
    "foo alone": renamed("foo.json", copy=False),
    "second": renamed("20260101T000000000000Z-0123456789ab (1).json"),
    "conflict": renamed("20260101T000000000000Z-0123456789ab.sync-conflict-20260102.json"),
    "not UTF-8": renamed(b"caf\xe9.json"),
    "escape": renamed("\x1b]0;title\x07.json"),
    "upper case": renamed("20260101T000000000000Z-0123456789AB.json"),
    "no date": renamed("20260230T000000000000Z-0123456789ab.json"),
    "no time": renamed("20260201T990000000000Z-0123456789ab.json"),
    "far": renamed("99991231T235959999999Z-0123456789ab.json"),
    "before time": renamed("00010101T000000000000Z-0123456789ab.json"),
    "npz": lambda home: shutil.copy(first_npz(home), home / "segments" / "copy of it.npz"),
}

CONTENTS = {
    "spec without kind": of_spec(lambda spec: spec.pop("kind")),
    "kind null": of_spec(lambda spec: spec.update(kind=None)),
    "kind list": of_spec(lambda spec: spec.update(kind=["a"])),
    "identity of another": of_row(identity="0" * 32),
    "identity empty": of_row(identity=""),
    "identity escape": of_row(identity="\x1b[2J"),
    "identity twice": of_content(lambda content: content["rows"].append(content["rows"][0])),
    "spec changed": of_content(lambda content: content["rows"][0]["spec"].update(step_size=0)),
    "two leaves": of_spec(lambda spec: spec.update(deeper={"step_size": 1})),
    "column of its own": of_row(numbers={"identity": "x"}),
    "column of the spec": of_row(numbers={"step_size": 1}),
    "outcome": of_row(outcome="\x1b[31mfine"),
    "seconds": of_row(seconds=-1),
    "seconds text": of_row(seconds="long"),
    "deep numbers": of_row(numbers={"deep": nested(200)}),
    "deep spec": of_spec(lambda spec: spec.update(step_size=nested(200))),
    "deep origin": of_bytes(deep),
    "no rows": of_content(lambda content: content.pop("rows")),
    "rows null": of_content(lambda content: content.update(rows=None)),
    "a list": of_bytes(lambda _: b"[]"),
    "null": of_bytes(lambda _: b"null"),
    "nan": of_bytes(lambda text: text.replace(b'"seconds":', b'"seconds":NaN,"was":', 1)),
    "far number": of_bytes(lambda text: text.replace(b'"seconds":', b'"seconds":1e999,"was":', 1)),
    "key twice": of_bytes(lambda text: text.replace(b'"rows":', b'"rows":[],"rows":', 1)),
    "surrogate": of_row(reason="\ud800"),
    "size": of_content(lambda content: content["arrays"].update(size=10**30)),
    "size negative": of_content(lambda content: content["arrays"].update(size=-1)),
}

ARRAYS = {
    "compressed": arrays_replaced(lambda run: bomb(run, zipfile.ZIP_DEFLATED)),
    "lzma": arrays_replaced(lambda run: bomb(run, zipfile.ZIP_LZMA)),
    "bzip2": arrays_replaced(lambda run: bomb(run, zipfile.ZIP_BZIP2)),
    "overlap": arrays_replaced(overlapping),
    "shape": arrays_replaced(lambda run: archive([(f"{run}/a.npy", npy((10**9,), bytes(80)))])),
    "shape beyond": arrays_replaced(lambda run: archive([(f"{run}/a.npy", npy((10**30,), bytes(80)))])),
    "shape negative": arrays_replaced(lambda run: archive([(f"{run}/a.npy", npy((-1, -10), bytes(80)))])),
    "shape text": arrays_replaced(lambda run: archive([(f"{run}/a.npy", npy("10", bytes(80)))])),
    "objects": arrays_replaced(lambda run: archive([(f"{run}/a.npy", npy((10,), bytes(80), "|O"))])),
    "no dtype": arrays_replaced(lambda run: archive([(f"{run}/a.npy", npy((10,), bytes(80), "<q9"))])),
    "no array": arrays_replaced(lambda run: archive([(f"{run}/a.npy", b"text")])),
    "no member": arrays_replaced(lambda run: archive([(f"{run}/a.npy", b"")])),
    "no archive": arrays_replaced(lambda _: b"PK\x03\x04"),
}

PLANS = {
    "not hexadecimal": of_bytes(
        lambda text: text.replace(b'"identities":["', b'"identities":["\\u001b'), "plans"
    ),
    "another total": of_bytes(lambda text: text.replace(b'"total":', b'"total":-'), "plans"),
    "huge total": of_bytes(lambda text: text.replace(b'"total":', b'"total":%d' % 10**30), "plans"),
    "no date": of_bytes(lambda text: text.replace(b'"created":"2', b'"created":"then'), "plans"),
    "another name": of_bytes(lambda text: text.replace(b'"name":"', b'"name":"\\u001b'), "plans"),
    "title twice": of_bytes(lambda text: text.replace(b'"title":', b'"title":"a","title":'), "plans"),
    "a copy": lambda home: shutil.copy(plan(home), home / "plans" / "copy of it.json"),
    "deep plan": of_bytes(lambda text: text.replace(b'"notes":[', b'"notes":[' + b"[" * DEEP), "plans"),
    "null plan": of_bytes(lambda _: b"null", "plans"),
}
HOSTILE = {
    f"{what}: {case}": spoil
    for what, cases in {
        "place": IN_PLACE,
        "name": MISNAMED,
        "content": CONTENTS,
        "arrays": ARRAYS,
        "plan": PLANS,
    }.items()
    for case, spoil in cases.items()
}
# Runs as no sweep file describes them, in sound segments: whoever draws them has to leave something out.
STEP_SIZES = {
    "zero": 0, "negative": -0.1, "null": None, "text": "0.1", "list": [0.1, 0.2], "yes": True,
    "huge": 10**400, "far": 1e308, "near": 5e-324, "escape": "\x1b[31m", "table": {},
}  # fmt: skip
ODD = {
    **{f"step size {case}": of_spec(into("method", step_size=value)) for case, value in STEP_SIZES.items()},
    "no step size": of_spec(lambda spec: spec["method"].pop("step_size")),
    "seed text": of_spec(lambda spec: spec.update(seed="first")),
    "another kind": of_spec(lambda spec: spec.update(kind="elsewhere/3")),
    "nothing but a kind": of_content(lambda content: bare(content)),
    "measures of text": of_content(lambda content: measured(content, "\x1b[1mmuch")),
    "measures far": of_content(lambda content: measured(content, 1e308)),
    "measures huge": of_content(lambda content: measured(content, 10**400)),
    "measures yes": of_content(lambda content: measured(content, True)),
    "measures lists": of_content(lambda content: measured(content, [1, 2])),
    "seconds beyond": of_content(lambda content: [row.update(seconds=1.7e308) for row in content["rows"]]),
    "reason": of_row(outcome="failed", reason="\x1b]0;title\x07 why"),
}
# What is sound although it looks strange: nothing of it is damage.
HARMLESS = {
    "AppleDouble": lambda home: (home / "segments" / f"._{first(home).name}").write_bytes(b"\0\x05\x16\x07"),
    "AppleDouble of a plan": lambda home: (home / "plans" / f"._{plan(home).name}").write_bytes(b"\0"),
    "Finder": lambda home: (home / "segments" / ".DS_Store").write_bytes(b"\0"),
    "Explorer": lambda home: (home / "segments" / "Thumbs.db").write_bytes(b"\0"),
    "notes of its owner": lambda home: (home / "README.txt").write_text("mine"),
    "folder of its owner": lambda home: (home / "segments" / "old").mkdir(),
    "hidden pipe": lambda home: os.mkfifo(home / "segments" / ".pipe.json"),
}
