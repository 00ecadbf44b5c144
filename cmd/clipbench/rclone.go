package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"clipfs/cmd/internal/child"

	"clipfs/fs/mountinfo"

	"golang.org/x/sys/unix"
	"golang.org/x/time/rate"
)

// againstRclone compares reads of a clip with reads of the same bytes on a mount of rclone, of its http backend, whose
// cache has all of them.
func (b *bench) againstRclone(ctx context.Context, r *row, path string, c *copies) (err error) {
	program, err := exec.LookPath("rclone")
	if err != nil {
		r.missing = "rclone is not installed"
		return nil
	}
	dir, err := os.MkdirTemp(b.dir, "rclone-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	served, err := b.serveFile(ctx, c.stored)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, served.Close()) }()
	mountpoint := filepath.Join(dir, "mnt")
	if err := os.Mkdir(mountpoint, 0o700); err != nil {
		return err
	}
	p, err := child.Start(program, nil, "mount", ":http:", mountpoint, "--http-url", "http://"+served.Addr, "--read-only",
		"--vfs-cache-mode", "full", "--cache-dir", filepath.Join(dir, "cache"), "--config", "/dev/null")
	if err != nil {
		return err
	}
	defer func() {
		err = errors.Join(err, p.Stop(os.Interrupt))
		if _, found := mountinfo.Find(mountpoint); found == nil {
			err = errors.Join(err, unix.Unmount(mountpoint, unix.MNT_DETACH|unix.UMOUNT_NOFOLLOW))
		}
	}()
	if err := waitMounted(ctx, mountpoint, p); err != nil {
		return err
	}
	theirs := filepath.Join(mountpoint, filepath.Base(c.stored))
	for range 2 {
		if _, err := readFile(theirs); err != nil {
			return err
		}
	}
	all, err := b.compareReads(ctx, readWhole, 0, path, theirs, c.bare.file())
	if err != nil {
		return err
	}
	times, bare := all.against(1), &pairs{ours: all[2], theirs: all[1]}
	version, _ := child.Output(ctx, program, "version") // "" does not hurt
	name, _, _ := strings.Cut(string(version), "\n")
	r.value, r.note = times.faster(), times.note()+fmt.Sprintf(", 1 GiB each, %s; a bare FUSE file reaches %.2f", name, bare.faster())
	return nil
}

func waitMounted(ctx context.Context, mountpoint string, p *child.Process) error {
	for deadline := time.Now().Add(readyAfter); ; time.Sleep(20 * time.Millisecond) {
		if _, err := mountinfo.Find(mountpoint); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.Done:
			return fmt.Errorf("rclone ended: %w\n%s", p.Err, p.Tail())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("rclone not ready after %s\n%s", readyAfter, p.Tail())
		}
	}
}

// serveFile serves the directory of a file by HTTP, as far away as the emulator is.
func (b *bench) serveFile(ctx context.Context, path string) (*http.Server, error) {
	dir := filepath.Dir(path)
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	name := filepath.Base(path)
	server := &http.Server{Addr: listener.Addr().String(), ReadHeaderTimeout: readyAfter}
	server.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(b.latency)
		switch strings.Trim(r.URL.Path, "/") {
		case "":
			_, _ = fmt.Fprintf(w, "<html><body><a href=%q>%s</a></body></html>", name, name)
		case name:
			http.ServeFile(b.paced(w, r), r, filepath.Join(dir, name))
		default:
			http.NotFound(w, r)
		}
	})
	go func() { _ = server.Serve(listener) }() // ends with Close
	return server, nil
}

func (b *bench) paced(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	if b.rate == 0 {
		return w
	}
	return &pacedWriter{w, rate.NewLimiter(rate.Limit(b.rate), chunk), r}
}

type pacedWriter struct {
	http.ResponseWriter
	limiter *rate.Limiter
	request *http.Request
}

func (w *pacedWriter) Write(p []byte) (n int, err error) {
	for n < len(p) && err == nil {
		some := p[n:min(len(p), n+chunk)]
		if err = w.limiter.WaitN(w.request.Context(), len(some)); err != nil {
			break
		}
		var k int
		k, err = w.ResponseWriter.Write(some)
		n += k
	}
	return n, err
}
