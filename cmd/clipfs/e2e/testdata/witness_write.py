"""Writes the payload of a GetClip call: a traditional MP4 as ISO/IEC 14496-12 describes it, usual or odd.

The switches of a stream's spec: "layout": "first" (moov), "last" or "chunked" (moov first, no Content-Length: witness.py);
"timescale" of the pictures; "stss": "keys" or "idr"; "odd": "" or one of
two-edits   the edit of the pictures in two that meet
signed      composition offsets below zero (ctts version 1) and no edit for them
mdats       a box of media for each fragment
size0       the size of mdat left open, to the end of the file
large       64-bit sizes and positions
mvex        a moov that announces movie fragments, which do not follow
tracks      a second track of sound, or of pictures where there is no sound
entry       pasp, colr and compressor name that differ from payload to payload
free        boxes that mean nothing between the others, and in the tables
twice       the first picture twice, before its time
sound-before, sound-after   a frame of sound of the neighbouring fragment
"""

import struct
import time

# Seconds from 1904, from which the times of a movie are counted, to 1970.
EPOCH_1904 = 2082844800
MATRIX = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)


def box(kind, *parts):
    """Gives a box (4.2)."""
    body = b"".join(parts)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def full(kind, version, flags, *parts):
    """Gives a full box."""
    return box(kind, struct.pack(">I", version << 24 | flags), *parts)


def runs(values):
    """Gives (count, value) of equal values in a row."""
    out = []
    for v in values:
        if out and out[-1][1] == v:
            out[-1][0] += 1
        else:
            out.append([1, v])
    return out


class Sample:
    """A frame in a payload; times are ticks of the payload's track."""

    def __init__(self, frame, pts, dts, end):
        self.frame, self.pts, self.dts, self.end = frame, pts, dts, end


class Share:
    """A track of a payload: its samples in chunks, one for each fragment that has any."""

    def __init__(self, kind, timescale, entry, source_timescale):
        self.kind, self.timescale, self.entry, self.source_timescale = kind, timescale, entry, source_timescale
        self.chunks, self.positions = [], []

    def scaled(self, ticks, shift):
        """Gives ticks of the source, moved by milliseconds, in ticks of the payload."""
        n, d = (ticks * 1000 + shift * self.source_timescale) * self.timescale, self.source_timescale * 1000
        return (2 * n + d) // (2 * d)

    def add(self, frames, shift):
        """Adds a chunk."""
        chunk = [
            Sample(f, self.scaled(f.pts, shift), self.scaled(f.dts, shift), self.scaled(f.dts + f.duration, shift)) for f in frames
        ]
        if chunk:
            self.chunks.append(chunk)

    def samples(self):
        return [s for chunk in self.chunks for s in chunk]

    def begins(self):
        """Gives when the earliest of it is shown, as a fraction."""
        return min(s.pts for s in self.samples()), self.timescale


