package doctor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/internal/logs"
)

type status string

const (
	statusOK      status = "ok"
	statusFailed  status = "failed"
	statusSkipped status = "skipped" // what it needs has failed
)

type finding struct {
	Check  string `json:"check"`
	Status status `json:"status"`
	Found  string `json:"found"`
	// Advice is what to do about what is wrong.
	Advice string `json:"advice,omitempty"`
}

// ailment is an error with what to do about it.
type ailment struct {
	error
	advice string
}

func (a *ailment) Unwrap() error { return a.error }

func ailing(err error, advice string) error { return &ailment{err, advice} }

// slack is how much longer than its time a check may take to say that its time is over.
const slack = 2 * time.Second

// check makes a check and reports whether all is well. The work may not return in time, where a filesystem hangs: it is
// left behind then, and what it would have noted must not be looked at.
func (d *doctor) check(ctx context.Context, name string, work func(context.Context) (found string, err error)) bool {
	return d.checkFor(ctx, name, d.timeout, work)
}

// checkFor is check with a time of its own.
func (d *doctor) checkFor(ctx context.Context, name string, limit time.Duration, work func(context.Context) (string, error)) bool {
	type result struct {
		found string
		err   error
	}
	if ctx.Err() != nil { // interrupted
		return false
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	done := make(chan result, 1)
	go func() {
		found, err := work(ctx)
		done <- result{found, err}
	}()
	var r result
	select {
	case r = <-done:
	case <-time.After(limit + slack):
		r.err = ailing(fmt.Errorf("no answer within %s", limit), "something hangs, such as a dead mount or a disk: look at dmesg and mount, or give it more time with --timeout")
	}
	f := finding{Check: name, Status: statusOK, Found: r.found}
	if r.err != nil {
		f.Status, f.Found, f.Advice = statusFailed, logs.OneLine(r.err), "see --log-level debug of clipfs mount for more"
		if known, ok := errors.AsType[*ailment](r.err); ok {
			f.Advice = known.advice
		}
	}
	d.report(f)
	return f.Status == statusOK
}

// archiveChecks are the names of the checks that ask the service, in their order.
func (d *doctor) archiveChecks() []string {
	all := []string{"region", "endpoint", "clock", "credentials", "ListStreams", "DescribeStream", "GetDataEndpoint",
		"ListFragments", clocksName, "footage", "GetClip", "clip"}
	if d.cfg.Stills {
		all = append(all, imagesName)
	}
	return append(all, "mount")
}

// skipFrom notes that a check of the archive and all after it were not made because of another.
func (d *doctor) skipFrom(first, because string) {
	all := d.archiveChecks()
	d.skip(because, all[slices.Index(all, first):]...)
}

// skip notes that checks were not made because of another.
func (d *doctor) skip(because string, names ...string) {
	for _, name := range names {
		d.report(finding{Check: name, Status: statusSkipped, Found: "not tried, because of " + because})
	}
}

// report keeps a finding, and shows it to people at once.
func (d *doctor) report(f finding) {
	d.findings = append(d.findings, f)
	if d.json {
		return
	}
	mark := map[status]string{statusOK: "✓", statusFailed: "✗", statusSkipped: "-"}[f.Status]
	d.say("%s %-17s %s\n", mark, f.Check, f.Found)
	if f.Advice != "" {
		d.say("  %-17s → %s\n", "", f.Advice)
	}
}

// say writes to stdout. Nobody can be told if that fails.
func (d *doctor) say(format string, args ...any) { _, _ = fmt.Fprintf(d.stdout, format, args...) }

// conclude tells what all of it comes to; an error if anything is wrong.
func (d *doctor) conclude() error {
	var failed []string
	for _, f := range d.findings {
		if f.Status == statusFailed {
			failed = append(failed, f.Check)
		}
	}
	if d.json {
		answer := struct {
			OK       bool      `json:"ok"`
			Findings []finding `json:"findings"`
			Clips    int64     `json:"getclip_calls"`
			Bytes    int64     `json:"getclip_bytes"`
			Images   int64     `json:"getimages_images"`
		}{len(failed) == 0, d.findings, d.clips.Load(), d.fetched.Load(), d.images.Load()}
		encoder := json.NewEncoder(d.stdout)
		encoder.SetIndent("", "  ")
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(answer); err != nil {
			return err
		}
	} else {
		d.say("\nFetched: %s in %d GetClip calls, and %d images.\n", config.Bytes(d.fetched.Load()), d.clips.Load(), d.images.Load())
	}
	if len(failed) > 0 {
		return fmt.Errorf("%d of %d checks failed: %s", len(failed), len(d.findings), strings.Join(failed, ", "))
	}
	return nil
}
