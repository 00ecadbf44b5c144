package join

import (
	"math"
	"math/bits"

	"clipfs/clip/mp4"
)

// convert gives v units of from a second in units of to a second, to the nearest, halves away from zero; false where
// that is beyond 62 bits.
func convert(v int64, from, to uint64) (int64, bool) {
	if v < 0 {
		if v == math.MinInt64 {
			return 0, false
		}
		r, ok := convert(-v, from, to)
		return -r, ok
	}
	hi, lo := bits.Mul64(uint64(v), to)
	lo, carry := bits.Add64(lo, from/2, 0)
	hi += carry
	if hi >= from {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, from)
	return int64(q), q < 1<<62
}

// lcm gives the least common multiple of two numbers that are not 0; false where it is beyond limit.
func lcm(a, b, limit uint64) (uint64, bool) {
	x, y := a, b
	for y != 0 {
		x, y = y, x%y
	}
	hi, lo := bits.Mul64(a/x, b)
	return lo, hi == 0 && lo <= limit
}

// rescaler turns durations of one timescale into another.
type rescaler struct {
	in, out uint64
	// nominal is how long each sample should last; durations follow it as long as no sample is off by more than a
	// millisecond. 0: every sample stands at its time, to the nearest tick.
	nominal uint32
}

// exact reports whether every tick of one is a whole number of ticks of the other.
func (r rescaler) exact() bool { return r.nominal == 0 && r.out%r.in == 0 }

// runs gives the durations of a checked table to emit, as runs as far as they are alike. No times are added up but
// those from the table's beginning, so nothing drifts.
func (r rescaler) runs(t mp4.Durations, emit func(count uint32, duration int64) error) error {
	if r.exact() {
		for run := range t.Runs() {
			if err := emit(run.Count, int64(uint64(run.Duration)*(r.out/r.in))); err != nil {
				return err
			}
		}
		return nil
	}
	var at, now int64 // the same time in out and in
	for run := range t.Runs() {
		scaled, ok := convert(int64(run.Duration), r.in, r.out)
		whole := ok && uint64(run.Duration)*r.out%r.in == 0
		if whole && (r.nominal == 0 || int64(r.nominal) == scaled) {
			if err := emit(run.Count, scaled); err != nil {
				return err
			}
			now += int64(run.Count) * int64(run.Duration)
			at += int64(run.Count) * scaled
			continue
		}
		for range run.Count {
			now += int64(run.Duration)
			next := r.near(at, now)
			if err := emit(1, next-at); err != nil {
				return err
			}
			at = next
		}
	}
	return nil
}

// near gives where the sample after the one at at stands, which should stand at now.
func (r rescaler) near(at, now int64) int64 {
	ideal, _ := convert(now, r.in, r.out) // in range: tables are within maxTime
	if r.nominal == 0 {
		return ideal
	}
	tolerance := int64(r.out / 1000)
	if next := at + int64(r.nominal); next-ideal <= tolerance && ideal-next <= tolerance {
		return next
	}
	return ideal
}

// rescale gives v ticks of from a second in ticks of to a second, rounded up so that nothing at the end is cut off;
// false if that is beyond 64 bits.
func rescale(v, from, to uint64) (uint64, bool) {
	hi, lo := bits.Mul64(v, to)
	lo, carry := bits.Add64(lo, from-1, 0)
	hi += carry
	if hi >= from {
		return 0, false
	}
	q, _ := bits.Div64(hi, lo, from)
	return q, true
}
