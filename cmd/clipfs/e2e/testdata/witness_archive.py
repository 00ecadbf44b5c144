"""An archive of fragments, cut from the frames of a file, and what it answers to ListFragments and GetClip."""

import functools
import random
import threading

import witness_read
import witness_write

# A GetClip call carries no more (API reference, GetClip).
MOST_FRAGMENTS, MOST_BYTES = 200, 100_000_000


@functools.cache
def source(path):
    """Reads a file once, however many streams are cut from it."""
    return witness_read.read(path)


def rounded(numerator, denominator):
    """Rounds to the nearest whole number, halves up."""
    return (2 * numerator + denominator) // (2 * denominator)


class Fragment:
    """What is stored together. shift is how many milliseconds its frames stand behind the source's, because of gaps."""

    def __init__(self, index, shift, video, sound):
        self.index, self.shift, self.video, self.sound = index, shift, video, sound
        self.number = self.producer = self.server = self.length = self.size = None


class Refused(Exception):
    """An error that the service answers with."""

    def __init__(self, status, kind, message):
        super().__init__(message)
        self.status, self.kind, self.message = status, kind, message


class Stream:
    """A stream: spec has "name", "file", "start" (epoch milliseconds of the file's time 0) and switches.

    "every": key frames a fragment. "gaps": [[fragment, milliseconds], …]. "lead": by how many milliseconds sound stands
    before the pictures that it is stored with. "sound": "all", "none", or the share of the footage that has sound.
    "odd": what is unusual in payloads (witness_write.py), or here "more-before", "more-after", "fewer-first",
    "fewer-last", "twice", "sound-before", "sound-after".
    """

    def __init__(self, spec):
        self.spec, self.name, self.odd = spec, spec["name"], spec.get("odd", "")
        self.video, self.sound = source(spec["file"])
        self.lock = threading.Lock()
        self.served = []
        self.list_calls = self.clip_calls = 0
        self.cut()

    def cut(self):
        """Cuts the source into fragments at key frames."""
        spec, frames, ticks = self.spec, self.video.frames, self.video.timescale
        starts = [i for i, f in enumerate(frames) if f.key][:: spec.get("every", 1)]
        starts = starts[: spec.get("fragments", len(starts))]
        stop = len(frames)
        keys = [i for i, f in enumerate(frames) if f.key][:: spec.get("every", 1)]
        if len(starts) < len(keys):
            stop = keys[len(starts)]
        gaps, lead = {int(i): ms for i, ms in spec.get("gaps", [])}, spec.get("lead", 0)
        end = max(f.pts + f.duration for f in frames[:stop])
        sound = self.stored_sound(end)
        bounds = [frames[i].pts * 1000 - lead * ticks for i in starts] + [end * 1000 - lead * ticks]
        self.fragments, shift, at = [], 0, 0
        while sound and at < len(sound) and sound[at].pts * 1000 * ticks < bounds[0] * self.sound.timescale:
            at += 1
        for n, first in enumerate(starts):
            shift += gaps.get(n, 0)
            last = starts[n + 1] if n + 1 < len(starts) else stop
            begin = at
            while sound and at < len(sound) and sound[at].pts * 1000 * ticks < bounds[n + 1] * self.sound.timescale:
                at += 1
            fragment = Fragment(n, shift, frames[first:last], sound[begin:at] if sound else [])
            self.describe(fragment)
            self.fragments.append(fragment)

    def stored_sound(self, end):
        """Gives the frames of sound that are stored."""
        share = self.spec.get("sound", "all")
        if share == "none" or self.sound is None:
            return []
        if share == "all":
            return self.sound.frames
        limit = float(share) * end / self.video.timescale
        return [f for f in self.sound.frames if f.pts / self.sound.timescale < limit]

    def milliseconds(self, track, ticks):
        """Gives ticks of a track in milliseconds."""
        return rounded(ticks * 1000, track.timescale)

    def describe(self, f):
        """Fills in what a listing tells: a fragment's time is its first frame's, its length leaves out its last frame's."""
        begins = [self.milliseconds(self.video, f.video[0].pts)]
        ends = [self.milliseconds(self.video, max(v.pts for v in f.video))]
        if f.sound:
            begins.append(self.milliseconds(self.sound, f.sound[0].pts))
            ends.append(self.milliseconds(self.sound, f.sound[-1].pts))
        f.producer = self.spec["start"] + f.shift + min(begins)
        f.length = max(ends) - min(begins)
        f.server = f.producer + self.spec.get("server", 700)
        f.number = f"9134385233318{f.server:014d}{f.index:020d}"
        f.size = 512 + sum(len(x.data) + 12 for x in f.video + f.sound)

    def between(self, selector):
        """Gives the fragments of a selector, both ends inclusive, in the order of its times."""
        by = "server" if selector["FragmentSelectorType"] == "SERVER_TIMESTAMP" else "producer"
        span = selector["TimestampRange"]
        start, end = round(span["StartTimestamp"] * 1000), round(span["EndTimestamp"] * 1000)
        chosen = [f for f in self.fragments if start <= getattr(f, by) <= end]
        return start, end, sorted(chosen, key=lambda f: (getattr(f, by), f.number))

    def list_page(self, request):
        """Answers ListFragments: pages in an order that is none, the same for each page of a listing."""
        token = request.get("NextToken")
        if token:
            start, end, by, offset = token.split("/")
        else:
            selector = request["FragmentSelector"]
            span = selector["TimestampRange"]
            start, end, by = span["StartTimestamp"], span["EndTimestamp"], selector["FragmentSelectorType"]
            offset = 0
        span = {"StartTimestamp": float(start), "EndTimestamp": float(end)}
        found = self.between({"FragmentSelectorType": by, "TimestampRange": span})[2]
        random.Random(self.name + by).shuffle(found)
        offset, most = int(offset), max(1, min(request.get("MaxResults", 100), 1000))
        answer = {"Fragments": [listed(f) for f in found[offset : offset + most]]}
        if offset + most < len(found):
            answer["NextToken"] = f"{start}/{end}/{by}/{offset + most}"
        return answer

    def clip(self, request):
        """Gives the fragments of a payload and its bytes, or raises Refused."""
        start, end, found = self.between(request["ClipFragmentSelector"])
        if end <= start:
            raise Refused(400, "InvalidArgumentException", "EndTimestamp must be after StartTimestamp.")
        if end - start > 24 * 3600 * 1000:
            raise Refused(400, "InvalidArgumentException", "The range is longer than 24 hours.")
        if not found:
            raise Refused(404, "ResourceNotFoundException", "No fragments found in the stream for the clip request.")
        total = 0
        for i, f in enumerate(found[:MOST_FRAGMENTS]):
            total += f.size
            if total > MOST_BYTES:
                found = found[: max(1, i)]
                break
        found = self.other(found[:MOST_FRAGMENTS])
        payload = witness_write.Payload(self, found)
        return found, payload.bytes()

    def other(self, found):
        """Gives what is served where that is not what was asked for."""
        first, last = found[0].index, found[-1].index
        if self.odd == "more-before" and first > 0:
            return [self.fragments[first - 1]] + found
        if self.odd == "more-after" and last + 1 < len(self.fragments):
            return found + [self.fragments[last + 1]]
        if self.odd == "fewer-first" and len(found) > 1:
            return found[1:]
        if self.odd == "fewer-last" and len(found) > 1:
            return found[:-1]
        return found

    def truth(self):
        """Tells what is stored: hash, pts, dts, duration of each frame, in ticks, and whether it is a key frame."""
        rows = lambda frames: [[f.digest, f.pts, f.dts, f.duration, f.key] for f in frames]
        return {
            "start_ms": self.spec["start"],
            "video_timescale": self.video.timescale,
            "sound_timescale": self.sound.timescale if self.sound else 1,
            "fragments": [
                {"number": f.number, "producer_ms": f.producer, "length_ms": f.length, "shift_ms": f.shift,
                 "video": rows(f.video), "sound": rows(f.sound)}
                for f in self.fragments
            ],
        }  # fmt: skip


def listed(f):
    """Gives a fragment as ListFragments does."""
    return {
        "FragmentNumber": f.number,
        "FragmentSizeInBytes": f.size,
        "ProducerTimestamp": f.producer / 1000,
        "ServerTimestamp": f.server / 1000,
        "FragmentLengthInMilliseconds": f.length,
    }
