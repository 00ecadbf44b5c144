package self

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrSilent says that the server has not answered in time.
var ErrSilent = errors.New("no answer")

// Prober has a process that asks.
type Prober struct {
	mountpoint string
	command    []string

	// mu guards what follows.
	mu      sync.Mutex
	asker   *asker
	waiting bool // for an answer to a question of before
}

type asker struct {
	cmd       *exec.Cmd
	questions io.WriteCloser
	answers   chan string // closed when the process has ended
}

// NewProber gives a prober whose process is this program, run with the arguments and the mountpoint; it has to call Answer.
// The process is started by the first Ask.
func NewProber(mountpoint string, args ...string) *Prober {
	return &Prober{mountpoint: mountpoint, command: append(args, mountpoint)}
}

// Ask returns nil when the server answers, and ErrSilent when it has not by the end of ctx. There is never more than one
// question on its way: one that was not answered is waited for again by the next Ask. Where the process cannot be run,
// nothing is known of the server; that is another error.
func (p *Prober) Ask(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asker == nil {
		a, err := start(p.command)
		if err != nil {
			return fmt.Errorf("probe of %s: %w", p.mountpoint, err)
		}
		p.asker, p.waiting = a, false
	}
	if p.waiting {
		select {
		case <-p.asker.answers: // to an earlier question; what counts is how it is now
			p.waiting = false
		default:
		}
	}
	if !p.waiting {
		if _, err := io.WriteString(p.asker.questions, "\n"); err != nil {
			return p.endLocked(err)
		}
		p.waiting = true
	}
	select {
	case answer, ok := <-p.asker.answers:
		if !ok {
			return p.endLocked(io.ErrUnexpectedEOF)
		}
		p.waiting = false
		if answer != answered {
			return fmt.Errorf("%s: %w: %s", p.mountpoint, ErrSilent, answer)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%s: %w", p.mountpoint, ErrSilent)
	}
}

// endLocked lets go of a process that has ended, so that the next Ask starts another.
func (p *Prober) endLocked(cause error) error {
	err := fmt.Errorf("probe of %s: %w", p.mountpoint, errors.Join(cause, p.asker.questions.Close()))
	p.asker = nil
	return err
}

// Close ends the process, which ends by itself when its connection to this one does: one that hangs on the mount
// cannot be waited for.
func (p *Prober) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.asker == nil {
		return nil
	}
	err := p.asker.questions.Close()
	p.asker = nil
	return err
}

// start starts the process. It holds no directory of ours, and no file of the mount.
func start(args []string) (*asker, error) {
	cmd := exec.Command(Program, args...) //nolint:noctx // it ends when its stdin does
	cmd.Dir = "/"
	questions, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	answers, err := cmd.StdoutPipe()
	if err != nil {
		return nil, errors.Join(err, questions.Close())
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	a := &asker{cmd: cmd, questions: questions, answers: make(chan string, 1)}
	go func() {
		defer close(a.answers)
		lines := bufio.NewScanner(answers)
		for lines.Scan() {
			a.answers <- lines.Text()
		}
		_ = cmd.Wait() // that it has ended is all that matters
	}()
	return a, nil
}

// answered is what the process says of a server that answers.
const answered = "ok"

// Answer is the process that asks: for each line of in it asks the server of a mount, and writes to out what came.
func Answer(mountpoint string, in io.Reader, out io.Writer) error {
	questions := bufio.NewScanner(in)
	for questions.Scan() {
		answer := answered
		var s unix.Statfs_t
		if err := unix.Statfs(mountpoint, &s); err != nil {
			answer = err.Error()
		}
		if _, err := fmt.Fprintln(out, answer); err != nil {
			return err
		}
	}
	return questions.Err()
}
