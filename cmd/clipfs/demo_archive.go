package main

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"clipfs/clip/emulator"
	"clipfs/clip/emulator/footage"
	"clipfs/clip/emulator/producer"
	"clipfs/clip/kvs"
)

// The cameras of the demo: one that records on, and two of which the emulator is sent what they recorded.
const (
	demoStream = "testcard"
	gapsStream = "testcard-gaps"
	goneStream = "testcard-silent"
)

// demoRun is footage of a camera: how long ago it began, and how long it is.
type demoRun struct {
	stream      string
	ago, length time.Duration
}

func demoRuns() []demoRun {
	return []demoRun{
		{gapsStream, 55 * time.Minute, 4 * time.Minute}, {gapsStream, 45 * time.Minute, 90 * time.Second},
		{gapsStream, 30 * time.Minute, 6 * time.Minute}, {gapsStream, 4 * time.Minute, 4 * time.Minute},
		{goneStream, 5 * time.Hour, 3 * time.Minute},
	}
}

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
		NoQuota: true, // what the cameras have recorded is sent at once
		Streams: []emulator.Stream{
			{Name: demoStream, Source: source, MediaType: "video/h264"}, {Name: gapsStream, MediaType: "video/h264"}, {Name: goneStream, MediaType: "video/h264"},
		},
	})
	if err != nil {
		return nil, nil, err
	}
	// The emulator has to outlive ctx, which is the signal to unmount: what is being read is served till then.
	if err := server.Start(context.WithoutCancel(ctx)); err != nil {
		return nil, nil, err
	}
	now := time.Now().Truncate(2 * time.Second)
	for _, run := range demoRuns() {
		from := now.Add(-run.ago)
		if _, err := producer.PutTestCard(ctx, server.Endpoint(), run.stream, from, from.Add(run.length), producer.Options{}); err != nil {
			return nil, nil, errors.Join(err, server.Close())
		}
	}
	service, err = emulatorArchive(server.Endpoint(), kvs.EmulatorOptions{}, logger, observer)
	if err != nil {
		return nil, nil, errors.Join(err, server.Close())
	}
	return service, func() error { return errors.Join(service.Close(), server.Close()) }, nil
}

// emulatorArchive gives an archive on an emulator. The user's own credentials are none of its business.
func emulatorArchive(endpoint string, o kvs.EmulatorOptions, logger *slog.Logger, observer kvs.Observer) (*kvs.Archive, error) {
	cfg, err := kvs.EmulatorConfig(endpoint, o)
	if err != nil {
		return nil, err
	}
	return kvs.New(cfg, kvs.Options{Logger: logger, Observer: observer})
}
