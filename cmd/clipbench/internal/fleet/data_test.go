package fleet_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"clipfs/cmd/clipbench/internal/fleet"
)

// folder is that of what is committed: the numbers, and the tables and plots that are made of them.
const folder = "../.."

// TestMade: the tables and plots are those of the numbers beside them, and small.
func TestMade(t *testing.T) {
	t.Parallel()
	d, err := fleet.ReadData(filepath.Join(folder, "fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	var tables bytes.Buffer
	if err := d.Tables(&tables); err != nil {
		t.Fatal(err)
	}
	made := d.Plots()
	made["FLEET_TABLES.md"] = tables.Bytes()
	for name, want := range made {
		got, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not what clipbench fleet makes of fleet.json (%v)", name, err)
		}
		if len(want) > 60<<10 {
			t.Errorf("%s has %d bytes", name, len(want))
		}
	}
	page, err := os.ReadFile(filepath.Join(folder, "FLEET.md"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range made {
		if !strings.Contains(string(page), "("+name+")") {
			t.Errorf("FLEET.md does not show %s", name)
		}
	}
}

// TestSimulated: what the simulation says in the file is what it says now.
func TestSimulated(t *testing.T) {
	t.Parallel()
	d, err := fleet.ReadData(filepath.Join(folder, "fleet.json"))
	if err != nil {
		t.Fatal(err)
	}
	before := d
	d.Simulate(fleet.Sizes(8))
	for i, r := range d.Same {
		if r.Gets != before.Same[i].Gets || r.Calls != before.Same[i].Calls || r.ArchiveBytes != before.Same[i].ArchiveBytes {
			t.Errorf("%d hosts: %+v, the file has %+v: run clipbench fleet --from fleet.json", r.Hosts, r, before.Same[i])
		}
	}
}
