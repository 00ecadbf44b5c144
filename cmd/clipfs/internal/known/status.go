package known

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"clipfs/cmd/clipfs/internal/self"
)

const (
	// maxStatus bounds the text of a status.
	maxStatus = 4 << 20
	// answerWithin is how long a mount may take to tell its status, which it has at hand.
	answerWithin = 5 * time.Second
	// regionVariable and profileVariable are those of the SDK's default chain.
	regionVariable, profileVariable = "AWS_REGION", "AWS_PROFILE"
)

type told struct {
	Region   string              `json:"region"`
	Profile  string              `json:"profile"`
	Settings map[string][]string `json:"settings"`
}

func (s *Settings) parse(text []byte) error {
	var t told
	if err := json.Unmarshal(text, &t); err != nil {
		return fmt.Errorf("status: %w", err)
	}
	if t.Settings == nil {
		return errors.New("it is of a clipfs that is too old to do so")
	}
	s.Flags, s.Environment = t.Settings, make(map[string]string)
	for name, value := range map[string]string{regionVariable: t.Region, profileVariable: t.Profile} {
		if value != "" {
			s.Environment[name] = value
		}
	}
	return nil
}

// Copy writes the status of a mount. It is for a process of its own, as it hangs where the mount does.
func Copy(out io.Writer, mountpoint string) error {
	f, err := os.Open(filepath.Join(mountpoint, ".clipfs", "status.json"))
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(out, io.LimitReader(f, maxStatus))
	return err
}

// Read gives the status of a mount. A process of this program, run with args and the mountpoint, calls Copy; one that the
// mount holds is killed and left behind.
func Read(ctx context.Context, mountpoint string, args ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerWithin)
	defer cancel()
	text, err := self.Run(ctx, self.Program, append(args, mountpoint)...)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("%w within %s", errSilent, answerWithin)
	}
	return []byte(text), err
}
