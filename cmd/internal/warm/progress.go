package warm

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// tellEvery is how often a line tells how it goes where there is no terminal.
const tellEvery = 10 * time.Second

// Bar is a bar on a terminal: bytes, rate, and how long it will take.
type Bar struct {
	out io.Writer
	bar *progressbar.ProgressBar

	// mu guards total, and keeps lines and bar apart.
	mu    sync.Mutex
	total int64
}

var _ Progress = (*Bar)(nil)

// NewBar gives a bar for what is missing of clips.
func NewBar(out io.Writer, clips []Clip) *Bar {
	total := toRead(clips)
	return &Bar{out: out, total: total, bar: progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(out),
		progressbar.OptionShowBytes(true),
		progressbar.OptionUseIECUnits(true),
		progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionFullWidth(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionSetRenderBlankState(true),
	)}
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

// Resize implements Progress.
func (b *Bar) Resize(by int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.total += by
	b.bar.ChangeMax64(max(b.total, 1))
}

// Read implements Progress.
func (b *Bar) Read(n int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.bar.Add64(n) // a bar that cannot be drawn is no reason to stop
}

// Done implements Progress: a failure gets a line above the bar.
func (b *Bar) Done(c Clip, err error) {
	if err == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.bar.Clear() // nor is this
	_, _ = fmt.Fprintf(b.out, "%s: %v\n", c.Path, err)
}

// Close ends the bar.
func (b *Bar) Close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	_ = b.bar.Exit()
	_, _ = fmt.Fprintln(b.out)
}

// Lines is a line a clip, and one every few seconds, where there is no terminal.
type Lines struct {
	out   io.Writer
	clips int
	begun time.Time
	stop  chan struct{}
	ended chan struct{}

	// mu guards the rest, and keeps lines apart.
	mu          sync.Mutex
	total, read int64
	done        int
}

var _ Progress = (*Lines)(nil)

// NewLines gives lines for what is missing of clips.
func NewLines(out io.Writer, clips []Clip) *Lines {
	l := &Lines{out: out, begun: time.Now(), stop: make(chan struct{}), ended: make(chan struct{}), total: toRead(clips)}
	for _, c := range clips {
		if c.Missing > 0 {
			l.clips++
		}
	}
	go l.tell()
	return l
}

func (l *Lines) tell() {
	defer close(l.ended)
	ticker := time.NewTicker(tellEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.mu.Lock()
			_, _ = fmt.Fprintln(l.out, l.stateLocked())
			l.mu.Unlock()
		case <-l.stop:
			return
		}
	}
}

func (l *Lines) stateLocked() string {
	took := time.Since(l.begun)
	rate := float64(l.read) / max(took.Seconds(), 1e-3)
	text := fmt.Sprintf("%d of %d clips, %s of %s, %s/s", l.done, l.clips, bytesText(l.read), bytesText(l.total), bytesText(int64(rate)))
	if left := l.total - l.read; left > 0 && rate > 0 {
		text += fmt.Sprintf(", about %s left", time.Duration(float64(left)/rate*float64(time.Second)).Round(time.Second))
	}
	return text
}

// Resize implements Progress.
func (l *Lines) Resize(by int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.total += by
}

// Read implements Progress.
func (l *Lines) Read(n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.read += n
}

// Done implements Progress.
func (l *Lines) Done(c Clip, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.done++
	if err != nil {
		_, _ = fmt.Fprintf(l.out, "%s: %v\n", c.Path, err)
		return
	}
	_, _ = fmt.Fprintf(l.out, "%s (%s)\n", c.Path, l.stateLocked())
}

// Close ends the lines.
func (l *Lines) Close() {
	close(l.stop)
	<-l.ended
}
