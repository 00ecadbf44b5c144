// Package browser drives a headless Chromium in tests: it opens pages, clicks, looks at what a video shows, and collects what goes
// wrong in a page.
package browser

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/url"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/media"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"clipfs/clip/emulator/footage"
	"clipfs/cmd/internal/harness"
)

// patience is how long a step may take: machines are busy.
const patience = time.Minute

// Tab is a page in a browser, which ends with the test.
type Tab struct {
	ctx context.Context //nolint:containedctx // chromedp keeps the browser in it

	// mu guards the rest.
	mu sync.Mutex
	// wrong has errors of scripts, and lines that they wrote to the console; hosts those that were asked for anything.
	wrong []string
	hosts map[string]bool
	// broken has the errors of players.
	broken []string
}

// Open starts a browser, and opens a page of so many pixels.
func Open(t testing.TB, width, height int) *Tab {
	t.Helper()
	harness.Need(t, "chromium")
	home := t.TempDir()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath("chromium"), chromedp.NoSandbox, chromedp.Flag("disable-background-networking", true), chromedp.WindowSize(width, height),
		chromedp.Flag("autoplay-policy", "no-user-gesture-required"), chromedp.UserDataDir(t.TempDir()),
		chromedp.Env("HOME="+home, "TMPDIR="+home), // it leaves files in either
		chromedp.Flag("disable-gpu", true))         // which would be emulated, and takes more than drawing without one
	allocated, end := chromedp.NewExecAllocator(context.Background(), options...)
	t.Cleanup(end)
	return open(allocated, t, width, height)
}

// Another opens another page in the same browser, in a window of its own.
func (b *Tab) Another(t testing.TB, width, height int) *Tab {
	t.Helper()
	return open(b.ctx, t, width, height, chromedp.WithNewWindow(true))
}

func open(parent context.Context, t testing.TB, width, height int, options ...chromedp.ContextOption) *Tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(parent, options...)
	t.Cleanup(cancel)
	tab := &Tab{ctx: ctx, hosts: make(map[string]bool)}
	if err := chromedp.Do(ctx, chromedp.EmulateViewport(int64(width), int64(height))); err != nil {
		t.Fatal(err)
	}
	go collect(ctx, runtime.ExceptionThrown, func(e runtime.EventExceptionThrown) { tab.note(fmt.Sprintf("exception: %+v", e.ExceptionDetails)) })
	go collect(ctx, runtime.ConsoleAPICalled, func(e runtime.EventConsoleAPICalled) {
		if e.Type != "debug" && e.Type != "info" {
			tab.note(fmt.Sprintf("console.%s: %+v", e.Type, e.Args))
		}
	})
	go collect(ctx, media.PlayerErrorsRaised, func(e media.EventPlayerErrorsRaised) {
		for _, err := range e.Errors {
			tab.fail(causes(err))
		}
	})
	go collect(ctx, network.RequestWillBeSent, func(e network.EventRequestWillBeSent) { tab.asked(e.Request.URL) })
	return tab
}

// collect has all events of a kind.
func collect[E any](ctx context.Context, kind cdp.Event[E], take func(E)) {
	for event, err := range chromedp.Events(ctx, kind) {
		if err != nil {
			return
		}
		take(event)
	}
}

// causes tells of an error of a player and what caused it.
func causes(err *media.PlayerError) string {
	text := fmt.Sprintf("%s %d %s", err.ErrorType, err.Code, err.Data)
	for _, cause := range err.Cause {
		text += ": " + causes(cause)
	}
	return text
}

func (b *Tab) note(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wrong = append(b.wrong, text)
}

func (b *Tab) asked(address string) {
	u, err := url.Parse(address)
	if err != nil || u.Scheme == "data" || u.Scheme == "blob" {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.hosts[u.Host] = true
}

// fail notes an error of a player.
func (b *Tab) fail(text string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.broken = append(b.broken, text)
}

// Broken gives the errors of players in the page, each with what caused it.
func (b *Tab) Broken() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.broken)
}

// Wrong gives what went wrong in the page since the last time: exceptions and warnings on its console.
func (b *Tab) Wrong() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.wrong
	b.wrong = nil
	return all
}

// Hosts gives the hosts and ports that were asked for anything.
func (b *Tab) Hosts() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for host := range b.hosts {
		all = append(all, host)
	}
	return all
}

// Do takes steps; each has to succeed.
func (b *Tab) Do(t testing.TB, steps ...chromedp.Action[chromedp.Void]) {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	if err := chromedp.Do(ctx, steps...); err != nil {
		t.Fatal(err)
	}
}

// Go opens a page and waits until it is loaded.
func (b *Tab) Go(t testing.TB, address string) {
	t.Helper()
	b.Do(t, chromedp.Navigate(address))
}

// Look has the browser say that it prefers light or dark pages, in a window of so many pixels.
func (b *Tab) Look(t testing.TB, width, height int64, scheme string) {
	t.Helper()
	b.Do(t, chromedp.EmulateViewport(width, height), call(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	}))
}

