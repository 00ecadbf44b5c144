package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"clipfs/clip/archive"
	"clipfs/clip/emulator/control"
	"clipfs/cmd/internal/child"
)

const (
	// playlistFragments is how many fragments a day of camStream has.
	playlistFragments = 24 * 3600 / 2
	// listAtOnce and listPerSecond are the service's quota of listed fragments.
	listAtOnce, listPerSecond = 10_000, 10_000
	// listedFloor is how long the quota makes the listing of that day take, in seconds.
	listedFloor = float64(playlistFragments-listAtOnce) / listPerSecond
	// evening is where a day is looked into.
	evening = 20 * time.Hour
	// segmentLength is how long segments are, by default.
	segmentLength = 6 * time.Second
	// quietFor is for how long nothing is asked of the service when a player is taken to be idle.
	quietFor = 2 * time.Second
)

// playlist gives the path of the playlist of a day.
func (m *mount) playlist(at time.Time) string {
	return strings.TrimSuffix(m.clip(camStream, at, "24h"), ".mp4") + ".m3u8"
}

// listedCache makes a cache that has the listing of the day, and no media.
func (b *bench) listedCache(ctx context.Context) (cache string, err error) {
	m, err := b.mount(ctx, "")
	if err != nil {
		return "", err
	}
	_, err = readFile(m.playlist(b.dayStart()))
	return m.cache, errors.Join(err, m.stop())
}

// onDay mounts with a copy of a cache, or with a new one, has something done, and removes both.
func (b *bench) onDay(ctx context.Context, listed string, do func(m *mount) error) (err error) {
	cache := ""
	if listed != "" {
		if cache, err = os.MkdirTemp(b.dir, "cache-"); err != nil {
			return err
		}
		if _, err := child.Output(ctx, "cp", "-a", listed+"/.", cache); err != nil {
			return err
		}
	}
	if err := b.rest(ctx); err != nil {
		return err
	}
	m, err := b.mount(ctx, cache, "--allow-other")
	if err != nil {
		return err
	}
	defer m.end(&err)
	return do(m)
}

func playlistTask() task {
	name := fmt.Sprintf("24h.m3u8 of %d fragments to the first decoded frame in ", playlistFragments)
	var rows []row
	for _, p := range players() {
		rows = append(rows, row{name: name + p.name, against: "listing on disk, no media", limit: 2, unit: " s"},
			row{name: name + p.name, against: "nothing on disk: 1.2 × the quota of the listing + 1 s", limit: 1.2*listedFloor + 1, unit: " s"},
			row{name: name + p.name + ", sooner", against: "24h.mp4 in ffmpeg in the same run, nothing on disk", atLeast: true, limit: 20})
	}
	return task{"playlist", rows, func(ctx context.Context, b *bench, rows []row) error {
		if err := os.Chmod(b.dir, 0o711); err != nil { //nolint:gosec // VLC runs as another user, and is told what to open
			return err
		}
		listed, err := b.listedCache(ctx)
		if err != nil {
			return err
		}
		var whole time.Duration
		err = b.onDay(ctx, "", func(m *mount) (err error) {
			whole, err = firstFrame(ctx, m.clip(camStream, b.dayStart(), "24h"))
			return err
		})
		if err != nil {
			return err
		}
		for i, p := range players() {
			rows := rows[3*i : 3*i+3]
			if !has(p.program) {
				unmeasured(rows, "no "+p.program)
				continue
			}
			if err := b.measurePlaylist(ctx, p.first, listed, whole, rows); err != nil {
				for k := range rows {
					rows[k].err = err
				}
			}
		}
		return ctx.Err()
	}}
}

// measurePlaylist measures the three rows of a player.
func (b *bench) measurePlaylist(ctx context.Context, first firstPicture, listed string, whole time.Duration, rows []row) error {
	for k, cache := range []string{listed, ""} {
		var times []float64
		for range b.rounds {
			err := b.onDay(ctx, cache, func(m *mount) error {
				took, err := first(ctx, b, m, m.playlist(b.dayStart()))
				times = append(times, took.Seconds())
				return err
			})
			if err != nil {
				return err
			}
		}
		rows[k].value = median(times)
		rows[k].note = fmt.Sprintf("from when the program, which has started, is told to open it; %s to %s in %d rounds", seconds(percentile(times, 1)),
			seconds(percentile(times, 100)), b.rounds)
	}
	rows[2].value = whole.Seconds() / rows[1].value
	rows[2].note = fmt.Sprintf("%s against %s, once", seconds(rows[1].value), seconds(whole.Seconds()))
	return nil
}

