"""Reads the coded frames of an MP4 file, as ISO/IEC 14496-12 describes it. Shares no code with what is tested."""

import hashlib
import struct


class Frame:
    """One coded frame. Times are whole ticks of its track; pts is after the edit list."""

    __slots__ = ("data", "pts", "dts", "duration", "key", "idr", "digest")

    def __init__(self, data, pts, dts, duration, key, idr):
        self.data, self.pts, self.dts, self.duration, self.key, self.idr = data, pts, dts, duration, key, idr
        self.digest = hashlib.md5(data).hexdigest()


class Track:
    """A track: its kind ("vide" or "soun"), ticks a second, sample entry (the child of stsd) and frames."""

    def __init__(self, kind, timescale, entry, frames):
        self.kind, self.timescale, self.entry, self.frames = kind, timescale, entry, frames


def boxes(buffer, start, end):
    """Gives (type, start of the body, end) of each box between two positions (14496-12, 4.2)."""
    at = start
    while at + 8 <= end:
        size, kind = struct.unpack_from(">I4s", buffer, at)
        body = at + 8
        if size == 1:
            size = struct.unpack_from(">Q", buffer, body)[0]
            body += 8
        elif size == 0:
            size = end - at
        if size < body - at or at + size > end:
            raise ValueError(f"box {kind} of {size} bytes at {at} does not fit")
        yield kind, body, at + size
        at += size


def find(buffer, start, end, *path):
    """Gives (start, end) of the body of the first box at a path, or None."""
    for kind, body, stop in boxes(buffer, start, end):
        if kind == path[0]:
            return (body, stop) if len(path) == 1 else find(buffer, body, stop, *path[1:])
    return None


def table(buffer, place, form):
    """Gives the rows of a full box that is a count and then rows of one form."""
    if place is None:
        return []
    count = struct.unpack_from(">I", buffer, place[0] + 4)[0]
    return list(struct.iter_unpack(form, buffer[place[0] + 8 : place[0] + 8 + count * struct.calcsize(form)]))


def sizes(buffer, place):
    """Reads stsz (8.7.3)."""
    one, count = struct.unpack_from(">II", buffer, place[0] + 4)
    if one:
        return [one] * count
    return list(struct.unpack_from(f">{count}I", buffer, place[0] + 12))


def positions(buffer, stbl, lengths):
    """Gives where each sample lies: stsc, and stco or co64 (8.7.4, 8.7.5)."""
    chunks = [c for (c,) in table(buffer, find(buffer, *stbl, b"stco"), ">I")]
    if not chunks:
        chunks = [c for (c,) in table(buffer, find(buffer, *stbl, b"co64"), ">Q")]
    runs = table(buffer, find(buffer, *stbl, b"stsc"), ">III")
    out, sample = [], 0
    for i, (first, per_chunk, _) in enumerate(runs):
        last = runs[i + 1][0] - 1 if i + 1 < len(runs) else len(chunks)
        for chunk in chunks[first - 1 : last]:
            for _ in range(per_chunk):
                out.append(chunk)
                chunk += lengths[sample]
                sample += 1
    return out


def expanded(rows):
    """Expands (count, value) rows."""
    return [value for count, value in rows for _ in range(count)]


def media_start(buffer, trak, timescale, movie_timescale):
    """Gives what a time in the media is moved by to be shown: empty edits before the first, less its media_time (8.6.6)."""
    place = find(buffer, *trak, b"edts", b"elst")
    if place is None:
        return 0
    wide = buffer[place[0]] == 1
    moved = 0
    for duration, media_time, _, _ in table(buffer, place, ">Qqhh" if wide else ">Iihh"):
        if media_time >= 0:
            return moved - media_time
        moved += duration * timescale // movie_timescale
    return moved


def is_idr(codec, data):
    """Tells whether a frame of length-prefixed NAL units has one of an instantaneous refresh (H.264 type 5; H.265 19, 20)."""
    at = 0
    while at + 5 <= len(data):
        length = struct.unpack_from(">I", data, at)[0]
        first = data[at + 4]
        if codec in (b"avc1", b"avc3"):
            if first & 0x1F == 5:
                return True
        elif first >> 1 & 0x3F in (19, 20):
            return True
        at += 4 + length
    return False


def read_track(buffer, trak, movie_timescale):
    """Reads one trak; None if it is neither video nor sound."""
    mdia = find(buffer, *trak, b"mdia")
    hdlr, mdhd = find(buffer, *mdia, b"hdlr"), find(buffer, *mdia, b"mdhd")
    kind = bytes(buffer[hdlr[0] + 8 : hdlr[0] + 12]).decode()
    if kind not in ("vide", "soun"):
        return None
    timescale = struct.unpack_from(">I", buffer, mdhd[0] + (20 if buffer[mdhd[0]] == 1 else 12))[0]
    stbl = find(buffer, *mdia, b"minf", b"stbl")
    stsd = find(buffer, *stbl, b"stsd")
    entry = bytes(buffer[stsd[0] + 8 : stsd[1]])
    lengths = sizes(buffer, find(buffer, *stbl, b"stsz"))
    durations = expanded(table(buffer, find(buffer, *stbl, b"stts"), ">II"))
    ctts = find(buffer, *stbl, b"ctts")
    offsets = expanded(table(buffer, ctts, ">Ii")) or [0] * len(lengths)
    stss = find(buffer, *stbl, b"stss")
    keys = {n - 1 for (n,) in table(buffer, stss, ">I")} if stss else range(len(lengths))
    moved = media_start(buffer, trak, timescale, movie_timescale)
    frames, dts = [], moved
    for i, at in enumerate(positions(buffer, stbl, lengths)):
        data = bytes(buffer[at : at + lengths[i]])
        idr = kind == "soun" or is_idr(entry[4:8], data)
        frames.append(Frame(data, dts + offsets[i], dts, durations[i], i in keys, idr))
        dts += durations[i]
    return Track(kind, timescale, entry, frames)


def read(path):
    """Reads the first video track of a file, and its first sound track or None."""
    with open(path, "rb") as file:
        buffer = memoryview(file.read())
    moov = find(buffer, 0, len(buffer), b"moov")
    mvhd = find(buffer, *moov, b"mvhd")
    movie_timescale = struct.unpack_from(">I", buffer, mvhd[0] + (20 if buffer[mvhd[0]] == 1 else 12))[0]
    found = {}
    for kind, body, end in boxes(buffer, *moov):
        if kind == b"trak":
            track = read_track(buffer, (body, end), movie_timescale)
            if track:
                found.setdefault(track.kind, track)
    return found["vide"], found.get("soun")
