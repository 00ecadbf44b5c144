package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/cmd/internal/child"
)

// server is "clipfs serve" in a process of its own.
type server struct {
	// url is that of the root, without a slash at the end.
	url, cache string
	process    *child.Process
}

// serve serves the emulator's streams over HTTP, with a new cache.
func (b *bench) serve(ctx context.Context) (*server, error) {
	cache, err := os.MkdirTemp(b.dir, "cache-")
	if err != nil {
		return nil, err
	}
	s := &server{cache: cache}
	if s.process, err = child.Start(b.binary, nil, "serve", "--endpoint-url", b.endpoint, "--cache-dir", cache, "127.0.0.1:0"); err != nil {
		return nil, err
	}
	if err := s.process.AwaitReady(ctx, "msg=serving"); err != nil {
		s.end(&err)
		return nil, err
	}
	found := regexp.MustCompile(`msg=serving url=(\S+)/\n`).FindStringSubmatch(s.process.Log())
	if found == nil {
		err := errors.New("it does not say where it serves")
		s.end(&err)
		return nil, err
	}
	s.url = found[1]
	return s, nil
}

func (s *server) end(err *error) {
	*err = errors.Join(*err, s.process.Stop(os.Interrupt), os.RemoveAll(s.cache))
}

// clip is the URL of a clip.
func (s *server) clip(stream string, at time.Time, length string) string {
	return s.url + "/" + stream + "/" + at.UTC().Format("2006-01-02T15:04") + "/" + length + ".mp4"
}

// nginxSettings are those of an nginx that serves a directory; %[1]s is one for its own files.
const nginxSettings = `daemon off; master_process off; pid %[1]s/pid; error_log stderr warn;
events { worker_connections 64; }
http {
	access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000;
	client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/proxy; fastcgi_temp_path %[1]s/fastcgi; uwsgi_temp_path %[1]s/uwsgi; scgi_temp_path %[1]s/scgi;
	server { listen %[2]s; location / { root %[3]s; } }
}
`

// nginx serves a directory, and gives where.
func (b *bench) nginx(ctx context.Context, dir string) (_ *child.Process, url string, err error) {
	own, err := os.MkdirTemp(b.dir, "nginx-")
	if err != nil {
		return nil, "", err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return nil, "", err
	}
	settings := filepath.Join(own, "nginx.conf")
	if err := os.WriteFile(settings, fmt.Appendf(nil, nginxSettings, own, address, dir), 0o600); err != nil {
		return nil, "", err
	}
	p, err := child.Start("nginx", nil, "-c", settings, "-p", own)
	if err != nil {
		return nil, "", err
	}
	c, err := dialled(ctx, "tcp", address)
	if err != nil {
		return nil, "", errors.Join(err, p.Stop(os.Interrupt))
	}
	return p, "http://" + address, c.Close()
}

// webTask compares what HTTP gives of a clip that is in the cache, and was read before, with what nginx gives of a local file.
func webTask() task {
	return task{"web", []row{
		{name: "whole cached clip of one part over HTTP on loopback", against: "nginx, sendfile, the same bytes in a local file", atLeast: true, limit: 0.8},
		{name: "whole cached clip of many parts over HTTP on loopback", against: "nginx, sendfile, the same bytes in a local file", atLeast: true, limit: 0.8},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		if !has("nginx") {
			unmeasured(rows, "no nginx")
			return nil
		}
		s, err := b.serve(ctx)
		if err != nil {
			return err
		}
		defer s.end(&err)
		at := b.hour()
		for i, length := range []string{"5m", "10m"} {
			if err := b.measureWeb(ctx, s.clip(camStream, at, length), &rows[i]); err != nil {
				return err
			}
		}
		return nil
	}}
}

// measureWeb measures a clip.
func (b *bench) measureWeb(ctx context.Context, clip string, r *row) (err error) {
	dir, err := os.MkdirTemp(b.dir, "local-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	local, err := os.Create(filepath.Join(dir, "clip.mp4"))
	if err != nil {
		return err
	}
	size, err := fetchTo(ctx, local, clip)
	if err := errors.Join(err, local.Close()); err != nil {
		return err
	}
	p, url, err := b.nginx(ctx, dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop(os.Interrupt)) }()
	var times pairs
	for round := range b.rounds + 1 { // the first one is to warm up
		var ours, theirs time.Duration
		for total := int64(0); total < enough; total += size {
			for url, took := range map[string]*time.Duration{clip: &ours, url + "/clip.mp4": &theirs} {
				began := time.Now()
				n, err := fetchTo(ctx, nil, url)
				if err != nil || n != size {
					return fmt.Errorf("%s: %d bytes, want %d: %w", url, n, size, err)
				}
				*took += time.Since(began)
			}
		}
		if round > 0 {
			times.add(ours, theirs)
		}
	}
	r.value = times.faster()
	r.note = fmt.Sprintf("%s, 1 GiB each, a file of %d MB at a time, read by this program a MiB at once", times.note(), size/1e6)
	return nil
}

