package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

type report struct{ rows []row }

func (r *report) add(rows []row) { r.rows = append(r.rows, rows...) }

// keep drops the rows that were only measured because others were.
func (r *report) keep(pattern *regexp.Regexp) {
	r.rows = slices.DeleteFunc(r.rows, func(r row) bool { return !pattern.MatchString(r.text()) })
}

func (r *report) err() error {
	var all []error
	for i := range r.rows {
		if err := r.rows[i].err; err != nil {
			all = append(all, fmt.Errorf("%s: %w", r.rows[i].text(), err))
		}
	}
	return errors.Join(all...)
}

// markdown writes the table, and below it where its values come from.
func (r *report) markdown(w io.Writer, b *bench) error {
	out := bufio.NewWriter(w)
	say := func(format string, args ...any) { _, _ = fmt.Fprintf(out, format, args...) } // Flush tells
	say("%s, %s; emulator: %s, %s a connection; medians of %d rounds.\n\n",
		time.Now().UTC().Format(time.DateOnly), machine(), b.latency, b.bandwidth, b.rounds)
	say("| row | against | value | to reach | ok |\n|---|---|---|---|---|\n")
	for i := range r.rows {
		row := &r.rows[i]
		verdict := "no"
		switch {
		case row.ok():
			verdict = "yes"
		case !row.measured():
			verdict = "–"
		}
		say("| %s | %s | %s | %s | %s |\n", row.name, row.against, row.shown(), row.target(), verdict)
	}
	say("\n")
	for i := range r.rows {
		row := &r.rows[i]
		switch {
		case row.err != nil:
			say("- %s: %v\n", row.text(), row.err)
		case row.missing != "":
			say("- %s: not measured, %s\n", row.text(), row.missing)
		case row.note != "":
			say("- %s: %s\n", row.text(), row.note)
		}
	}
	return out.Flush()
}

type jsonRow struct {
	Row string `json:"row"`
	// Value is a number, or "not measured".
	Value  any    `json:"value"`
	Target string `json:"target"`
	OK     bool   `json:"ok"`
	// Note says how it was measured, Rounds what each round gave, in seconds where nothing else is said.
	Note   string               `json:"note,omitempty"`
	Rounds map[string][]float64 `json:"rounds,omitempty"`
}

func (r *report) json(path string) error {
	out := make([]jsonRow, len(r.rows))
	for i := range r.rows {
		row := &r.rows[i]
		out[i] = jsonRow{Row: row.text(), Value: row.shown(), Target: row.target(), OK: row.ok(), Note: row.note, Rounds: row.rounds}
		if row.measured() {
			out[i].Value = math.Round(row.value*1e4) / 1e4
		}
	}
	text, err := json.MarshalIndent(out, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}

func machine() string {
	words := []string{fmt.Sprintf("%d CPUs", runtime.NumCPU())}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		if m := regexp.MustCompile(`(?m)^model name\s*:\s*(.*)$`).FindSubmatch(info); m != nil {
			words = append(words, strings.Join(strings.Fields(string(m[1])), " "))
		}
	}
	var memory unix.Sysinfo_t
	if unix.Sysinfo(&memory) == nil {
		words = append(words, fmt.Sprintf("%.0f GB", float64(memory.Totalram)*float64(memory.Unit)/1e9))
	}
	var name unix.Utsname
	if unix.Uname(&name) == nil {
		words = append(words, "Linux "+unix.ByteSliceToString(name.Release[:]))
	}
	return strings.Join(words, ", ")
}
