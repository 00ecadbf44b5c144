package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"time"

	"github.com/chromedp/chromedp"

	"clipfs/cmd/internal/child"
)

// openVideo and seekVideo are functions of a page that give how many milliseconds it took until the first picture was shown, or that
// at a position. A video that was opened is paused there.
const (
	openVideo = `(source => new Promise((done, fail) => {
	const video = document.querySelector('video');
	video.onerror = () => fail(video.error.message);
	const begun = performance.now();
	video.requestVideoFrameCallback(() => { const took = performance.now() - begun; video.pause(); done(took); });
	video.src = source;
	video.play().catch(error => { if (error.name !== 'AbortError') fail(error); });
}))`
	seekVideo = `(position => new Promise((done, fail) => {
	const video = document.querySelector('video');
	const begun = performance.now();
	const look = (now, shown) => {
		if (Math.abs(shown.mediaTime - position) < 0.1) done(performance.now() - begun);
		else video.requestVideoFrameCallback(look);
	};
	video.requestVideoFrameCallback(look);
	video.currentTime = position;
}))`
)

// browser is a headless Chromium.
type browser struct {
	tab context.Context //nolint:containedctx // chromedp keeps the browser in it
	// files serves its page, where that is one of a video; else nil.
	files  *child.Process
	closes []context.CancelFunc
	home   string
}

// browse starts a Chromium with a page of a video, which sees the files of a mount through a file server.
func (b *bench) browse(ctx context.Context, m *mount) (_ *browser, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	files, endpoint, err := child.StartServer(self, nil, filesCommand, m.path)
	if err != nil {
		return nil, err
	}
	p, err := b.chromium(ctx)
	if err != nil {
		return nil, errors.Join(err, files.Stop(os.Interrupt))
	}
	p.files = files
	if err := chromedp.Do(p.tab, chromedp.Navigate(endpoint+pageName)); err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// chromium starts a Chromium.
func (b *bench) chromium(ctx context.Context) (_ *browser, err error) {
	if _, err := exec.LookPath("chromium"); err != nil {
		return nil, err
	}
	p := &browser{}
	defer func() {
		if err != nil {
			err = errors.Join(err, p.close())
		}
	}()
	if p.home, err = os.MkdirTemp(b.dir, "chromium-"); err != nil {
		return nil, err
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:], chromedp.ExecPath("chromium"), chromedp.NoSandbox,
		chromedp.Flag("disable-background-networking", true), chromedp.UserDataDir(p.home), chromedp.Env("HOME="+p.home, "TMPDIR="+p.home))
	allocated, end := chromedp.NewExecAllocator(ctx, options...)
	tab, cancel := chromedp.NewContext(allocated)
	p.tab, p.closes = tab, []context.CancelFunc{cancel, end}
	return p, chromedp.Do(p.tab, chromedp.EmulateViewport(pageWidth, pageHeight))
}

// pageWidth and pageHeight are the size of its window.
const pageWidth, pageHeight = 1280, 900

// call calls a function of the page with an argument, and gives the time that it says.
func (p *browser) call(function, argument string) (time.Duration, error) {
	ms, err := chromedp.Run(p.tab, chromedp.Evaluate[float64](fmt.Sprintf("%s(%s)", function, argument), chromedp.EvalAwaitPromise))
	return time.Duration(ms * float64(time.Millisecond)), err
}

func (p *browser) close() error {
	for _, end := range p.closes {
		end()
	}
	var err error
	if p.files != nil {
		err = p.files.Stop(os.Interrupt)
	}
	return errors.Join(err, os.RemoveAll(p.home))
}
