package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"

	"clipfs/clip/emulator"
	"clipfs/clip/kvs"
	"clipfs/cmd/clipfs/internal/mount"
	"clipfs/cmd/internal/metrics"
)

// servePage shows the streams of an emulator in a browser until ctx ends or the emulator does, and prints the line once both are
// ready.
func (f *emulatorFlags) servePage(ctx context.Context, srv *emulator.Server, ready readyLine, log *slog.Logger, stdout io.Writer) (err error) {
	c := mount.Default()
	c.Web.NoAuth = true // all that it shows, the API gives to everybody
	if err := c.Web.SetAddress(f.page); err != nil {
		return err
	}
	if err := c.Check(); err != nil {
		return err
	}
	if c.CacheDir, err = os.MkdirTemp("", "clipfs-emulator-cache-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(c.CacheDir)) }()
	c.Grace = 0                                                    // nothing to wait for
	c.Told = map[string][]string{"endpoint-url": {srv.Endpoint()}} // for what tells of the settings
	counted := metrics.New(metrics.Options{})
	keys := f.options.Credentials
	service, err := emulatorArchive(srv.Endpoint(), kvs.EmulatorOptions{Key: keys.Key, Secret: keys.Secret, Region: f.region, CA: f.ca}, log, counted)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, service.Close()) }()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() {
		ended <- srv.Wait()
		cancel()
	}()
	err = c.ServeWeb(ctx, service, counted, log, func(_ *mount.Assembly, url string) (func(), error) {
		ready.Page = url
		return func() {}, ready.print(stdout)
	})
	return errors.Join(err, srv.Close(), <-ended)
}
