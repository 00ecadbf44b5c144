"""Sends Matroska from stdin to a stream as the official producer libraries do, and prints what it was told as JSON.

It shares no code with the emulator and uses the standard library alone. As the official ones it
  - signs every header it sends, transfer-encoding and connection too, over an empty body;
  - writes clusters without a size (with "sized" as the last argument: with one);
  - sends the tag AWS_KINESISVIDEO_END_OF_FRAGMENT behind the last cluster (not if they have sizes);
  - keeps the body open until PERSISTED has come for the last cluster, and only then sends its end.

usage: producer.py DATA_ENDPOINT STREAM KEY SECRET START [sized]
"""
import datetime, hashlib, hmac, json, socket, sys, urllib.parse

PATIENCE = 5  # seconds without an acknowledgement
REGION, SERVICE = "us-east-1", "kinesisvideo"
SEGMENT, CLUSTER, TIMECODE = 0x18538067, 0x1F43B675, 0xE7
SEEK_HEAD, VOID, TAGS = 0x114D9B74, 0xEC, 0x1254C367


def authorization(key, secret, path, headers, stamp):
    names = sorted(headers)
    canonical = "\n".join(["POST", path, ""] + [f"{n}:{headers[n]}" for n in names] +
                          ["", ";".join(names), hashlib.sha256(b"").hexdigest()])
    scope = f"{stamp[:8]}/{REGION}/{SERVICE}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    k = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        k = hmac.new(k, part.encode(), hashlib.sha256).digest()
    signature = hmac.new(k, text.encode(), hashlib.sha256).hexdigest()
    return f"AWS4-HMAC-SHA256 Credential={key}/{scope}, SignedHeaders={';'.join(names)}, Signature={signature}"


def post(url, key, secret, extra):
    """Opens a connection and sends the head of a request with a chunked body."""
    at = urllib.parse.urlsplit(url)
    stamp = datetime.datetime.now(datetime.timezone.utc).strftime("%Y%m%dT%H%M%SZ")
    headers = {"host": at.netloc, "x-amz-date": stamp, "user-agent": "producer", "connection": "keep-alive",
               "transfer-encoding": "chunked", **extra}
    headers["authorization"] = authorization(key, secret, at.path, headers, stamp)
    conn = socket.create_connection((at.hostname, at.port), PATIENCE)
    conn.sendall((f"POST {at.path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in headers.items()) + "\r\n").encode())
    return conn


def chunk(conn, data):
    conn.sendall(b"%x\r\n%s\r\n" % (len(data), data))


def body(answer):
    """Gives the pieces of a chunked answer as they come, once its head was read."""
    status = int(answer.readline().split()[1])
    head = {}
    while (line := answer.readline().strip()):
        name, value = line.decode().split(":", 1)
        head[name.lower()] = value.strip()
    if status != 200 or head.get("transfer-encoding") != "chunked":
        raise SystemExit(f"status {status}: {answer.read(int(head.get('content-length', 0)))}")
    while (size := int(answer.readline(), 16)):
        yield answer.read(size)
        answer.readline()
    answer.readline()


def number(data, at, marker):
    n = 1
    while not data[at] & (0x80 >> (n - 1)):
        n += 1
    value = int.from_bytes(data[at:at + n], "big")
    if not marker:
        value &= (1 << 7 * n) - 1
        if value == (1 << 7 * n) - 1:
            value = None
    return value, at + n


def element(data, at):
    kind, at = number(data, at, True)
    size, at = number(data, at, False)
    return kind, at, size


def parts(data):
    """Divides a file into what stands before the first cluster, and the content of each cluster."""
    head, clusters, at = b"", [], 0
    while at < len(data):
        kind, start, size = element(data, at)
        if kind == SEGMENT:
            head += bytes.fromhex("18538067" + "01" + "ff" * 7)
            at = start
            continue
        if kind == CLUSTER:
            clusters.append(data[start:start + size])
        elif not clusters and kind not in (SEEK_HEAD, VOID, TAGS):
            head += data[at:start + size]
        at = start + size
    return head, clusters


def timecode(cluster):
    at = 0
    while True:
        kind, start, size = element(cluster, at)
        if kind == TIMECODE:
            return int.from_bytes(cluster[start:start + size], "big")
        at = start + size


def made(kind, content):
    return bytes.fromhex(kind) + (len(content) | 1 << 56).to_bytes(8, "big") + content


END = made(f"{TAGS:x}", made("7373", made("67c8", made("45a3", b"AWS_KINESISVIDEO_END_OF_FRAGMENT") + made("4487", b""))))


def main():
    endpoint, stream, key, secret, start = sys.argv[1:6]
    sized = "sized" in sys.argv
    head, clusters = parts(sys.stdin.buffer.read())
    conn = post(endpoint + "/putMedia", key, secret, {
        "x-amzn-stream-name": stream, "x-amzn-fragment-timecode-type": "RELATIVE",
        "x-amzn-producer-start-timestamp": start, "x-amzn-fragment-acknowledgment-required": "1"})
    answer = conn.makefile("rb")
    chunk(conn, head)
    for c in clusters:
        chunk(conn, made("1f43b675", c) if sized else bytes.fromhex("1f43b675" + "01" + "ff" * 7) + c)
    if not sized:
        chunk(conn, END)
    acks, ended, clean = [], False, False
    try:
        text = b""
        for piece in body(answer):
            text += piece
            while b"\n" in text:
                line, text = text.split(b"\n", 1)
                acks.append(json.loads(line))
                a = acks[-1]
                if a["EventType"] == "PERSISTED" and a["FragmentTimecode"] == timecode(clusters[-1]):
                    conn.sendall(b"0\r\n\r\n")
                    ended = True
        clean = ended
    except socket.timeout:
        pass
    json.dump({"sent": len(clusters), "clean": clean, "acks": acks}, sys.stdout)


main()
