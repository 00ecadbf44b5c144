//go:build e2e

package e2e_test

import (
	"testing"
	"time"

	"clipfs/cmd/internal/harness"
)

// TestWitnessListDenied: where the service says that fragments may not be listed, a clip has them all the same: parts are
// minutes of the clock then, and none is as long as what a call cuts.
func TestWitnessListDenied(t *testing.T) {
	t.Parallel()
	start := testStart()
	var streams []harness.WitnessStream
	for _, shape := range []string{"denied", "not-authorized"} {
		for name, file := range map[string]string{"b": witnessSource(t, "h264 B"), "slow": witnessSource(t, "1 fps")} {
			streams = append(streams, harness.WitnessStream{Name: shape + "-" + name, File: file, Start: start.UnixMilli(), List: shape,
				Gaps: [][2]int64{{100, 200_000}}})
		}
	}
	w := startWitness(t, streams...)
	m := harness.StartMount(t, w.Emulator, "--gaps", "keep")
	for _, s := range streams {
		path := m.Join(s.Name, nameOf(start.Add(-time.Second)), "10m.mp4")
		tracks, complaints, err := tryProbe(t, path)
		if err != nil {
			t.Errorf("%s: %v %s %s", s.Name, err, complaints, xattrIfAny(path, "user.clipfs.error"))
			continue
		}
		// Times are good to a fragment only: nothing tells them but the payloads.
		want := allOf(w.Truth(t, s.Name))
		for _, problem := range append(sameFramesAs("pictures", want.video, firstOf(tracks, "video")),
			sameFramesAs("sound", want.sound, firstOf(tracks, "audio"))...) {
			t.Errorf("%s: %s", s.Name, problem)
		}
		if n := callsOf(t, w.Emulator, s.Name)["GetClip"]; n > 2*11 {
			t.Errorf("%s: %d calls of GetClip for ten minutes", s.Name, n)
		}
	}
}
