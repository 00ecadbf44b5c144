package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/clip/archive"
)

// scriptText asks for a clip in chunks of 3 minutes, one after the other, as programs do that know of the limit of one
// GetClip call, and joins them with ffmpeg. Its arguments: endpoint, stream, start and end in seconds since 1970, where to.
const scriptText = `import os, subprocess, sys
from datetime import datetime, timezone
import boto3

endpoint, stream, at, end, folder = sys.argv[1], sys.argv[2], float(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
control = boto3.client("kinesisvideo", endpoint_url=endpoint)
data = control.get_data_endpoint(StreamName=stream, APIName="GET_CLIP")["DataEndpoint"]
media = boto3.client("kinesis-video-archived-media", endpoint_url=data)
listing = os.path.join(folder, "list.txt")
with open(listing, "w") as names:
    while at < end:
        until = min(at + 180, end)
        clip = media.get_clip(StreamName=stream, ClipFragmentSelector={
            "FragmentSelectorType": "PRODUCER_TIMESTAMP",
            "TimestampRange": {"StartTimestamp": datetime.fromtimestamp(at, timezone.utc),
                               "EndTimestamp": datetime.fromtimestamp(until - 0.001, timezone.utc)}})
        name = os.path.join(folder, "%d.mp4" % at)
        with open(name, "wb") as out:
            for piece in clip["Payload"].iter_chunks(1 << 20):
                out.write(piece)
        names.write("file '%s'\n" % name)
        at = until
subprocess.run(["ffmpeg", "-v", "error", "-nostdin", "-y", "-f", "concat", "-safe", "0", "-i", listing, "-c", "copy",
                os.path.join(folder, "whole.mp4")], check=True)
`

// script is the way of a script: chunks, joined with ffmpeg.
type script struct {
	bench        *bench
	python, path string
}

func (b *bench) newScript(ctx context.Context) (*script, string) {
	path := filepath.Join(b.dir, "chunks.py")
	if err := os.WriteFile(path, []byte(scriptText), 0o600); err != nil {
		return nil, err.Error()
	}
	for _, python := range []string{"python3", "/usr/bin/python3"} {
		if _, err := child.Output(ctx, python, "-c", "import boto3"); err == nil {
			return &script{b, python, path}, ""
		}
	}
	return nil, "no python3 with boto3"
}

// run has it fetch a clip, opens what it made, and gives how long it took to the first picture.
func (s *script) run(ctx context.Context, span archive.Span) (took time.Duration, err error) {
	dir, err := os.MkdirTemp(s.bench.dir, "chunks-")
	if err != nil {
		return 0, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	began := time.Now()
	if _, err := child.Output(ctx, s.python, s.path, s.bench.endpoint, camStream, fmt.Sprint(span.Start.Unix()),
		fmt.Sprint(span.End.Unix()), dir); err != nil {
		return 0, err
	}
	took = time.Since(began)
	opened, err := firstFrame(ctx, filepath.Join(dir, "whole.mp4"))
	return took + opened, err
}
