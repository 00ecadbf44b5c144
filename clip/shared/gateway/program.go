package gateway

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
)

// StoreVariable names the store that Start starts: "versitygw", which is the default, or "minio".
const StoreVariable = "CLIPFS_TEST_STORE"

const (
	// Name is the bucket that there is.
	Name = "footage"
	// AccessKey is that of its only user.
	AccessKey = "test"
	// SecretKey is its secret.
	SecretKey = "test-secret"
	// Region is where it says that it is.
	Region = "us-east-1"
)

// versity names Versity S3 Gateway.
const versity = "versitygw"

// program is a store that can be started.
type program struct {
	// name is that of the store, and path where its program is; empty where it is not installed. builtBy builds it.
	name, path, builtBy string
	// command gives the process that keeps its objects in a directory, and where it listens.
	command func(dir string) (*exec.Cmd, net.Addr, error)
}

// named gives a store by its name.
func named(name string) (p program, err error) {
	switch name {
	case "", versity:
		p = program{name: versity, path: Program(), builtBy: ".ci/test"}
		p.command = p.versitygw
	case "minio":
		p = program{name: name, path: installed("minio-7aac2a2c5b7c/minio"), builtBy: ".ci/minio"}
		p.command = p.minio
	default:
		err = fmt.Errorf("%s=%s: no such store", StoreVariable, name)
	}
	return p, err
}

// Program gives the path of Versity S3 Gateway, as .ci/test builds it; "" where it is not installed.
func Program() string { return installed("versitygw-v1.8.0/versitygw") }

// installed gives the path of a tool of the tests; "" where it is not there.
func installed(name string) string {
	tools := os.Getenv("XDG_CACHE_HOME")
	if tools == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return ""
		}
		tools = filepath.Join(home, ".cache")
	}
	path := filepath.Join(tools, "clipfs-ci", filepath.FromSlash(name))
	if _, err := os.Stat(path); err != nil {
		return ""
	}
	return path
}

// versitygw listens as stores do: through a socket that is a file it sends 4 KiB at a time, which costs three times as much.
func (p program) versitygw(dir string) (*exec.Cmd, net.Addr, error) {
	objects, side := filepath.Join(dir, "objects"), filepath.Join(dir, "side")
	if err := errors.Join(os.MkdirAll(filepath.Join(objects, Name), 0o700), os.Mkdir(side, 0o700)); err != nil {
		return nil, nil, err
	}
	at, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(p.path, "--quiet", "--keep-alive", "--port", at.String(), "posix", "--sidecar", side, objects) //nolint:noctx // it ends with the test
	cmd.Env = p.environment(dir, "ROOT_ACCESS_KEY_ID="+AccessKey, "ROOT_SECRET_ACCESS_KEY="+SecretKey)
	return cmd, at, nil
}

// minio listens in the same way.
func (p program) minio(dir string) (*exec.Cmd, net.Addr, error) {
	objects := filepath.Join(dir, "objects")
	if err := os.MkdirAll(filepath.Join(objects, Name), 0o700); err != nil {
		return nil, nil, err
	}
	at, err := freeAddress()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(p.path, "server", "--quiet", "--address", at.String(), "--console-address", "127.0.0.1:0", objects) //nolint:noctx // it ends with the test
	cmd.Env = p.environment(dir, "MINIO_ROOT_USER="+AccessKey, "MINIO_ROOT_PASSWORD="+SecretKey, "MINIO_REGION="+Region, "MINIO_BROWSER=off", "MINIO_UPDATE=off")
	return cmd, at, nil
}

// freeAddress gives where a store can listen: on an address of this machine that no other program has, since stores do not say which port they
// have taken, and another program could take a port that is free until then.
func freeAddress() (net.Addr, error) {
	n := rand.Uint32()
	free, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", net.JoinHostPort(net.IPv4(127, byte(n>>16), byte(n>>8), byte(n)|1).String(), "0"))
	if err != nil {
		return nil, err
	}
	return free.Addr(), free.Close()
}

// environment gives that of a store, which finds nothing of the caller's.
func (program) environment(dir string, more ...string) []string {
	return append(more, "HOME="+dir, "PATH="+os.Getenv("PATH"))
}
