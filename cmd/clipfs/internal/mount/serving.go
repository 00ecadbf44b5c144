package mount

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"clipfs/cache"
	"clipfs/clip"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/cmd/clipfs/internal/holders"
	"clipfs/cmd/clipfs/internal/notify"
	"clipfs/cmd/clipfs/internal/self"
	"clipfs/fs"
	"clipfs/fs/mountinfo"

	"github.com/spf13/cobra"
)

const (
	// letGoWithin is how long the kernel and the server may take to let go of a mount that is not in use.
	letGoWithin = 200 * time.Millisecond
	// lookAfter is how often is looked whether the mount is still in the tree.
	lookAfter = 2 * time.Second
	// leaveMargin is what ending takes beyond the grace.
	leaveMargin = 5 * time.Second
)

// Serving is a mount, from when it is there until its process ends.
type Serving struct {
	// URL is where the tree is served over HTTP too; empty for nowhere.
	URL string

	server  *fs.Server
	library *clip.Library
	cache   *cache.Cache
	logger  *slog.Logger
	manager *notify.Manager
	grace   time.Duration
	// mount is as the table of mounts had it at the start.
	mount mountinfo.Info
	// giveUp ends the waits of calls for a service that refuses connections; nil where there is nothing to end.
	giveUp func()
}

// Until serves until ctx ends, and leaves the tree then, or until the mount is unmounted from outside.
func (s *Serving) Until(ctx context.Context) error {
	defer s.watched(context.WithoutCancel(ctx))()
	gone := make(chan struct{})
	go func() {
		s.server.Wait()
		close(gone)
	}()
	s.manager.Ready("serving " + s.server.Mountpoint())
	look := time.Tick(lookAfter)
	for told := false; ; {
		select {
		case <-gone:
			s.manager.Stopping("unmounted from outside", leaveMargin)
			if s.server.Mounted() {
				return errors.Join(fmt.Errorf("connection of %s aborted from outside: mount it again", s.server.Mountpoint()), s.server.Detach())
			}
			s.logger.Info("unmounted from outside", "mountpoint", s.server.Mountpoint())
			return nil
		case <-ctx.Done():
			return s.leave(gone)
		case <-look:
			if !told && !s.server.Listed() && !closedWithin(gone, letGoWithin) {
				told = true
				s.tellHeld(ctx)
			}
		}
	}
}

// tellHeld says in the log that the mount is out of the tree here, and which process still has it.
func (s *Serving) tellHeld(ctx context.Context) {
	by := "files that are open on it, or a mount namespace in which no process can be seen"
	copies, err := holders.Copies(ctx, s.mount)
	switch {
	case err != nil:
		by = fmt.Sprintf("somebody (%v)", err)
	case len(copies) > 0:
		by = holders.Text(copies)
	}
	s.logger.Warn("unmounted here, and still in use: it is served, and the cache kept, until that ends", "mountpoint", s.server.Mountpoint(), "held by", by)
}

// leave takes the mount out of the tree, so that another can take its place at once, and serves what is open on it until
// that is closed or the grace is over. Later reads get ENOTCONN, when this process ends. Callers that wait for
// nothing but a dead service are answered at once.
func (s *Serving) leave(gone <-chan struct{}) error {
	mountpoint := s.server.Mountpoint()
	s.manager.Stopping("serving what is open, the mount is out of the tree", s.grace+leaveMargin)
	if s.giveUp != nil {
		s.giveUp()
	}
	// First: a mount that finds the mountpoint free also finds the cache in use, and must know for how long.
	if err := s.cache.Leave(time.Now().Add(s.grace)); err != nil {
		s.logger.Warn("the next mount will not wait for the cache directory", "cause", err)
	}
	if err := s.server.Detach(); err != nil {
		return err
	}
	if !closedWithin(gone, letGoWithin) {
		s.logger.Info("out of the tree; what is open on it is served until it is closed", "mountpoint", mountpoint, "at most", s.grace)
		if !closedWithin(gone, s.grace) {
			s.logger.Warn("unmounted although it was in use", "mountpoint", mountpoint, "grace", s.grace)
			return nil
		}
	}
	s.logger.Info("unmounted", "mountpoint", mountpoint)
	return nil
}

func closedWithin(done <-chan struct{}, longest time.Duration) bool {
	select {
	case <-done:
		return true
	case <-time.After(longest):
		return false
	}
}

// watched tells the service manager, if it wants to hear that, that the server answers, until the function that it gives
// is called.
func (s *Serving) watched(ctx context.Context) (end func()) {
	period := notify.Watchdog()
	if period == 0 {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	prober := self.NewProber(s.server.Mountpoint(), probeCommandName)
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.manager.Watch(ctx, period, func(ctx context.Context) error { return s.alive(ctx, prober) })
	}()
	return func() {
		cancel()
		<-done
		if err := prober.Close(); err != nil {
			s.logger.Debug("probe", "cause", err)
		}
	}
}

// alive asks the server through the kernel whether it answers. Where the mount cannot be asked (it is out of the tree, or
// something is mounted over it, or there is no process to ask), nothing speaks against it.
func (s *Serving) alive(ctx context.Context, prober *self.Prober) error {
	if !s.server.Mounted() {
		return nil
	}
	err := prober.Ask(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded): // the watch ends
		return ctx.Err()
	case errors.Is(err, self.ErrSilent) && s.server.Mounted():
		return err
	default:
		s.logger.Warn("it cannot be told whether the mount answers", "cause", err)
	}
	return nil
}

// probeCommandName is a command that only this program runs.
const probeCommandName = "probe"

// ProbeCommand is the process that asks a mount whether it answers.
func ProbeCommand() *cobra.Command {
	return config.Hidden(probeCommandName, "MOUNTPOINT", "Ask a mount, once a line of stdin, whether it answers", func(cmd *cobra.Command, mountpoint string) error {
		return self.Answer(mountpoint, cmd.InOrStdin(), cmd.OutOrStdout())
	})
}
