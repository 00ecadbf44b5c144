package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"clipfs/cmd/internal/child"
)

// firstPicture opens a file of a mount in a program that has started, and gives how long it took until the first picture was decoded.
type firstPicture func(ctx context.Context, b *bench, m *mount, path string) (time.Duration, error)

// players are the programs whose first picture is waited for.
func players() []struct {
	name, program string
	first         firstPicture
} {
	return []struct {
		name, program string
		first         firstPicture
	}{
		{"ffmpeg", "ffmpeg", func(ctx context.Context, _ *bench, _ *mount, path string) (time.Duration, error) {
			return firstFrame(ctx, path)
		}},
		{"mpv", "mpv", func(ctx context.Context, b *bench, _ *mount, path string) (time.Duration, error) {
			return b.mpv(ctx, path, 0)
		}},
		{"VLC", "vlc", func(ctx context.Context, b *bench, _ *mount, path string) (time.Duration, error) {
			return b.vlc(ctx, path)
		}},
		{"headless Chromium", "chromium", func(ctx context.Context, b *bench, m *mount, path string) (took time.Duration, err error) {
			p, err := b.browse(ctx, m)
			if err != nil {
				return 0, err
			}
			defer func() { err = errors.Join(err, p.close()) }()
			return p.call(openVideo, strconv.Quote(strings.TrimPrefix(path, m.path)))
		}},
	}
}

// dialled waits until a program listens, and connects to it.
func dialled(ctx context.Context, network, address string) (net.Conn, error) {
	for deadline := time.Now().Add(readyAfter); ; time.Sleep(20 * time.Millisecond) {
		c, err := new(net.Dialer).DialContext(ctx, network, address)
		if err == nil || time.Now().After(deadline) || ctx.Err() != nil {
			return c, err
		}
	}
}

// mpv has an mpv that waits load a file from a position on.
func (b *bench) mpv(ctx context.Context, path string, start time.Duration) (took time.Duration, err error) {
	dir, err := os.MkdirTemp(b.dir, "mpv-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	socket := filepath.Join(dir, "mpv")
	p, err := child.Start("mpv", nil, "--no-config", "--no-terminal", "--idle=yes", "--no-audio", "--vo=null", "--input-ipc-server="+socket)
	if err != nil {
		return 0, err
	}
	defer func() { _ = p.Stop(os.Interrupt) }() // what it ends with tells nothing
	c, err := dialled(ctx, "unix", socket)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	time.Sleep(warmUp)
	began := time.Now()
	command, err := json.Marshal(map[string]any{"command": []string{"loadfile", path, "replace", fmt.Sprintf("start=%g", start.Seconds())}})
	if err != nil {
		return 0, err
	}
	if _, err := c.Write(append(command, '\n')); err != nil {
		return 0, err
	}
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		var said struct{ Event, Reason, FileError string }
		if err := json.Unmarshal(lines.Bytes(), &said); err != nil {
			return 0, err
		}
		switch said.Event {
		case "playback-restart": // the first picture is there
			return time.Since(began), nil
		case "end-file":
			return 0, fmt.Errorf("mpv ended with %s: %s", path, lines.Text())
		}
	}
	return 0, fmt.Errorf("mpv has gone with %s: %w", path, errors.Join(lines.Err(), p.Err))
}

// nobody is an ordinary user that every system has.
const nobody = 65534

// vlc has a VLC that waits add a file to its list, and write what it shows to a file, as there is no display.
func (b *bench) vlc(ctx context.Context, path string) (took time.Duration, err error) {
	home, err := os.MkdirTemp(b.dir, "vlc-")
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(home)) }()
	address, err := freeAddress(ctx)
	if err != nil {
		return 0, err
	}
	out := filepath.Join(home, "shown")
	args := []string{"env", "HOME=" + home, "XDG_RUNTIME_DIR=" + home, "vlc", "-I", "rc", "--rc-host", address, "--ignore-config", "--no-dbus", "--no-audio",
		"--sout=#transcode{vcodec=I420,acodec=none}:std{access=file,mux=dummy,dst=" + out + "}"}
	if os.Getuid() == 0 { // VLC refuses to run as root
		user := strconv.Itoa(nobody)
		args = append([]string{"setpriv", "--reuid", user, "--regid", user, "--clear-groups"}, args...)
		if err := os.Chown(home, nobody, nobody); err != nil {
			return 0, err
		}
	}
	p, err := child.Start(args[0], nil, args[1:]...)
	if err != nil {
		return 0, err
	}
	defer func() { _ = p.Stop(os.Interrupt) }() // what it ends with tells nothing
	c, err := dialled(ctx, "tcp", address)
	if err != nil {
		return 0, err
	}
	defer func() { _ = c.Close() }()
	time.Sleep(warmUp)
	began := time.Now()
	if _, err := fmt.Fprintf(c, "add %s\n", path); err != nil {
		return 0, err
	}
	for ; ; time.Sleep(time.Millisecond) {
		info, err := os.Stat(out)
		switch {
		case err == nil && info.Size() >= videoWidth*videoHeight*3/2:
			return time.Since(began), nil
		case err != nil && !errors.Is(err, fs.ErrNotExist):
			return 0, err
		case time.Since(began) > watchdogAfter, p.Ended(), ctx.Err() != nil:
			return 0, fmt.Errorf("VLC has shown nothing of %s: %w", path, errors.Join(ctx.Err(), p.Err))
		}
	}
}

// freeAddress gives an address of this machine on which nothing listens.
func freeAddress(ctx context.Context) (string, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// has reports whether a program is there.
func has(program string) bool {
	_, err := exec.LookPath(program)
	return err == nil
}
