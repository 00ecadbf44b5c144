// Package notify tells the service manager that started this process how it is doing (sd_notify(3)): that it is ready,
// what it does, that it ends, and, if the manager wants to hear that (WatchdogSec=), that it still works. Where there is no manager,
// NOTIFY_SOCKET is not set and nothing happens.
package notify

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/coreos/go-systemd/v22/daemon"
)

// Manager is the service manager, if there is one.
type Manager struct {
	logger *slog.Logger
	send   func(state string) error
}

// New gives the manager that the environment names.
func New(logger *slog.Logger) *Manager {
	return NewTo(logger, func(state string) error {
		_, err := daemon.SdNotify(false, state)
		return err
	})
}

// NewTo gives a manager that gets its messages by send.
func NewTo(logger *slog.Logger, send func(state string) error) *Manager {
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	return &Manager{logger: logger, send: send}
}

// Ready says that the process serves.
func (m *Manager) Ready(status string) { m.tell(daemon.SdNotifyReady, statusOf(status)) }

// Starting says what the start waits for, and that it will take no longer than so long from now.
func (m *Manager) Starting(status string, longest time.Duration) {
	m.tell(statusOf(status), extend(longest))
}

// Stopping says that the process ends, and that it will take no longer than so long from now.
func (m *Manager) Stopping(status string, longest time.Duration) {
	m.tell(daemon.SdNotifyStopping, statusOf(status), extend(longest))
}

func statusOf(line string) string {
	return "STATUS=" + strings.Join(strings.FieldsFunc(line, func(c rune) bool { return c == '\n' || c == '\r' }), "; ")
}

func extend(longest time.Duration) string {
	return fmt.Sprintf("EXTEND_TIMEOUT_USEC=%d", longest.Microseconds())
}

// tell sends messages. A manager that does not listen is no reason not to serve.
func (m *Manager) tell(messages ...string) {
	if err := m.send(strings.Join(messages, "\n")); err != nil {
		m.logger.Debug("the service manager cannot be told", "cause", err)
	}
}

// asksPerPeriod is how often alive is asked in the time after which the manager gives the process up: a machine that is
// busy may be late twice.
const asksPerPeriod = 4

// Watchdog gives how soon the manager wants to hear again and again that the process works; 0 if it does not.
func Watchdog() time.Duration {
	period, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return 0 // a value that the manager would not have given
	}
	return period
}

// Watch tells the manager that the process works, as long as alive says so, several times a period, until ctx ends.
// alive gets a context that ends in time for the next question.
func (m *Manager) Watch(ctx context.Context, period time.Duration, alive func(context.Context) error) {
	every := period / asksPerPeriod
	ticker := time.Tick(every)
	for {
		m.ask(ctx, every, alive)
		select {
		case <-ctx.Done():
			return
		case <-ticker:
		}
	}
}

func (m *Manager) ask(ctx context.Context, longest time.Duration, alive func(context.Context) error) {
	asked, cancel := context.WithTimeout(ctx, longest)
	defer cancel()
	err := alive(asked)
	switch {
	case err == nil:
		m.tell(daemon.SdNotifyWatchdog)
	case ctx.Err() == nil:
		m.logger.Error("the mount does not answer; if it goes on so, the service manager ends this process", "cause", err)
	}
}
