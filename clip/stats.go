package clip

import (
	"io"
	"sync/atomic"
)

// Stats is what a library has done since it was made.
type Stats struct {
	// Fetched is how many bytes of media the archive has sent, also those of calls that failed or were given up.
	Fetched int64
	// Payloads is how many downloads brought a whole payload, Failed how many ended otherwise, Downloads how many run.
	Payloads, Failed, Downloads int64
	// Cached is how many bytes of clips were read that were there at once, Waited how many had to be waited for.
	Cached, Waited int64
	// Handles is how many clips are open.
	Handles int64
}

// counts are the numbers of Stats as they are counted.
type counts struct {
	fetched, payloads, failed, downloads, cached, waited, handles atomic.Int64
}

// Stats gives the present numbers.
func (l *Library) Stats() Stats {
	c := &l.counts
	return Stats{
		Fetched: c.fetched.Load(), Payloads: c.payloads.Load(), Failed: c.failed.Load(), Downloads: c.downloads.Load(),
		Cached: c.cached.Load(), Waited: c.waited.Load(), Handles: c.handles.Load(),
	}
}

// read counts bytes that were read, and that were there or not when they were asked for.
func (c *counts) read(n int, there bool) {
	if there {
		c.cached.Add(int64(n))
		return
	}
	c.waited.Add(int64(n))
}

// meter is a body whose bytes are counted twice: for the library and for the download.
type meter struct {
	io.ReadCloser
	all *atomic.Int64
	own *int64
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	n, err := m.ReadCloser.Read(p)
	m.all.Add(int64(n))
	*m.own += int64(n)
	return n, err
}
