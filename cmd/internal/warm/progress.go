package warm

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// tellEvery is how often a line tells how it goes where there is no terminal.
const tellEvery = 10 * time.Second

// NewProgress shows how the clips get read, or with heads how their heads come: a bar on a terminal, else lines. end is to be called in
// the end.
func NewProgress(out io.Writer, clips []Clip, heads bool) (p Progress, end func()) {
	if f, ok := out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		b := newBar(out, clips, heads)
		return b, b.Close
	}
	l := newLines(out, clips, heads)
	return l, l.Close
}

// bar is a bar on a terminal: bytes or heads, rate, and how long it will take.
type bar struct {
	out   io.Writer
	drawn *progressbar.ProgressBar

	// mu guards total, and keeps lines and bar apart.
	mu    sync.Mutex
	total int64
}

func newBar(out io.Writer, clips []Clip, heads bool) *bar {
	options := []progressbar.Option{
		progressbar.OptionSetWriter(out),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100 * time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
	}
	if heads { // how many there are is told as clips are opened
		options = append(options, progressbar.OptionShowCount(), progressbar.OptionSetDescription("heads"))
		return &bar{out: out, drawn: progressbar.NewOptions64(1, options...)}
	}
	options = append(options, progressbar.OptionShowBytes(true), progressbar.OptionUseIECUnits(true), progressbar.OptionShowTotalBytes(true))
	total := toRead(clips)
	return &bar{out: out, total: total, drawn: progressbar.NewOptions64(total, options...)}
}

// toRead is how many bytes there are to read.
func toRead(clips []Clip) int64 {
	total := int64(0)
	for _, c := range clips {
		if c.Missing > 0 {
			total += c.Size
		}
	}
	return total
}

func (b *bar) Resize(by int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total += by
	b.drawn.ChangeMax64(max(b.total, 1))
}

func (b *bar) Read(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.drawn.Add64(n) // a bar that cannot be drawn is no reason to stop
}

// Done gives a failure a line above the bar.
func (b *bar) Done(c Clip, err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.drawn.Clear() // nor is this
	_, _ = fmt.Fprintf(b.out, "%s: %v\n", c.Path, err)
}

func (b *bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.drawn.Exit()
	_, _ = fmt.Fprintln(b.out)
}

// lines is a line a clip, and one every few seconds, where there is no terminal.
type lines struct {
	out   io.Writer
	heads bool
	clips int
	begun time.Time
	stop  chan struct{}
	ended chan struct{}

	// mu guards the rest, and keeps lines apart.
	mu          sync.Mutex
	total, read int64
	done        int
}

func newLines(out io.Writer, clips []Clip, heads bool) *lines {
	l := &lines{out: out, heads: heads, begun: time.Now(), stop: make(chan struct{}), ended: make(chan struct{})}
	if !heads {
		l.total = toRead(clips)
	}
	for _, c := range clips {
		if heads || c.Missing > 0 {
			l.clips++
		}
	}
	go l.tell()
	return l
}

func (l *lines) tell() {
	defer close(l.ended)
	ticker := time.Tick(tellEvery)
	for {
		select {
		case <-ticker:
			l.mu.Lock()
			_, _ = fmt.Fprintln(l.out, l.stateLocked())
			l.mu.Unlock()
		case <-l.stop:
			return
		}
	}
}

func (l *lines) stateLocked() string {
	took := time.Since(l.begun)
	rate := float64(l.read) / max(took.Seconds(), 1e-3)
	text := fmt.Sprintf("%d of %d clips, %s of %s, %s/s", l.done, l.clips, bytesText(l.read), bytesText(l.total), bytesText(int64(rate)))
	if l.heads {
		text = fmt.Sprintf("%d of %d clips, %d of %d heads", l.done, l.clips, l.read, l.total)
	}
	if left := l.total - l.read; left > 0 && rate > 0 {
		text += fmt.Sprintf(", about %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

func (l *lines) Resize(by int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total += by
}

func (l *lines) Read(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read += n
}

func (l *lines) Done(c Clip, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if err != nil {
		_, _ = fmt.Fprintf(l.out, "%s: %v\n", c.Path, err)
		return
	}
	_, _ = fmt.Fprintf(l.out, "%s (%s)\n", c.Path, l.stateLocked())
}

func (l *lines) Close() {
	close(l.stop)
	<-l.ended
}
