"""Damage to files, and changes by somebody who knows their format; the seed decides everything."""

from __future__ import annotations

import copy
import csv
import io
import json
import random
import struct
import zipfile
import zlib
from collections.abc import Callable
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 2**63 - 1, 2**64 - 1)
_WORDS = (
    "",
    "NaN",
    "-1",
    "1e999",
    "99999999999999999999",
    "0x10",
    "../../x",
    "/etc/passwd",
    "=1+1",
    "\x00",
    "\x1b[2J",
    "é",
    "[/red]",
)
_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**70, 1e308, -0.0, "", "x" * 5000, "../../x", "\x1b[2J", [], {}, [[]], [None], {"": None},
)  # fmt: skip


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Damage by chance: bits, bytes, parts lost, doubled, moved, overwritten, cut off."""
    data = bytearray(content)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        _once(data, rng)
    return bytes(data)


def _once(data: bytearray, rng: random.Random) -> None:
    # most of a format is decided at its ends
    place = rng.randrange(len(data) or 1)
    if rng.random() < 0.5:
        place = min(place, rng.randrange(512))
    elif rng.random() < 0.3:
        place = max(place, len(data) - 1 - rng.randrange(512))
    length = min(rng.choice((1, 2, 4, 8, 64, 1024)), max(1, len(data)))
    kind = rng.randrange(9)
    if kind <= 1 and data:
        data[place % len(data)] ^= 1 << rng.randrange(8)
    elif kind == 2:
        data[place : place + length] = rng.randbytes(length)
    elif kind == 3:
        del data[place:]
    elif kind == 4:
        del data[place : place + length]
    elif kind == 5:
        data[place:place] = data[place : place + length]
    elif kind == 6:
        data[place:place] = rng.randbytes(length)
    elif kind == 7:
        data[place : place + length] = bytes(length)
    else:
        size, order = rng.choice((1, 2, 4, 8)), rng.choice(("little", "big"))
        data[place : place + size] = (rng.choice(_NUMBERS) % 256**size).to_bytes(size, order)


def text_changed(content: bytes, rng: random.Random) -> bytes:
    """Change words, lines and numbers of a text."""
    lines = content.decode("utf-8", "surrogateescape").split("\n")
    for _ in range(rng.choice((1, 1, 2, 5))):
        place = rng.randrange(len(lines))
        words = lines[place].split(" ")
        word = rng.randrange(len(words))
        kind = rng.randrange(7)
        if kind == 0:
            words[word] = rng.choice(_WORDS)
        elif kind == 1:
            words[word] = str(rng.choice(_NUMBERS))
        elif kind == 2:
            words[word] = rng.choice("[{(\"'=") * rng.choice((1, 3, 5000))
        elif kind == 3:
            del words[word]
        elif kind == 4:
            lines.insert(place, rng.choice(lines))
        elif kind == 5:
            lines[place] = ""
            words = []
        else:
            words[word] = words[word][: rng.randrange(len(words[word]) + 1)]
        lines[min(place, len(lines) - 1)] = " ".join(words)
    return "\n".join(lines).encode("utf-8", "surrogateescape")


def json_changed(content: bytes, rng: random.Random) -> bytes:
    """Change values of a JSON document; it stays one, unless nested beyond reading."""
    document = json.loads(content)
    if rng.random() < 0.03:
        return b"[" * 100_000
    for _ in range(rng.choice((1, 1, 2, 4))):
        spots = list(_spots(document))
        if not spots:
            break
        holder, key = rng.choice(spots)
        old, kind = holder[key], rng.randrange(6)
        if kind == 0:
            del holder[key]
        elif kind == 1 and isinstance(old, int | float) and not isinstance(old, bool):
            holder[key] = rng.choice((-old, old * 1e6, old + 1, old / 7 + 0.5, int(old)))
        elif kind == 2 and isinstance(old, list):
            holder[key] = old[::-1] if rng.random() < 0.5 else old * 3
        elif kind == 3 and isinstance(holder, dict):
            holder[rng.choice(("extra", "format", "version"))] = copy.deepcopy(rng.choice(_VALUES))
        else:
            holder[key] = copy.deepcopy(rng.choice(_VALUES))
    text = json.dumps(document)
    return (text.replace("-0.0", rng.choice(("NaN", "Infinity", "1e999"))) if rng.random() < 0.3 else text).encode()


def rewritten(content: bytes, rng: random.Random) -> bytes:
    """Change values of a JSON document that has a hash of its content, and take the hash out."""
    document = json.loads(content)
    document.pop("seal", None)
    return json_changed(json.dumps(document).encode(), rng)


def _spots(value: Any) -> Any:
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from _spots(value[key])


def table_changed(content: bytes, rng: random.Random) -> bytes:
    """Change cells, rows and columns of a CSV table."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    for _ in range(rng.choice((1, 1, 3))):
        row = rng.randrange(len(rows))
        column = rng.randrange(len(rows[row]) or 1)
        kind = rng.randrange(7)
        if kind == 0 and rows[row]:
            rows[row][column] = rng.choice(_WORDS)
        elif kind == 1 and rows[row]:
            del rows[row][column]
        elif kind == 2:
            rows.insert(row, list(rng.choice(rows)))
        elif kind == 3:
            rows[row].append("more")
        elif kind == 4 and len(rows) > 1:
            del rows[row]
        elif kind == 5:
            rows = [[*cells[:column], *cells[column + 1 :]] for cells in rows]
        elif rows[row]:
            rows[row][column] = "9" * rng.choice((1, 30, 200_000))
    stream = io.StringIO()
    csv.writer(stream, delimiter=rng.choice(",,,;\t|")).writerows(rows)
    text = ("\ufeff" if rng.random() < 0.2 else "") + stream.getvalue()
    return text.encode(rng.choice(("utf-8", "utf-8", "utf-8", "utf-16", "latin-1")), "replace")


