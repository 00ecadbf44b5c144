package mount

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"syscall"
)

// profile writes what the process spends its time on to DIR/cpu.pprof until end is called, its heap to
// DIR/heap.pprof whenever it gets SIGUSR1, and to DIR/heap-end.pprof at the end. Without a directory it does nothing.
func profile(dir string) (end func() error, err error) {
	if dir == "" {
		return func() error { return nil }, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	cpu, err := os.Create(filepath.Join(dir, "cpu.pprof"))
	if err != nil {
		return nil, fmt.Errorf("profiles: %w", err)
	}
	if err := pprof.StartCPUProfile(cpu); err != nil {
		return nil, errors.Join(fmt.Errorf("profiles: %w", err), cpu.Close())
	}
	asked := make(chan os.Signal, 1)
	signal.Notify(asked, syscall.SIGUSR1)
	done := make(chan error)
	go func() {
		var err error
		for range asked {
			err = errors.Join(err, writeHeap(dir, "heap.pprof"))
		}
		done <- err
	}()
	return func() error {
		pprof.StopCPUProfile()
		signal.Stop(asked)
		close(asked)
		return errors.Join(<-done, writeHeap(dir, "heap-end.pprof"), cpu.Close())
	}, nil
}

func writeHeap(dir, name string) error {
	runtime.GC()
	f, err := os.Create(filepath.Join(dir, name))
	if err != nil {
		return fmt.Errorf("profiles: %w", err)
	}
	if err := pprof.WriteHeapProfile(f); err != nil {
		return errors.Join(fmt.Errorf("profiles: %w", err), f.Close())
	}
	return f.Close()
}
