package fs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"time"
)

// helperTimeout bounds a run of fusermount3. It only makes system calls.
const helperTimeout = 10 * time.Second

// runHelper runs fusermount3 and gives what it said as an error. It begins in the root directory, so that it holds no
// directory of ours.
func runHelper(path string, args ...string) error {
	ctx, cancel := context.WithTimeout(context.Background(), helperTimeout)
	defer cancel()
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir, cmd.Stderr = "/", &said
	err := cmd.Run()
	var exit *exec.ExitError
	if err == nil || !errors.As(err, &exit) {
		return err
	}
	return fmt.Errorf("%s (%w)", strings.TrimSpace(said.String()), err)
}