def npz_changed(content: bytes, rng: random.Random) -> bytes:
    """Change members of a NumPy archive and write them with good checksums."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(list(members))
    kind = rng.randrange(7)
    if kind == 0:
        del members[name]
    elif kind == 1:
        members[name] = damaged(members[name], rng)
    elif kind == 2:
        members[name] = members[rng.choice(list(members))]
    elif kind == 3:
        members["extra.npy"] = rng.randbytes(50)
    elif kind == 4:  # what the array's header says of it
        head = members[name][:128]
        old = rng.choice([letter for letter in head if chr(letter).isdigit()] or [0])
        members[name] = head.replace(bytes([old]), rng.choice((b"0", b"9", b"99999999", b"-"))) + members[name][128:]
    elif kind == 5:
        members[name] = b""
    elif name == "metadata.npy":  # text in UTF-32
        start = members[name].find(b"\n") + 1
        text = members[name][start:].decode("utf-32-le", "replace")
        try:
            text = json_changed(text.encode(), rng).decode()
        except (ValueError, RecursionError):
            text = "{"
        from numpy import array, save

        stream = io.BytesIO()
        save(stream, array(text))
        members[name] = stream.getvalue()
    stream = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA))
    with zipfile.ZipFile(stream, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return stream.getvalue()


def safetensors_changed(content: bytes, rng: random.Random) -> bytes:
    """Change the header of a safetensors file: names, types, shapes, places, metadata."""
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    if rng.random() < 0.5 and "sigkd" in header.get("__metadata__", {}):
        facts = json_changed(header["__metadata__"]["sigkd"].encode(), rng)
        header["__metadata__"]["sigkd"] = facts.decode()
        text = json.dumps(header).encode()
    else:
        text = json_changed(json.dumps(header).encode(), rng)
    return len(text).to_bytes(8, "little") + text + content[8 + length :]


def png_changed(content: bytes, rng: random.Random) -> bytes:
    """Change chunks of a PNG and write them with good checksums, the pixels' stream repacked."""
    chunks, place = [], 8
    while place + 8 <= len(content):
        (length,) = struct.unpack(">I", content[place : place + 4])
        chunks.append([content[place + 4 : place + 8], content[place + 8 : place + 8 + length]])
        place += 12 + length
    chosen = rng.randrange(len(chunks))
    kind = rng.randrange(6)
    if kind == 0:
        chunks.insert(chosen, list(rng.choice(chunks)))
    elif kind == 1:
        del chunks[chosen]
    elif kind == 2:
        chunks[0][1] = damaged(chunks[0][1], rng)
    elif kind == 3:
        more = rng.choice(
            (b"iTXt", b"zTXt", b"tEXt", b"pHYs", b"tRNS", b"PLTE", b"gAMA", b"iCCP", b"eXIf", b"acTL", b"cHRM", b"sBIT")
        )
        chunks.insert(min(1, chosen), [more, rng.randbytes(rng.choice((0, 1, 9, 300)))])
    elif kind == 4:
        data = b"".join(part for name, part in chunks if name == b"IDAT")
        try:
            raw = damaged(zlib.decompress(data), rng)
        except zlib.error:
            raw = rng.randbytes(1000)
        chunks = [one for one in chunks if one[0] != b"IDAT"]
        chunks.insert(len(chunks) - 1, [b"IDAT", zlib.compress(raw, 1)])
    else:
        chunks[chosen][1] = damaged(chunks[chosen][1] or b"x", rng)
    return content[:8] + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )


