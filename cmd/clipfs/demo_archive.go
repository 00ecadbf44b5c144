package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"strings"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/kvs"
)

// demoStream is the name of the demo's stream, which shows the test card.
const demoStream = "testcard"

// demoArchive starts an emulator with the test card and gives an archive on it. end stops both.
func demoArchive(ctx context.Context, logger *slog.Logger) (archive *kvs.Archive, end func() error, err error) {
	spec, err := footage.ParseSpec(demoStream + "=testcard")
	if err != nil {
		return nil, nil, err
	}
	source, err := spec.Open(ctx, time.Now())
	if err != nil {
		return nil, nil, err
	}
	server, err := emulator.New(emulator.Options{
		Log:     logger,
		Address: "127.0.0.1:0",
		Streams: []emulator.Stream{{Name: demoStream, Source: source, MediaType: "video/h264"}},
	})
	if err != nil {
		return nil, nil, err
	}
	// The emulator has to outlive ctx, which is the signal to unmount: what is being read is served till then.
	if err := server.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, nil, err
	}
	archive, err = demoClient(ctx, server.Endpoint(), logger)
	if err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	return archive, func() error { return errors.Join(archive.Close(), server.Close()) }, nil
}

// demoClient gives an archive on the emulator, which takes any credentials. The user's own are none of its business, and
// whether they are set up must not matter: so everything that the SDK would take from the environment is replaced, in
// this process, which does nothing else.
func demoClient(ctx context.Context, endpoint string, logger *slog.Logger) (*kvs.Archive, error) {
	for _, entry := range os.Environ() {
		if name, _, _ := strings.Cut(entry, "="); strings.HasPrefix(name, "AWS_") {
			if err := os.Unsetenv(name); err != nil {
				return nil, err
			}
		}
	}
	for name, value := range map[string]string{
		"AWS_ACCESS_KEY_ID":           "demo",
		"AWS_SECRET_ACCESS_KEY":       "demo",
		"AWS_REGION":                  "us-east-1",
		"AWS_CONFIG_FILE":             os.DevNull,
		"AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
	} {
		if err := os.Setenv(name, value); err != nil {
			return nil, err
		}
	}
	cfg, err := kvs.LoadConfig(ctx, kvs.ConfigOptions{EndpointURL: endpoint})
	if err != nil {
		return nil, err
	}
	return kvs.New(cfg, kvs.Options{Logger: logger})
}
