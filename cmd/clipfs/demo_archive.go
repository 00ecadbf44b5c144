package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/kvs"
)

const demoStream = "testcard"

// demoArchive starts an emulator with the test card and gives an archive on it. end stops both.
func demoArchive(ctx context.Context, logger *slog.Logger, observer kvs.Observer) (service *kvs.Archive, end func() error, err error) {
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
	service, err = emulatorArchive(server.Endpoint(), logger, observer)
	if err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	return service, func() error { return errors.Join(service.Close(), server.Close()) }, nil
}

// emulatorArchive gives an archive on an emulator. The user's own credentials are none of its business.
func emulatorArchive(endpoint string, logger *slog.Logger, observer kvs.Observer) (*kvs.Archive, error) {
	cfg, err := kvs.EmulatorConfig(endpoint)
	if err != nil {
		return nil, err
	}
	return kvs.New(cfg, kvs.Options{Logger: logger, Observer: observer})
}
