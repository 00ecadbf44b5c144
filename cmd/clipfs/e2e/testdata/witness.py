#!/usr/bin/env python3
"""A witness: an archive of Kinesis Video Streams that shares nothing with clipfs or its emulator, for tests.

    witness.py CONFIG.json

CONFIG is {"streams": [SPEC, …]}; the members of a SPEC are those of witness_archive.py and witness_write.py, and
"list": what ListFragments answers instead (SHAPES), for the first "list_calls" calls (default all);
"cut": how many of the first payloads end in their middle (chunked, as if that were all); -1 all.
It listens on loopback, prints {"endpoint": …} when it is ready, and ends when its standard input does.

GET /witness/calls (or /_emulator/calls), /witness/truth?stream=NAME and /witness/served?stream=NAME tell what was asked, is stored and was sent.
"""

import collections
import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import witness_archive

JSON = "application/x-amz-json-1.1"
# What ListFragments can answer that is no listing: status, type of error, type of content, body.
SHAPES = {
    "signature": (403, "InvalidSignatureException", JSON, b'{"message":"The request signature we calculated does not match."}'),
    "expired": (403, "ExpiredTokenException", JSON, b'{"message":"The security token included in the request is expired"}'),
    "html": (403, "", "text/html", b"<html><body><h1>403 Forbidden</h1>blocked by the proxy</body></html>"),
    "empty": (403, "", "", b""),
    "untyped": (401, "", JSON, b'{"message":"Unauthorized"}'),
    "denied": (403, "AccessDeniedException", JSON, b'{"Message":"User: arn:aws:iam::123456789012:user/door is not authorized to '
               b'perform: kinesisvideo:ListFragments on resource: *"}'),
    "not-authorized": (401, "NotAuthorizedException", JSON, b'{"Message":"The caller is not authorized to perform this operation."}'),
    "untyped-404": (404, "", JSON, b'{"message":"no such thing at this door"}'),
}  # fmt: skip