// inDayTask looks into a day: at a place of an open playlist, and from the start.
func inDayTask() task {
	return task{"playlist-seek", []row{
		{name: "seek to 20:00:00 in 24h.m3u8, open and idle in headless Chromium", against: "one GetClip of that segment read directly", limit: 1.3},
		{name: "ffmpeg -ss 20:00:00 of 24h.m3u8, nothing on disk", against: "GetClip calls", limit: 5},
		{name: "mpv --start 20:00:00 of 24h.m3u8, nothing on disk", against: "GetClip calls", limit: 5},
	}, func(ctx context.Context, b *bench, rows []row) error {
		listed, err := b.listedCache(ctx)
		if err != nil {
			return err
		}
		if err := b.measureEvening(ctx, listed, &rows[0]); err != nil {
			rows[0].err = err
		}
		for i, look := range []func(path string) (time.Duration, error){
			func(path string) (time.Duration, error) {
				began := time.Now()
				_, err := child.Output(ctx, "ffmpeg", "-v", "error", "-nostdin", "-threads", "1", "-ss", fmt.Sprint(evening.Seconds()), "-i", path,
					"-map", "0:v:0", "-frames:v", "1", "-f", "null", "-")
				return time.Since(began), err
			},
			func(path string) (time.Duration, error) { return b.mpv(ctx, path, evening) },
		} {
			if err := b.countCalls(ctx, look, &rows[1+i]); err != nil {
				rows[1+i].err = err
			}
		}
		return ctx.Err()
	}}
}

// measureEvening seeks in an open playlist.
func (b *bench) measureEvening(ctx context.Context, listed string, r *row) error {
	if !has("chromium") {
		r.missing = "no chromium"
		return nil
	}
	var p pairs
	for range b.rounds {
		err := b.onDay(ctx, listed, func(m *mount) (err error) {
			tab, err := b.browse(ctx, m)
			if err != nil {
				return err
			}
			defer func() { err = errors.Join(err, tab.close()) }()
			if _, err := tab.call(openVideo, fmt.Sprintf("%q", strings.TrimPrefix(m.playlist(b.dayStart()), m.path))); err != nil {
				return err
			}
			if err := b.quiet(ctx); err != nil {
				return err
			}
			ours, err := tab.call(seekVideo, fmt.Sprint(evening.Seconds()))
			if err != nil {
				return err
			}
			if err := b.quiet(ctx); err != nil {
				return err
			}
			began := time.Now()
			payload, err := b.payload(ctx, camStream, archive.NewSpan(b.dayStart().Add(evening), segmentLength))
			if err != nil {
				return err
			}
			_, err = io.Copy(io.Discard, payload.Body)
			p.add(ours, time.Since(began))
			return errors.Join(err, payload.Body.Close())
		})
		if err != nil {
			return err
		}
	}
	r.value, r.note = p.longer(), p.note()
	return nil
}

// countCalls counts the GetClip calls of a look into the day: the most of all rounds.
func (b *bench) countCalls(ctx context.Context, look func(path string) (time.Duration, error), r *row) error {
	var most int64
	var times []float64
	for range b.rounds {
		err := b.onDay(ctx, "", func(m *mount) error {
			before, err := b.clipCalls(ctx)
			if err != nil {
				return err
			}
			took, err := look(m.playlist(b.dayStart()))
			if err != nil {
				return err
			}
			if err := b.quiet(ctx); err != nil {
				return err
			}
			after, err := b.clipCalls(ctx)
			most, times = max(most, after-before), append(times, took.Seconds())
			return err
		})
		if err != nil {
			return err
		}
	}
	r.value, r.note = float64(most), fmt.Sprintf("the most of %d rounds; %s to the picture, the listing with it", b.rounds, seconds(median(times)))
	return nil
}

// clipCalls asks the emulator how many GetClip calls there were.
func (b *bench) clipCalls(ctx context.Context) (n int64, err error) {
	client, err := control.New(b.endpoint, control.Options{})
	if err != nil {
		return 0, err
	}
	all, err := client.Calls(ctx)
	for _, c := range all {
		if c.API == "GetClip" {
			n += c.Calls
		}
	}
	return n, err
}

// quiet waits until no GetClip calls have come for a while.
func (b *bench) quiet(ctx context.Context) error {
	last, err := b.clipCalls(ctx)
	for since := time.Now(); err == nil && time.Since(since) < quietFor; time.Sleep(warmUp) {
		var now int64
		if now, err = b.clipCalls(ctx); now != last {
			last, since = now, time.Now()
		}
	}
	return err
}
