package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"clipfs/clip/shared/gateway"
	"clipfs/cmd/internal/child"
	"clipfs/fs/mountinfo"
)

// peer is a program that shows files of a server on a mount of its own, and keeps what was read on the disk.
type peer struct {
	// name is what rows call it, program what it is called.
	name, program string
	// store says that it reads objects of an S3 store, else it reads files of an HTTP server.
	store bool
	// args has it mount what is at an address, in the foreground; dir is for what it keeps.
	args func(address, mountpoint, dir string) ([]string, error)
}

// missing says why its rows cannot be measured here; "" where they can.
func (p peer) missing() string {
	if !has(p.program) {
		return p.program + " is not installed: .ci/bench fetches it"
	}
	return ""
}

// version is the first line of what it says of itself; "" where it says nothing.
func (p peer) version(ctx context.Context) string {
	text, _ := child.Output(ctx, p.program, "--version")
	line, _, _ := strings.Cut(string(text), "\n")
	return line
}

// pinnedRclone is the rclone that the benchmark has always been made with.
func pinnedRclone() peer { return rcloneHTTP("rclone mount", "rclone") }

// rcloneNewest is the name of the newest rclone.
const rcloneNewest = "rclone-newest"

func rcloneHTTP(name, program string) peer {
	return peer{name: name, program: program, args: func(address, mountpoint, dir string) ([]string, error) {
		return append(rcloneMount(":http:", mountpoint, dir), "--http-url", address), nil
	}}
}

// rcloneMount are the arguments of each rclone: all that was read stays on the disk.
func rcloneMount(remote, mountpoint, dir string) []string {
	return []string{"mount", remote, mountpoint, "--read-only", "--vfs-cache-mode", "full", "--cache-dir", filepath.Join(dir, "cache"),
		"--config", "/dev/null"}
}

// peers are those that clipfs is compared with beside the rclone that has been there always.
func peers() []peer {
	return []peer{
		rcloneHTTP("the newest rclone mount", rcloneNewest),
		{name: "the newest rclone mount over S3", program: rcloneNewest, store: true, args: func(address, mountpoint, dir string) ([]string, error) {
			key, secret := gateway.AccessKey, gateway.SecretKey
			// Several streams, as its manual has it for stores that are far away.
			return append(rcloneMount(":s3:"+gateway.Name, mountpoint, dir), "--s3-provider", "Other", "--s3-endpoint", address, "--s3-region", "us-east-1",
				"--s3-force-path-style", "--s3-access-key-id", key, "--s3-secret-access-key", secret, "--vfs-read-chunk-streams", "16",
				"--vfs-read-chunk-size", "4M"), nil
		}},
		{name: "s3fs", program: "s3fs", store: true, args: func(address, mountpoint, dir string) ([]string, error) {
			key, secret := gateway.AccessKey, gateway.SecretKey
			passwd := filepath.Join(dir, "passwd")
			if err := os.WriteFile(passwd, []byte(key+":"+secret), 0o600); err != nil {
				return nil, err
			}
			return []string{gateway.Name, mountpoint, "-f", "-o", "url=" + address + ",use_path_request_style,ro,kernel_cache,parallel_count=16,passwd_file=" +
				passwd + ",use_cache=" + filepath.Join(dir, "cache")}, nil
		}},
	}
}

// peerMount is a mount of a peer.
type peerMount struct {
	mountpoint string
	process    *child.Process
}

// mountPeer mounts what is at an address; dir is for what the peer keeps.
func (b *bench) mountPeer(ctx context.Context, p peer, address, dir string) (*peerMount, error) {
	mountpoint, err := os.MkdirTemp(b.dir, "peer-")
	if err != nil {
		return nil, err
	}
	args, err := p.args(address, mountpoint, dir)
	if err != nil {
		return nil, err
	}
	m := &peerMount{mountpoint: mountpoint}
	if m.process, err = child.Start(p.program, withHome(dir), args...); err != nil {
		return nil, err
	}
	if err := waitMounted(ctx, mountpoint, m.process); err != nil {
		m.end(&err)
		return nil, err
	}
	return m, nil
}

// withHome has a program find no settings of the user's.
func withHome(dir string) func(*exec.Cmd) error {
	return func(cmd *exec.Cmd) error {
		cmd.Env = append(cmd.Env, "HOME="+dir)
		return nil
	}
}

func (m *peerMount) file(name string) string { return filepath.Join(m.mountpoint, name) }

// end ends it and keeps what it has on the disk.
func (m *peerMount) end(err *error) {
	*err = errors.Join(*err, endMount(m.process, m.mountpoint))
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
			return fmt.Errorf("the mount ended: %w\n%s", p.Err, p.Tail())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("no mount after %s\n%s", readyAfter, p.Tail())
		}
	}
}

// againstPeer compares second reads of a clip with those of the same bytes on a mount of a peer, which has read them before.
func (b *bench) againstPeer(ctx context.Context, r *row, path, theirs string, bare *bareMount, p peer) error {
	for range 2 {
		if _, err := readFile(theirs); err != nil {
			return err
		}
	}
	all, err := b.compareReads(ctx, readWhole, 0, path, theirs, bare.file())
	if err != nil {
		return err
	}
	times, floor := all.against(1), &pairs{ours: all[2], theirs: all[1]}
	r.value, r.rounds = times.faster(), times.raw()
	r.note = times.note() + fmt.Sprintf(", 1 GiB each, %s; a bare FUSE file reaches %.2f", p.version(ctx), floor.faster())
	return nil
}
