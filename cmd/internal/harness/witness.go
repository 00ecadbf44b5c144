package harness

import (
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// Witness is an archive that shares no code with clipfs or its emulator, in a process of its own: a script that takes the
// path of a JSON file and tells its endpoint as the emulator does.
type Witness struct{ *Emulator }

// WitnessStream is a stream of a witness. The script says what its members mean.
type WitnessStream struct {
	Name      string     `json:"name"`
	File      string     `json:"file"`
	Start     int64      `json:"start"`
	Every     int        `json:"every,omitempty"`
	Fragments int        `json:"fragments,omitempty"`
	Gaps      [][2]int64 `json:"gaps,omitempty"`
	Lead      int        `json:"lead,omitempty"`
	Sound     string     `json:"sound,omitempty"`
	Layout    string     `json:"layout,omitempty"`
	Timescale int        `json:"timescale,omitempty"`
	Stss      string     `json:"stss,omitempty"`
	Odd       string     `json:"odd,omitempty"`
	List      string     `json:"list,omitempty"`
	ListCalls int        `json:"list_calls,omitempty"`
	Cut       int        `json:"cut,omitempty"`
}

// WitnessFrame is a coded frame that a witness stores. Times are ticks of its track, counted from the stream's start.
type WitnessFrame struct {
	Hash               string
	PTS, DTS, Duration int64
	Key                bool
}

// UnmarshalJSON reads the list that a witness gives.
func (f *WitnessFrame) UnmarshalJSON(text []byte) error {
	return json.Unmarshal(text, &[]any{&f.Hash, &f.PTS, &f.DTS, &f.Duration, &f.Key})
}

// WitnessFragment is a fragment that a witness stores. Shift is how many milliseconds its frames stand behind their own times.
type WitnessFragment struct {
	Number       string
	Producer     int64 `json:"producer_ms"`
	Length       int64 `json:"length_ms"`
	Shift        int64 `json:"shift_ms"`
	Video, Sound []WitnessFrame
}

// WitnessTruth is what a witness stores of a stream.
type WitnessTruth struct {
	Start          int64 `json:"start_ms"`
	VideoTimescale int64 `json:"video_timescale"`
	SoundTimescale int64 `json:"sound_timescale"`
	Fragments      []WitnessFragment
}

// WitnessServed is a payload that a witness sent: Bytes of Of.
type WitnessServed struct {
	Fragments []string
	Bytes, Of int64
}

// StartWitness starts the script with some streams.
func StartWitness(t testing.TB, script string, streams ...WitnessStream) *Witness {
	t.Helper()
	Need(t, "python3")
	script, err := filepath.Abs(script)
	if err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(t.TempDir(), "witness.json")
	text, err := json.Marshal(map[string]any{"streams": streams})
	if err == nil {
		err = os.WriteFile(config, text, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return &Witness{startServer(t, "python3", "-B", script, config)}
}

// Truth asks what is stored of a stream.
func (w *Witness) Truth(t testing.TB, stream string) WitnessTruth {
	t.Helper()
	var out WitnessTruth
	getJSON(t, w.Endpoint+"/witness/truth?stream="+url.QueryEscape(stream), &out)
	return out
}

// Served asks what was sent of a stream.
func (w *Witness) Served(t testing.TB, stream string) []WitnessServed {
	t.Helper()
	var out struct{ Served []WitnessServed }
	getJSON(t, w.Endpoint+"/witness/served?stream="+url.QueryEscape(stream), &out)
	return out.Served
}
