package fuseconn_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"clipfs/cmd/internal/fuseconn"
	"clipfs/fs/mountinfo"
)

func TestFindRefusesWhatIsNoFUSE(t *testing.T) {
	if _, err := fuseconn.Find("/proc"); !errors.Is(err, fuseconn.ErrNotFUSE) {
		t.Errorf("Find(/proc): %v, want %v", err, fuseconn.ErrNotFUSE)
	}
	if _, err := fuseconn.Find(t.TempDir()); !errors.Is(err, mountinfo.ErrNotMounted) {
		t.Errorf("Find of a plain directory: %v, want %v", err, mountinfo.ErrNotMounted)
	}
	if _, err := fuseconn.Find(filepath.Join(t.TempDir(), "no", "such")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("Find of nothing: %v, want %v", err, os.ErrNotExist)
	}
}

func TestWatchReportsOnlyWhatTakesTooLong(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		done, cancel := context.WithCancel(t.Context())
		fuseconn.Watch(done, dir, time.Minute, func(err error) { t.Errorf("report of what was done: %v", err) })
		time.Sleep(time.Minute - time.Second)
		cancel()
		time.Sleep(time.Hour)

		reports := make(chan error, 1)
		fuseconn.Watch(t.Context(), dir, time.Minute, func(err error) { reports <- err })
		if got := <-reports; !errors.Is(got, mountinfo.ErrNotMounted) {
			t.Errorf("report: %v, want %v", got, mountinfo.ErrNotMounted)
		}
	})
}