class Witness:
    """The streams and what was asked of them."""

    def __init__(self, config):
        self.streams = {spec["name"]: witness_archive.Stream(spec) for spec in config["streams"]}
        self.lock = threading.Lock()
        self.calls = collections.Counter()
        self.endpoint = ""

    def count(self, api, stream, fragments=0, size=0):
        with self.lock:
            self.calls[api, stream, "calls"] += 1
            self.calls[api, stream, "fragments"] += fragments
            self.calls[api, stream, "bytes"] += size

    def find(self, request):
        name = request.get("StreamName") or request.get("StreamARN", "").split("/")[1:2][0]
        if name not in self.streams:
            raise witness_archive.Refused(404, "ResourceNotFoundException", "The requested stream is not found or not active.")
        return self.streams[name]

    def about(self, stream):
        return {
            "StreamName": stream.name, "StreamARN": f"arn:aws:kinesisvideo:us-east-1:123456789012:stream/{stream.name}/1",
            "MediaType": "video/h264", "Version": "v1", "Status": "ACTIVE", "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:alias/aws/kinesisvideo",
            "CreationTime": stream.spec["start"] / 1000 - 86400, "DataRetentionInHours": stream.spec.get("retention", 24),
        }  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 1 << 16  # a head and its body go out together
    disable_nagle_algorithm = True
    witness = None

    def log_message(self, *_):
        pass

    def send(self, status, content_type, body, error=""):
        self.send_response(status)
        if content_type:
            self.send_header("Content-Type", content_type)
        if error:
            self.send_header("x-amzn-ErrorType", error)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        url = urllib.parse.urlparse(self.path)
        name = urllib.parse.parse_qs(url.query).get("stream", [""])[0]
        w = self.witness
        if url.path in ("/witness/calls", "/_emulator/calls"):
            with w.lock:
                keys = sorted({(api, stream) for api, stream, _ in w.calls})
                answer = {"calls": [{"API": api, "Stream": stream, **{what.capitalize(): w.calls[api, stream, what]
                          for what in ("calls", "fragments", "bytes")}} for api, stream in keys]}  # fmt: skip
        elif url.path == "/witness/truth" and name in w.streams:
            answer = w.streams[name].truth()
        elif url.path == "/witness/served" and name in w.streams:
            with w.streams[name].lock:
                answer = {"served": list(w.streams[name].served)}
        else:
            self.send(404, "text/plain", b"not found")
            return
        self.send(200, "application/json", json.dumps(answer).encode())

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        operation = getattr(self, "post_" + self.path[1:], None)
        try:
            request = json.loads(body or b"{}")
            if operation is None:
                raise witness_archive.Refused(400, "UnknownOperationException", "No such operation.")
            operation(request)
        except witness_archive.Refused as e:
            self.send(e.status, JSON, json.dumps({"Message": e.message}).encode(), e.kind)

    def answer(self, api, stream, document, fragments=0):
        body = json.dumps(document).encode()
        self.witness.count(api, stream, fragments, len(body))
        self.send(200, "application/json", body)

    def post_listStreams(self, request):
        names = sorted(self.witness.streams)
        begin = int(request.get("NextToken") or 0)
        page = names[begin : begin + 10]
        answer = {"StreamInfoList": [self.witness.about(self.witness.streams[n]) for n in page]}
        if begin + 10 < len(names):
            answer["NextToken"] = str(begin + 10)
        self.answer("ListStreams", "", answer)

    def post_describeStream(self, request):
        stream = self.witness.find(request)
        self.answer("DescribeStream", stream.name, {"StreamInfo": self.witness.about(stream)})

    def post_getDataEndpoint(self, request):
        stream = self.witness.find(request)
        self.answer("GetDataEndpoint", stream.name, {"DataEndpoint": self.witness.endpoint})

    def post_listFragments(self, request):
        stream = self.witness.find(request)
        with stream.lock:
            stream.list_calls += 1
            n = stream.list_calls
        shape = stream.spec.get("list")
        if shape and n <= stream.spec.get("list_calls", n):
            status, kind, content_type, body = SHAPES[shape]
            self.witness.count("ListFragments", stream.name)
            self.send(status, content_type, body, kind)
            return
        answer = stream.list_page(request)
        self.answer("ListFragments", stream.name, answer, len(answer["Fragments"]))

    def post_getClip(self, request):
        stream = self.witness.find(request)
        with stream.lock:
            stream.clip_calls += 1
            n = stream.clip_calls
        try:
            fragments, payload = stream.clip(request)
        except witness_archive.Refused:
            self.witness.count("GetClip", stream.name)
            raise
        cut = stream.spec.get("cut", 0)
        whole = len(payload)
        if cut < 0 or n <= cut:
            payload = payload[: whole * 6 // 10]
        self.witness.count("GetClip", stream.name, len(fragments), len(payload))
        with stream.lock:
            stream.served.append({"fragments": [f.number for f in fragments], "bytes": len(payload), "of": whole})
        if stream.spec.get("layout") == "chunked" or len(payload) < whole:
            self.send_chunked(payload)
        else:
            self.send(200, "video/mp4", payload)

    def send_chunked(self, payload):
        self.send_response(200)
        self.send_header("Content-Type", "video/mp4")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(payload), 60000):
            piece = payload[at : at + 60000]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, request, client_address):
        """Lets a client go that hung up; any other fault is shown."""
        if not isinstance(sys.exc_info()[1], (BrokenPipeError, ConnectionResetError)):
            super().handle_error(request, client_address)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        witness = Witness(json.load(file))
    server = Server(("127.0.0.1", 0), type("Bound", (Handler,), {"witness": witness}))
    witness.endpoint = "http://127.0.0.1:%d" % server.server_port
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(json.dumps({"endpoint": witness.endpoint}), flush=True)
    try:
        sys.stdin.read()
    except KeyboardInterrupt:
        pass
    server.shutdown()


if __name__ == "__main__":
    main()