class Payload:
    """The payload of some fragments."""

    def __init__(self, stream, fragments):
        self.stream, self.fragments, self.odd = stream, fragments, stream.odd
        spec = stream.spec
        self.layout, self.stss = spec.get("layout", "first"), spec.get("stss", "keys")
        self.video = Share("vide", spec.get("timescale", 1000), stream.video.entry, stream.video.timescale)
        self.shares = [self.video]
        for f in fragments:
            self.video.add(f.video, f.shift)
        if self.odd == "twice":
            self.repeat_first()
        if stream.sound and any(f.sound for f in fragments):
            self.shares.append(self.sound())
        if self.odd == "tracks":
            self.shares.append(self.extra())

    def sound(self):
        """Gives the sound, with what odd payloads have of their neighbours'."""
        sound = Share("soun", self.stream.sound.timescale, self.stream.sound.entry, self.stream.sound.timescale)
        all_fragments, first, last = self.stream.fragments, self.fragments[0].index, self.fragments[-1].index
        if self.odd == "sound-before" and first > 0:
            before = all_fragments[first - 1]
            sound.add(before.sound[-1:], before.shift)
        for f in self.fragments:
            sound.add(f.sound, f.shift)
        if self.odd == "sound-after" and last + 1 < len(all_fragments):
            after = all_fragments[last + 1]
            sound.add(after.sound[:1], after.shift)
        return sound

    def repeat_first(self):
        """Puts the first picture before itself once more."""
        first = self.video.chunks[0][0]
        length = first.end - first.dts
        self.video.chunks[0].insert(0, Sample(first.frame, first.pts - length, first.dts - length, first.dts))

    def extra(self):
        """Gives a second track of sound or of pictures: the first chunk of the last track again."""
        last = self.shares[-1]
        extra = Share(last.kind, last.timescale, last.entry, last.source_timescale)
        extra.chunks = [last.chunks[0]]
        return extra

    def bytes(self):
        """Gives the whole payload."""
        ftyp = box(b"ftyp", b"isom", struct.pack(">I", 512), b"isomiso2avc1mp41")
        if self.odd == "free":
            ftyp += box(b"free", b"x" * 17) + box(b"uuid", bytes(range(16)), b"nothing")
        if self.layout == "last":
            media = self.media(len(ftyp))
            return b"".join([ftyp, *media, self.moov()])
        size = 0
        for share in self.shares:
            share.positions = [0] * len(share.chunks)
        size = len(self.moov())  # positions are as wide whatever they are
        media = self.media(len(ftyp) + size)
        return b"".join([ftyp, self.moov(), *media])

    def media(self, at):
        """Gives the boxes of media that stand at a position, and notes where each chunk lies."""
        for share in self.shares:
            share.positions = []
        most = max(len(share.chunks) for share in self.shares)
        groups = [[(share, i) for share in self.shares if i < len(share.chunks)] for i in range(most)]
        if self.odd != "mdats":
            groups = [[pair for group in groups for pair in group]]
        out = []
        for group in groups:
            bodies = [b"".join(s.frame.data for s in share.chunks[i]) for share, i in group]
            length = sum(map(len, bodies))
            if self.odd == "large":
                head = struct.pack(">I4sQ", 1, b"mdat", length + 16)
            elif self.odd == "size0" and self.layout != "last":
                head = struct.pack(">I4s", 0, b"mdat")
            else:
                head = struct.pack(">I4s", length + 8, b"mdat")
            at += len(head)
            for (share, _), body in zip(group, bodies):
                share.positions.append(at)
                at += len(body)
            out += [head, *bodies]
        return out

    def moov(self):
        now = int(time.time()) + EPOCH_1904
        parts = [trak(self, share, i + 1, now) for i, share in enumerate(self.shares)]
        length = max(presentation(self, share)[3] for share in self.shares)
        mvhd = full(b"mvhd", 0, 0, struct.pack(">IIIIIHH8x", now, now, 1000, length, 0x10000, 0x100, 0),
                    MATRIX, bytes(24), struct.pack(">I", len(self.shares) + 1))  # fmt: skip
        if self.odd == "mvex":
            parts.append(box(b"mvex", *(full(b"trex", 0, 0, struct.pack(">5I", i + 1, 1, 0, 0, 0)) for i in range(len(self.shares)))))
        if self.odd == "free":
            parts.append(box(b"udta", box(b"free", b"note")))
        return box(b"moov", mvhd, *parts)


def milliseconds(ticks, timescale):
    """Rounds ticks to milliseconds, as frames are stored."""
    return (2000 * ticks + timescale) // (2 * timescale)


def leading(share):
    """Tells whether pictures that are shown before the first follow it: an open group of pictures begins the payload."""
    samples = share.samples()
    return share.begins()[0] < samples[0].pts


