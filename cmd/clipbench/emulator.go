package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"clipfs/clip/emulator/control"
)

func emulatorTask() task {
	return task{"emulator", []row{
		{name: "emulator with a test card ready", limit: 30, unit: " ms"},
		{name: "emulator with a test card ready, encrypted", limit: 60, unit: " ms"},
	}, func(ctx context.Context, b *bench, rows []row) error {
		started := func(args ...string) timed {
			return func(ctx context.Context, _ int) (time.Duration, error) {
				began := time.Now()
				e, err := control.Start(ctx, control.Command{Program: b.binary, Args: append([]string{"--stream", "door=testcard"}, args...)})
				took := time.Since(began)
				if err != nil {
					return 0, err
				}
				_, err = e.Now(ctx) // it answers
				return took, errors.Join(err, e.Close())
			}
		}
		p, err := b.alternate(ctx, started(), started("--tls"))
		if err != nil {
			return err
		}
		rows[0].value, rows[1].value = 1000*median(p.ours), 1000*median(p.theirs)
		rows[0].note = fmt.Sprintf("from the start of the process to its line, %d rounds", b.rounds)
		return nil
	}}
}
