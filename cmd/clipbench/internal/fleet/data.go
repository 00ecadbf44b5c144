package fleet

import (
	"encoding/json"
	"fmt"
	"os"

	"clipfs/cmd/clipbench/internal/simulate"
)

// uplink is what a host of a simulated fleet can upload: 1 Gbit/s.
const uplink = 125e6

// seed is that of all simulations that are compared.
const seed = 1

// Data is all that tables and plots are made of. It is a file of JSON.
type Data struct {
	Costs  simulate.Costs  `json:"costs"`
	Prices simulate.Prices `json:"prices"`
	// Real is what real mounts took, Same what the simulation says of the same.
	Real []simulate.Result `json:"real"`
	Same []simulate.Result `json:"simulated"`
	// Fleet is the simulation of machines.
	Fleet []simulate.Result `json:"fleet"`
}

// Sizes are the numbers of hosts that are simulated, up to most.
func Sizes(most int) (all []int) {
	for _, n := range []int{1, 2, 4, 8, 16, 32, 64, 125, 250, 500, 1000} {
		if n <= most {
			all = append(all, n)
		}
	}
	return all
}

// Simulate fills in what the simulation says: of the runs of real mounts, and of fleets of these sizes, whose hosts and store are machines of
// their own.
func (d *Data) Simulate(sizes []int) {
	d.Same, d.Fleet = nil, nil
	for _, r := range d.Real {
		r.Seed = seed
		d.Same = append(d.Same, simulate.Simulate(d.Costs, r.Run))
	}
	costs := d.Costs
	costs.Machine, costs.Uplink, costs.Upload = 0, uplink, 0
	for _, w := range simulate.Workloads() {
		for _, n := range sizes {
			for _, tier := range []bool{false, true} {
				d.Fleet = append(d.Fleet, simulate.Simulate(costs, simulate.Run{Workload: w, Hosts: n, Tier: tier, Seed: seed}))
			}
		}
	}
}

// ReadData reads a file of JSON.
func ReadData(path string) (d Data, err error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return d, err
	}
	if err := json.Unmarshal(text, &d); err != nil {
		return d, fmt.Errorf("%s: %w", path, err)
	}
	return d, nil
}

// Write writes it to a file.
func (d Data) Write(path string) error {
	text, err := json.MarshalIndent(d, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