def zero_of(payload):
    """Gives the millisecond that a payload's time begins with: its earliest frame's, or, where an edit would have to begin
    with a picture before the first key frame's, which no player can, the decoding of the first picture."""
    zero = min(milliseconds(*share.begins()) for share in payload.shares)
    if leading(payload.video):
        first = payload.video.samples()[0]
        zero = min(zero, first.dts * 1000 // payload.video.timescale)
    return zero


def presentation(payload, share):
    """Gives for a track how long nothing is shown first, in milliseconds, which media time is shown then, by how many ticks
    composition offsets are larger than they need be, and when it ends, in milliseconds.

    All pictures are shown, the last as long as it lasts: the milliseconds are rounded up.
    """
    samples, zero, ticks = share.samples(), zero_of(payload), share.timescale
    begin = share.begins()[0]
    end = -(-max(s.pts + s.end - s.dts for s in samples) * 1000 // ticks) - zero
    if share.kind == "vide" and leading(share):
        return 0, 0, samples[0].dts - (2 * zero * ticks + 1000) // 2000, end
    if payload.odd == "signed" and share.kind == "vide":
        return milliseconds(begin, ticks) - zero, 0, samples[0].dts - begin, end
    return milliseconds(begin, ticks) - zero, begin - samples[0].dts, 0, end


def middle(share):
    """Gives a whole number of milliseconds into the pictures at which a key frame is shown, as near to their middle as can
    be: players decode from the key frame before an edit, so two that meet elsewhere are not the same as one. 0: none."""
    samples, begin = share.samples(), share.begins()[0]
    keys = [(s.pts - begin) * 1000 for s in samples[1:] if s.frame.key]
    whole = [k // share.timescale for k in keys if k % share.timescale == 0]
    return whole[len(whole) // 2] if whole else 0


def edts(payload, share):
    """Gives the edit list of a track, nothing if it needs none (8.6.6)."""
    empty, media_time, _, end = presentation(payload, share)
    rows = []
    if empty:
        rows.append((empty, -1))
    whole = end - empty
    if payload.odd == "two-edits" and share.kind == "vide" and not leading(share) and (at := middle(share)):
        rows += [(at, media_time), (whole - at, media_time + at * share.timescale // 1000)]
    elif media_time or rows:
        rows.append((whole, media_time))
    if not rows:
        return b""
    return box(b"edts", full(b"elst", 0, 0, struct.pack(">I", len(rows)), *(struct.pack(">Iihh", d, m, 1, 0) for d, m in rows)))


def trak(payload, share, number, now):
    """Gives a trak (8.3)."""
    sound = share.kind == "soun"
    samples = share.samples()
    width, height = (0, 0) if sound else struct.unpack_from(">HH", share.entry, 32)
    end = presentation(payload, share)[3]
    tkhd = full(b"tkhd", 0, 3, struct.pack(">IIIII8xHHHH", now, now, number, 0, end, 0, int(sound), 0x100 * sound, 0),
                MATRIX, struct.pack(">II", width << 16, height << 16))  # fmt: skip
    lasts = samples[-1].end - samples[0].dts
    mdhd = full(b"mdhd", 0, 0, struct.pack(">IIIIHH", now, now, share.timescale, lasts, 0x55C4, 0))
    name = b"USP Sound Handler\0" if sound else b"USP Video Handler\0"
    hdlr = full(b"hdlr", 0, 0, bytes(4), share.kind.encode(), bytes(12), name)
    about = full(b"smhd", 0, 0, bytes(4)) if sound else full(b"vmhd", 0, 1, bytes(8))
    dinf = box(b"dinf", full(b"dref", 0, 0, struct.pack(">I", 1), full(b"url ", 0, 1)))
    return box(b"trak", tkhd, edts(payload, share),
               box(b"mdia", mdhd, hdlr, box(b"minf", about, dinf, stbl(payload, share))))  # fmt: skip


def stbl(payload, share):
    """Gives the tables of samples (8.5, 8.6, 8.7)."""
    samples = share.samples()
    ends = [s.dts for s in samples[1:]] + [samples[-1].end]
    durations = [max(0, end - s.dts) for s, end in zip(samples, ends)]
    parts = [full(b"stsd", 0, 0, struct.pack(">I", 1), entry(payload, share))]
    rows = runs(durations)
    parts.append(full(b"stts", 0, 0, struct.pack(">I", len(rows)), *(struct.pack(">II", *r) for r in rows)))
    if share.kind == "vide":
        parts += offsets(payload, share, samples) + syncs(payload, samples)
    parts.append(full(b"stsz", 0, 0, struct.pack(">II", 0, len(samples)), *(struct.pack(">I", len(s.frame.data)) for s in samples)))
    counts = [(i + 1, len(chunk)) for i, chunk in enumerate(share.chunks)]
    counts = [c for i, c in enumerate(counts) if i == 0 or counts[i - 1][1] != c[1]]
    parts.append(full(b"stsc", 0, 0, struct.pack(">I", len(counts)), *(struct.pack(">III", f, n, 1) for f, n in counts)))
    kind, form = (b"co64", ">Q") if payload.odd == "large" else (b"stco", ">I")
    parts.append(full(kind, 0, 0, struct.pack(">I", len(share.positions)), *(struct.pack(form, p) for p in share.positions)))
    if payload.odd == "free":
        parts.insert(1, box(b"free", b"between tables"))
    return box(b"stbl", *parts)


def offsets(payload, share, samples):
    """Gives ctts if any picture is shown later than it is decoded (8.6.1.3)."""
    moved = presentation(payload, share)[2]
    values = [s.pts - s.dts + moved for s in samples]
    if not any(values):
        return []
    rows = runs(values)
    return [full(b"ctts", int(min(values) < 0), 0, struct.pack(">I", len(rows)), *(struct.pack(">Ii", *r) for r in rows))]


def syncs(payload, samples):
    """Gives stss unless every sample is one (8.6.2); it can be empty."""
    keys = [i + 1 for i, s in enumerate(samples) if (s.frame.idr if payload.stss == "idr" else s.frame.key)]
    if len(keys) == len(samples):
        return []
    return [full(b"stss", 0, 0, struct.pack(">I", len(keys)), *(struct.pack(">I", k) for k in keys))]


def entry(payload, share):
    """Gives the sample entry: the source's, with only what decodes it of the boxes in it (12.1.3)."""
    if share.kind == "soun":
        return share.entry
    head, rest, config = share.entry[8:86], share.entry[86:], b""
    while len(rest) >= 8:
        size = struct.unpack_from(">I", rest)[0]
        if rest[4:8] in (b"avcC", b"hvcC"):
            config = rest[:size]
        rest = rest[max(8, size):]
    parts = [config]
    name = b"USP Coding"
    if payload.odd == "entry":
        n = payload.fragments[0].index
        name = b"coder %d" % n
        parts.append(box(b"pasp", struct.pack(">II", 1 + n % 3, 1 + n % 3)))
        if n % 2:
            parts.append(box(b"colr", b"nclx", struct.pack(">HHHB", 1, 1, 1, 0)))
    head = head[:42] + bytes([len(name)]) + name.ljust(31, b"\0") + head[74:]
    return box(share.entry[4:8], head, *parts)