// fetchTo gets all of what a URL has, and writes it to a file if there is one.
func fetchTo(ctx context.Context, to io.Writer, url string) (n int64, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return 0, err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, answer.Body.Close()) }()
	if answer.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("%s: %s", url, answer.Status)
	}
	if to == nil {
		to = io.Discard
	}
	return io.CopyBuffer(struct{ io.Writer }{to}, answer.Body, make([]byte, chunk))
}

const (
	// clickPage is a function of a day's page that gives how many milliseconds it takes from when the button of the mouse goes up over the strip
	// until the clock says that a picture is shown of about that time, in milliseconds since 1970.
	clickPage = `(wanted => new Promise(done => {
	document.querySelector('.strip').addEventListener('pointerup', () => {
		const begun = performance.now(), clock = document.querySelector('.clock');
		const look = () => {
			const at = Date.parse(clock.textContent.trim().replace(' ', 'T') + 'Z');
			if (clock.classList.contains('shown') && Math.abs(at - wanted) < 120e3) done(performance.now() - begun);
			else requestAnimationFrame(look);
		};
		requestAnimationFrame(look);
	}, {once: true});
}))`
	// painted gives when a page showed anything, in milliseconds from when it was asked for.
	painted = `(() => new Promise(done => new PerformanceObserver(list => {
		const first = list.getEntriesByName('first-contentful-paint')[0];
		if (first) done(first.startTime);
	}).observe({type: 'paint', buffered: true})))`
	// pictured waits until a day's page shows a picture.
	pictured = `(() => new Promise(done => {
		const begun = performance.now();
		const look = () => document.querySelector('.clock.shown') ? done(performance.now() - begun) : requestAnimationFrame(look);
		look();
	}))`
)

// pageTask measures pages in a browser.
func pageTask() task {
	return task{"page", []row{
		{name: "click at 20:00 on the strip of a day's page to the picture, no media on disk", limit: 1.5, unit: " s"},
		{name: "first paint of a day's page, the listing on disk", limit: 0.5, unit: " s"},
		{name: "first paint of the page of cameras", limit: 0.5, unit: " s"},
	}, func(ctx context.Context, b *bench, rows []row) (err error) {
		if !has("chromium") {
			unmeasured(rows, "no chromium")
			return nil
		}
		times := make([][]float64, len(rows))
		for range b.rounds {
			took, err := b.lookAtPages(ctx)
			if err != nil {
				return err
			}
			for i := range took {
				times[i] = append(times[i], took[i].Seconds())
			}
		}
		for i := range rows {
			rows[i].value = median(times[i])
			rows[i].note = fmt.Sprintf("%s to %s in %d rounds, each with a cache and a browser of its own", seconds(percentile(times[i], 1)),
				seconds(percentile(times[i], 100)), b.rounds)
		}
		return nil
	}}
}

// lookAtPages opens the page of a day, clicks, and opens it and that of the cameras once more. It gives the times of the rows.
func (b *bench) lookAtPages(ctx context.Context) (times [3]time.Duration, err error) {
	s, err := b.serve(ctx)
	if err != nil {
		return times, err
	}
	defer s.end(&err)
	tab, err := b.chromium(ctx)
	if err != nil {
		return times, err
	}
	defer func() { err = errors.Join(err, tab.close()) }()
	day := b.newest.Truncate(24 * time.Hour).Add(-24 * time.Hour)
	page := s.url + "/" + camStream + "/" + day.Format(time.DateOnly) + "/"
	if err := chromedp.Do(tab.tab, chromedp.Navigate(page)); err != nil {
		return times, err
	}
	if _, err := tab.call(pictured, ""); err != nil {
		return times, err
	}
	if err := b.quiet(ctx); err != nil {
		return times, err
	}
	if times[0], err = tab.click(day.Add(evening), evening.Hours()/24); err != nil {
		return times, err
	}
	for i, address := range []string{page, s.url + "/"} {
		if err := chromedp.Do(tab.tab, chromedp.Navigate("about:blank"), chromedp.Navigate(address)); err != nil {
			return times, err
		}
		if times[1+i], err = tab.call(painted, ""); err != nil {
			return times, err
		}
	}
	return times, nil
}

// click clicks on the strip of a day's page at a share of its width, and gives how long it took until the picture of that time was there.
func (p *browser) click(wanted time.Time, share float64) (time.Duration, error) {
	box, err := chromedp.Run(p.tab, chromedp.Evaluate[[]float64](`(r => [r.left, r.top, r.width, r.height])(document.querySelector('.strip').getBoundingClientRect())`))
	if err != nil {
		return 0, err
	}
	type result struct {
		took time.Duration
		err  error
	}
	done := make(chan result, 1)
	set, err := chromedp.Run(p.tab, chromedp.Evaluate[bool](fmt.Sprintf("Boolean(window.clicked = %s(%d))", clickPage, wanted.UnixMilli())))
	if err != nil || !set {
		return 0, err
	}
	go func() {
		took, err := p.call("(() => window.clicked)", "")
		done <- result{took, err}
	}()
	if err := chromedp.Do(p.tab, chromedp.MouseClickXY(box[0]+box[2]*share, box[1]+box[3]/2)); err != nil {
		return 0, err
	}
	r := <-done
	return r.took, r.err
}
