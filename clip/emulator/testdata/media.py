"""Reads media with boto3 and a Matroska reader of its own (RFC 9559, standard library only), and holds it against what was put.

Prints JSON: how much was read, and what differs. In the environment: ENDPOINT, the emulator's control API; PUT, the file that was put
into the stream "a"; MERGED, where all that GetMedia gives is written as one file.
"""
import io
import json
import os
import struct
import sys

import boto3

EBML, SEGMENT, INFO, TRACKS, CLUSTER, TAGS, TAG, SIMPLE = (
    0x1A45DFA3, 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675, 0x1254C367, 0x7373, 0x67C8)
TIMECODE, BLOCK, NAME, STRING = 0xE7, 0xA3, 0x45A3, 0x4487
MASTERS = (SEGMENT, CLUSTER, TAGS, TAG, SIMPLE)
OWN = "AWS_KINESISVIDEO_"
problems = []


def exactly(stream, n):
    out = b""
    while len(out) < n:
        more = stream.read(n - len(out))
        if not more:
            raise EOFError
        out += more
    return out


def number(stream, keep):
    """A number of variable length, with its bytes."""
    first = exactly(stream, 1)
    length = 9 - first[0].bit_length()
    raw = first + exactly(stream, length - 1)
    value = int.from_bytes(raw, "big")
    return (value if keep else value & ((1 << 7 * length) - 1)), raw


def elements(stream):
    """Each element with its bytes; what is in a master follows it."""
    while True:
        try:
            kind, head = number(stream, True)
        except EOFError:
            return
        size, raw = number(stream, False)
        body = b"" if kind in MASTERS else exactly(stream, size)
        yield kind, body, head + raw + body


class Chunk:
    def __init__(self):
        self.documents, self.header, self.clusters, self.before, self.blocks, self.after = 1, b"", 0, [], [], []

    def tags(self, own):
        return [t for t in self.after if t[0].startswith(OWN) == own]


def chunks(stream):
    """The chunks of a stream: a document has one, and a cluster after that begins another."""
    current, name = None, None
    for kind, body, raw in elements(stream):
        if kind == EBML or kind == CLUSTER and current and current.clusters:
            if current and current.clusters:
                yield current
            current = Chunk()
        if kind == CLUSTER:
            current.clusters += 1
        elif kind == TIMECODE:
            current.time = int.from_bytes(body, "big")
        elif kind == BLOCK:
            track, at, flags = body[0] & 0x7F, *struct.unpack(">hB", body[1:4])
            current.blocks.append((track, at, flags, body[4:]))
        elif kind == NAME:
            name = body.decode()
        elif kind == STRING:
            (current.after if current.clusters else current.before).append((name, body.decode()))
            if name == OWN + "CONTINUATION_TOKEN":  # nothing of this chunk follows
                yield current
                current = None
        elif kind in (EBML, INFO, TRACKS) or kind == SEGMENT:
            current.header += raw
    if current and current.clusters:
        yield current


def same(got, want, at):
    if (got.time, got.blocks) != (want.time, want.blocks):
        problems.append(f"{at}: {len(got.blocks)} frames at {got.time}, want {len(want.blocks)} at {want.time}")
    if got.tags(False) != want.tags(False):
        problems.append(f"{at}: tags {got.tags(False)}, want {want.tags(False)}")


with open(os.environ["PUT"], "rb") as f:
    put = list(chunks(f))
kv = boto3.client("kinesisvideo", endpoint_url=os.environ["ENDPOINT"])


def client(service, api):
    return boto3.client(service, endpoint_url=kv.get_data_endpoint(StreamName="a", APIName=api)["DataEndpoint"])


answer = client("kinesis-video-media", "GET_MEDIA").get_media(StreamName="a", StartSelector={"StartSelectorType": "EARLIEST"})
seen, numbers, behind = 0, [], []
with open(os.environ["MERGED"], "wb") as merged:
    class Tee:
        def read(self, n):
            return answer["Payload"].read(n)
    for got in chunks(Tee()):
        want = put[seen]
        same(got, want, f"chunk {seen}")
        before, after = dict(got.before), dict(got.tags(True))
        numbers.append(before.get(OWN + "FRAGMENT_NUMBER"))
        behind.append(int(after.get(OWN + "MILLIS_BEHIND_NOW", -1)))
        if list(before) != [OWN + n for n in ("FRAGMENT_NUMBER", "SERVER_TIMESTAMP", "PRODUCER_TIMESTAMP")] or len(got.before) != 3:
            problems.append(f"chunk {seen}: tags {got.before} before the cluster")
        if before[OWN + "PRODUCER_TIMESTAMP"] != f"{want.time // 1000}.{want.time % 1000:03}":
            problems.append(f"chunk {seen}: producer time {before}, want {want.time}")
        if after != {OWN + "MILLIS_BEHIND_NOW": str(behind[-1]), OWN + "CONTINUATION_TOKEN": numbers[-1]}:
            problems.append(f"chunk {seen}: tags {after} behind the cluster")
        if seen == 0:
            merged.write(got.header)
        elif got.header != header:
            problems.append(f"chunk {seen}: another header")
        header = got.header
        merged.write(b"\x1f\x43\xb6\x75\x01\xff\xff\xff\xff\xff\xff\xff\xe7\x88" + struct.pack(">Q", got.time))
        for track, at, flags, frame in got.blocks:
            merged.write(b"\xa3" + struct.pack(">Q", 1 << 56 | len(frame) + 4) + struct.pack(">BhB", 0x80 | track, at, flags) + frame)
        seen += 1
        if seen == len(put):
            break
answer["Payload"].close()
if numbers != sorted(numbers) or behind != sorted(behind, reverse=True) or behind[-1] != 0:
    problems.append(f"numbers {numbers[:3]}, behind {behind[:3]} to {behind[-3:]}")

archive = client("kinesis-video-archived-media", "GET_MEDIA_FOR_FRAGMENT_LIST")
picked = numbers[7::9][::-1]
answer = archive.get_media_for_fragment_list(StreamName="a", Fragments=picked)
listed = list(chunks(io.BytesIO(answer["Payload"].read())))
for i, got in enumerate(listed):
    same(got, put[numbers.index(picked[i])], f"listed {i}")
    if dict(got.before)[OWN + "FRAGMENT_NUMBER"] != picked[i] or got.tags(True):
        problems.append(f"listed {i}: tags {got.before}, {got.tags(True)}")
json.dump({"put": len(put), "frames": sum(len(c.blocks) for c in put), "tags": sum(len(c.tags(False)) for c in put), "read": seen,
           "listed": [len(listed), len(picked)], "type": answer["ContentType"], "problems": problems[:10]}, sys.stdout)
