"""Holds the models of botocore against the emulator's own, and calls each operation that the emulator lacks.

Prints JSON: what differs, and what each of the calls came to. In the environment: MODEL, the emulator's model.txt; ENDPOINT and
DATA, where its hosts are; LACKING, the names of the operations that it lacks.
"""
import json
import os
import sys

import boto3
import botocore

HOSTS = {
    "kinesisvideo": "control", "kinesis-video-archived-media": "archive", "kinesis-video-media": "media",
    "kinesis-video-signaling": "signaling", "kinesis-video-webrtc-storage": "storage",
}


def read(path):
    shapes, operations, current = {}, {}, None
    for line in open(path, encoding="utf-8"):
        words = line.split()
        if not words or line.startswith("#"):
            continue
        if words[0] == "shape":
            shapes[words[1]] = words[2:]
        elif line[0] == " ":
            current["members"] = words
        else:
            name = words[1]
            paths = [w for w in words[2:] if w.startswith("/")]
            current = operations[name] = {"host": words[0], "path": (paths + ["/" + name[0].lower() + name[1:]])[0]}
    return shapes, operations


def described(shapes, words):
    """Members as the emulator's model has them."""
    out = {}
    for word in words:
        name, _, shape = word.partition(":")
        bare = name.rstrip("!")
        out[bare] = [bare != name, value(shapes, shape or bare)]
    return out


def value(shapes, name):
    words = shapes.get(name, [name])
    kind, rest = words[0], words[1:]
    limits = [None, None]
    if rest and ".." in rest[0]:
        limits = [int(n) if n else None for n in rest.pop(0).split("..")]
    if kind == "structure":
        return described(shapes, rest)
    if kind == "enum":
        return sorted(rest[0].split("|"))
    if kind in ("list", "map"):
        return [kind, limits] + [value(shapes, w) for w in rest]
    return [kind, limits, rest[0] if kind == "string" else None]


def botos(shape):
    """A shape of botocore in the same form."""
    if shape.type_name == "structure":
        return {n: [n in shape.required_members, botos(m)] for n, m in shape.members.items()}
    if getattr(shape, "enum", None):
        return sorted(shape.enum)
    limits = [shape.metadata.get("min"), shape.metadata.get("max")]
    if shape.type_name == "list":
        return ["list", limits, botos(shape.member)]
    if shape.type_name == "map":
        return ["map", limits, botos(shape.key), botos(shape.value)]
    pattern = shape.metadata.get("pattern")
    if pattern:
        pattern = pattern.removeprefix("^").removesuffix("$")
        if pattern.startswith("(") and pattern.endswith("*)"):
            pattern = pattern[1:-1]
    return [shape.type_name, limits, pattern]


# What the models have widened since the oldest botocore that this is run with: a value of it, and what it is now.
WIDENED = [
    (["string", [0, 512], "[a-zA-Z0-9+/=]*"], ["string", [0, 1024], "[a-zA-Z0-9+/=]*"]),
    (["HTTPS", "WSS"], ["HTTPS", "WEBRTC", "WSS"]),
    ([True, ["integer", [3000, 20000], None]], [False, ["integer", [None, None], None]]),
]


def same(ours, theirs):
    """Whether our value is theirs, or theirs as it has been widened."""
    if ours == theirs or any(theirs == old and ours in (new, [True] + new[1:]) for old, new in WIDENED):
        return True
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return all(n in ours and same(ours[n], v) for n, v in theirs.items())
    return isinstance(ours, list) and isinstance(theirs, list) and len(ours) == len(theirs) and all(map(same, ours, theirs))


def example(shape):
    """A value that botocore lets pass."""
    if shape.type_name == "structure":
        return {n: example(shape.members[n]) for n in shape.required_members}
    if shape.type_name == "list":
        return [example(shape.member)]
    if shape.type_name == "map":
        return {"k": "v"}
    if shape.type_name == "timestamp":
        return 0
    if shape.type_name in ("integer", "long"):
        return shape.metadata.get("min", 1)
    return shape.enum[0] if getattr(shape, "enum", None) else "x" * max(1, shape.metadata.get("min", 1))


def call(client, operation):
    method = getattr(client, botocore.xform_name(operation.name))
    try:
        method(**(example(operation.input_shape) if operation.input_shape else {}))
    except client.exceptions.ClientError as e:
        return [e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"], e.response["Error"]["Message"],
                len(e.response["ResponseMetadata"].get("RequestId", "")) == 36]
    return None


def main():
    shapes, operations = read(os.environ["MODEL"])
    lacking = json.loads(os.environ["LACKING"])
    out = {"differences": [], "calls": {}, "seen": 0}
    session = boto3.Session()
    for service, host in HOSTS.items():
        if service not in session.get_available_services():
            continue
        endpoint = os.environ["DATA" if host in ("archive", "media") else "ENDPOINT"]
        client = session.client(service, endpoint_url=endpoint)
        model = client.meta.service_model
        for name in model.operation_names:
            operation, ours = model.operation_model(name), operations.get(name)
            out["seen"] += 1
            if not ours or ours["host"] != host or ours["path"] != operation.http["requestUri"]:
                out["differences"].append([name, ours])
                continue
            mine, theirs = described(shapes, ours.get("members", [])), botos(operation.input_shape)
            for member, want in theirs.items():
                if not same(mine.get(member), want):
                    out["differences"].append([name, member, mine.get(member), want])
            if name in lacking:
                out["calls"][name] = call(client, operation)
    json.dump(out, sys.stdout)


main()