def sqlite_changed(content: bytes, rng: random.Random) -> bytes:
    """Change values in the tables of a SQLite file by SQL."""
    import sqlite3

    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.deserialize(content[:18] + b"\x01\x01" + content[20:])  # memory knows no write-ahead log
    triggers = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
    for name, _ in triggers:
        connection.execute(f'DROP TRIGGER "{name}"')
    tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    table = rng.choice([name for name in tables if not name.startswith("sqlite_")])
    columns = [row[1] for row in connection.execute(f'PRAGMA table_info("{table}")')]
    kept = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0].upper()
    key = columns[0] if "WITHOUT ROWID" in kept else "rowid"
    rows = [row[0] for row in connection.execute(f'SELECT "{key}" FROM "{table}"')] or [0]
    row, column, kind = rng.choice(rows), rng.choice(columns), rng.randrange(5)
    try:
        if kind == 0:
            connection.execute(f'DELETE FROM "{table}" WHERE "{key}" = ?', (row,))
        elif kind == 1:
            value = rng.choice((None, -1, 2**62, 1e300, "x", b"", b"\x00" * 100, "{" * 10_000))
            connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE "{key}" = ?', (value, row))
        elif kind == 2:
            (old,) = connection.execute(f'SELECT "{column}" FROM "{table}" WHERE "{key}" = ?', (row,)).fetchone() or (
                b"",
            )
            raw = old.encode() if isinstance(old, str) else old if isinstance(old, bytes) else repr(old).encode()
            new: bytes | str = damaged(raw, rng)
            if isinstance(old, str):
                new = new.decode("utf-8", "replace")  # type: ignore[union-attr]
            connection.execute(f'UPDATE "{table}" SET "{column}" = ? WHERE "{key}" = ?', (new, row))
        elif kind == 3:
            connection.execute(f'DROP TABLE "{table}"')
            if rng.random() < 0.5:
                endless = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"
                named = ", ".join(f'x AS "{one}"' for one in columns)
                connection.execute(f'CREATE VIEW "{table}" AS SELECT {named} FROM ({endless})')
        else:
            connection.execute(f"PRAGMA {rng.choice(('user_version', 'application_id'))} = {rng.choice((0, 1, 9999))}")
        for _, definition in triggers:
            connection.execute(definition)
    except sqlite3.Error:  # a constraint of the table: the value stays as it is
        pass
    changed = connection.serialize()
    connection.close()
    return changed