// Screenshot writes what the page shows to a PNG file.
func (b *Tab) Screenshot(t testing.TB, path string) {
	t.Helper()
	png := do(t, b, chromedp.CaptureScreenshot())
	if err := os.WriteFile(path, png, 0o644); err != nil { //nolint:gosec // a picture to look at
		t.Fatal(err)
	}
}

func do[T any](t testing.TB, b *Tab, action chromedp.Action[T]) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	v, err := chromedp.Run(ctx, action)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// call is a step that calls a method of the browser.
func call[In, Out any](method cdp.Command[In, Out], in In) chromedp.Action[chromedp.Void] {
	return func(ctx context.Context, target *chromedp.Target) (chromedp.Void, error) {
		_, err := cdp.Call(ctx, target, method, in)
		return chromedp.Void{}, err
	}
}

// Eval gives the value of an expression in the page; a promise is waited for.
func Eval[T any](t testing.TB, b *Tab, expression string) T {
	t.Helper()
	return do(t, b, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
}

// Await waits until an expression is true.
func (b *Tab) Await(t testing.TB, expression string) {
	t.Helper()
	for deadline := time.Now().Add(patience); !Eval[bool](t, b, "Boolean("+expression+")"); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("not within %v: %s; wrong: %v", patience, expression, b.Wrong())
		}
	}
}

// picture is a picture of a video in gray.
type picture struct {
	Width, Height int
	Gray          string
}

// grayOf is a function of a page: the picture that a video shows.
const grayOf = `(video => {
	const c = document.createElement('canvas');
	c.width = video.videoWidth; c.height = video.videoHeight;
	const d = c.getContext('2d');
	d.drawImage(video, 0, 0);
	const p = d.getImageData(0, 0, c.width, c.height).data;
	let s = '';
	for (let i = 0; i < p.length; i += 4) s += String.fromCharCode((p[i] * 77 + p[i+1] * 150 + p[i+2] * 29) >> 8);
	return {Width: c.width, Height: c.height, Gray: btoa(s)};
})`

// pixels gives a byte for each pixel, line by line.
func (p picture) pixels(t testing.TB) []byte {
	t.Helper()
	gray, err := base64.StdEncoding.DecodeString(p.Gray)
	if err != nil {
		t.Fatal(err)
	}
	return gray
}

// Gray gives the picture that a video shows, a byte for each pixel, line by line; which is an expression for the video.
func (b *Tab) Gray(t testing.TB, which string) (gray []byte, width, height int) {
	t.Helper()
	shown := Eval[picture](t, b, grayOf+"("+which+")")
	return shown.pixels(t), shown.Width, shown.Height
}

// Second reads the second of the minute from the test card that a video shows; which is an expression for the video. It gives -1
// where there is no test card.
func (b *Tab) Second(t testing.TB, which string) int {
	t.Helper()
	return Eval[picture](t, b, grayOf+"("+which+")").second(t)
}

// second reads the test card; -1 where there is none.
func (p picture) second(t testing.TB) int {
	t.Helper()
	second, err := footage.ReadTestCard(p.pixels(t), p.Width, p.Height)
	if err != nil {
		return -1
	}
	return second
}

// shownOf is a function of a page: once a video has come to stand at a picture, that picture and what a clock says then.
const shownOf = `(async (video, clock, patience) => {
	for (const until = performance.now() + patience; video.readyState < 2 || video.seeking || !clock.classList.contains('shown');) {
		if (performance.now() > until) throw new Error('nothing is shown: ' + clock.textContent + ', at ' + video.currentTime + ', ready ' + video.readyState);
		await new Promise(done => setTimeout(done, 10));
	}
	return {Clock: clock.textContent, ...` + grayOf + `(video)};
})`

// Shown waits until a video has come to stand at a picture, and gives the second of the test card in it, as Second does, and what a clock
// says at that moment. Both are expressions.
func (b *Tab) Shown(t testing.TB, video, clock string) (second int, said string) {
	t.Helper()
	shown := Eval[struct {
		picture
		Clock string
	}](t, b, fmt.Sprintf("%s(%s, %s, %d)", shownOf, video, clock, patience.Milliseconds()*3/4))
	return shown.second(t), shown.Clock
}

// Paste puts what is on the clipboard where the cursor is.
func (b *Tab) Paste(t testing.TB) {
	t.Helper()
	b.Do(t, call(input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeKeyDown, Key: "v", Commands: []string{"paste"}}))
}

// Before has each page run a script before its own.
func (b *Tab) Before(t testing.TB, script string) {
	t.Helper()
	b.Do(t, call(page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: script}))
}

// NoScript has pages run no scripts from now on.
func (b *Tab) NoScript(t testing.TB) {
	t.Helper()
	b.Do(t, call(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}))
}

// Timezone has the browser be in a time zone.
func (b *Tab) Timezone(t testing.TB, zone string) {
	t.Helper()
	b.Do(t, call(emulation.SetTimezoneOverride, emulation.SetTimezoneOverrideParams{TimezoneID: zone}))
}

// MoveTo moves the pointer to a place of the window, without a button.
func (b *Tab) MoveTo(t testing.TB, x, y float64) {
	t.Helper()
	b.Do(t, call(input.DispatchMouseEvent, input.DispatchMouseEventParams{Type: input.DispatchMouseEventTypeMouseMoved, X: x, Y: y}))
}
