package main

import (
	"context"
	"io"
)

// Run is the whole program.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	return run(ctx, args, stdout, stderr)
}

// Median is how values are made of rounds.
func Median(values []float64) float64 { return median(values) }

// Percentile is how values are made of seeks.
func Percentile(values []float64, p int) float64 { return percentile(values, p) }

// OK reports whether a value reaches a limit.
func OK(value, limit float64, atLeast bool) bool {
	r := row{value: value, limit: limit, atLeast: atLeast}
	return r.ok()
}

// Names gives what JSON calls the rows.
func Names() (all []string) {
	for _, t := range tasks() {
		for i := range t.rows {
			all = append(all, t.rows[i].text())
		}
	}
	return all
}

// Parameters gives the parameter sets in an avcC as a byte stream.
func Parameters(avcC []byte) ([]byte, error) { return parameterSets(avcC) }

// ByteStream gives a sample as a byte stream.
func ByteStream(sample []byte) []byte { return byteStream(sample) }

// Multiply has a cache directory have so many entries, of which some are made.
func Multiply(ctx context.Context, dir string, made, want int) error {
	return multiply(ctx, dir, made, want)
}

// Index opens a cache and gives how many entries its index has, once it knows all of them.
func Index(ctx context.Context, dir string) (int, error) {
	took, err := index(ctx, dir)
	return took.Entries, err
}

// CrowdMemoryRows gives the values, the notes and the rounds of the rows of a mount that had so much memory before anything was looked at, at most, and at the end:
// all of it, and what is no file's.
func CrowdMemoryRows(before, most, end [2]float64) (values [2]float64, notes [2]string, rounds [2]map[string][]float64) {
	var whole, added row
	of := func(f [2]float64) footprint { return footprint{f[0], f[1]} }
	crowdMemoryRows(&whole, &added, of(before), of(most), of(end))
	return [2]float64{whole.value, added.value}, [2]string{whole.note, added.note}, [2]map[string][]float64{whole.rounds, added.rounds}
}
