// Rooms checks that each package is a room with one door. For each package outside cmd that not only tests import it
// prints how many files and lines it has (tests apart), how many arrows run between its files, and how many of these run
// back up. It fails where a package has more than 25 files or 3,000 lines, or more than a tenth of its arrows run back up.
//
//	go run ./.ci/rooms [-back N] [-write] [PACKAGE...]
//
// An arrow runs from file A to file B if A uses a package-level name or a method that B defines, however often it does so. The files
// are put in the order in which the fewest arrows run back up: an arrow runs back up if the file that it comes from stands below the
// file that it points to. Two files that use each other have one arrow that runs back up in any order.
//
// The file ceilings, beside this one, lists the packages that are not there yet. They may have what stands in their line, and no
// more. With -write the list is lowered to what is now: numbers shrink, and a package that has arrived leaves the list.
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

const (
	mostFiles   = 25
	mostLines   = 3000
	onePartBack = 10 // one arrow of so many may run back up

	ceilingsFile = ".ci/rooms/ceilings"
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

func run(args []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("rooms", flag.ContinueOnError)
	flags.SetOutput(stderr)
	back := flags.Int("back", 0, "name up to `N` of the arrows of each package that run back up, those of the most uses first")
	write := flags.Bool("write", false, "lower the ceilings to what is now")
	if flags.Parse(args) != nil {
		return 2
	}
	bad, err := check(flags.Args(), *back, *write, stdout)
	if err != nil {
		fmt.Fprintln(stderr, "rooms:", err)
		return 1
	}
	for _, line := range bad {
		fmt.Fprintln(stderr, "rooms:", line)
	}
	return min(len(bad), 1)
}

// check prints the rooms and returns what is wrong with them.
func check(patterns []string, back int, write bool, stdout io.Writer) ([]string, error) {
	ceilings, err := readCeilings()
	if err != nil {
		return nil, err
	}
	packages, err := list(patterns)
	if err != nil {
		return nil, err
	}
	var bad []string
	fmt.Fprintf(stdout, "%-36s %5s %6s %6s %5s\n", "package", "files", "lines", "arrows", "back")
	seen := map[string]counts{}
	for _, p := range packages.named {
		r, err := packages.read(p)
		if err != nil {
			return nil, err
		}
		order, backward := r.sort()
		c := counts{len(r.files), r.lines, len(r.arrows), len(backward)}
		seen[r.name] = c
		fmt.Fprintf(stdout, "%-36s %v\n", r.name, c)
		if back > 0 {
			r.printBack(stdout, order, backward, back)
		}
		bad = append(bad, c.over(r.name, ceilings[r.name])...)
	}
	if write {
		return bad, writeCeilings(ceilings, seen, len(patterns) == 0)
	}
	return bad, nil
}

// counts is what is counted of a package.
type counts struct{ files, lines, arrows, back int }

func (c counts) String() string {
	return fmt.Sprintf("%5d %6d %6d %5d", c.files, c.lines, c.arrows, c.back)
}

// over tells which limits the package of this name is over, if it may have what ceiling says.
func (c counts) over(name string, ceiling counts) []string {
	var bad []string
	for _, row := range []struct {
		what       string
		got, limit int
	}{
		{"files", c.files, max(mostFiles, ceiling.files)},
		{"lines", c.lines, max(mostLines, ceiling.lines)},
		{fmt.Sprintf("of its %d arrows running back up", c.arrows), c.back, max(c.arrows/onePartBack, ceiling.back)},
	} {
		if row.got > row.limit {
			bad = append(bad, fmt.Sprintf("%s has %d %s, which may be %d", name, row.got, row.what, row.limit))
		}
	}
	return bad
}

// readCeilings reads the packages that are not there yet.
func readCeilings() (map[string]counts, error) {
	data, err := os.ReadFile(ceilingsFile)
	if err != nil {
		return nil, err
	}
	ceilings := map[string]counts{}
	for line := range strings.Lines(string(data)) {
		if strings.HasPrefix(line, "#") || strings.TrimSpace(line) == "" {
			continue
		}
		var name string
		var c counts
		if _, err := fmt.Sscan(line, &name, &c.files, &c.lines, &c.arrows, &c.back); err != nil {
			return nil, fmt.Errorf("%s: %q: %w", ceilingsFile, strings.TrimSpace(line), err)
		}
		ceilings[name] = c
	}
	return ceilings, nil
}

// writeCeilings lowers the ceilings to what was seen. If all packages were seen, those that are no more leave the list.
func writeCeilings(ceilings, seen map[string]counts, all bool) error {
	var text strings.Builder
	fmt.Fprintln(&text, "# Packages that are over the limits of rooms yet, and what they may have: files, lines, arrows, arrows back up.")
	for _, name := range slices.Sorted(keys(ceilings)) {
		ceiling := ceilings[name]
		now, ok := seen[name]
		switch {
		case !ok && all, ok && len(now.over(name, counts{})) == 0:
			continue
		case ok && len(now.over(name, ceiling)) == 0:
			ceiling = now
		}
		fmt.Fprintf(&text, "%-36s %v\n", name, ceiling)
	}
	return os.WriteFile(ceilingsFile, []byte(text.String()), 0o644)
}

func keys[V any](m map[string]V) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// printBack names the arrows that run back up, those of the most uses first, and what is used.
func (r *room) printBack(stdout io.Writer, order []int, backward []arrow, most int) {
	slices.SortStableFunc(backward, func(a, b arrow) int { return cmp.Compare(len(r.arrows[b]), len(r.arrows[a])) })
	for _, a := range backward[:min(most, len(backward))] {
		names := slices.Sorted(keys(r.arrows[a]))
		fmt.Fprintf(stdout, "    %s -> %s: %s\n", r.files[a.from], r.files[a.to], strings.Join(names, " "))
	}
	names := make([]string, len(order))
	for i, f := range order {
		names[i] = strings.TrimSuffix(r.files[f], ".go")
	}
	fmt.Fprintf(stdout, "    order: %s\n", strings.Join(names, " "))
}

// listed is what "go list" tells of a package.
type listed struct {
	ImportPath, Dir, Export string
	GoFiles, CgoFiles       []string
	Imports                 []string
	DepOnly                 bool
	Module                  *struct{ Path string }
}

// packages are the packages to check, and the export data of all that they import.
type packages struct {
	named   []listed
	exports map[string]string
}

// list asks the go command for the packages of these patterns, or for all of the module, but for those in cmd and those that only
// tests import.
func list(patterns []string) (packages, error) {
	module, err := goList([]string{"-json=Imports", "./..."})
	if err != nil {
		return packages{}, err
	}
	imported := map[string]bool{}
	for _, p := range module {
		for _, path := range p.Imports {
			imported[path] = true
		}
	}
	if len(patterns) == 0 {
		patterns = []string{"./..."}
	}
	all, err := goList(append([]string{"-json=ImportPath,Module"}, patterns...))
	if err != nil {
		return packages{}, err
	}
	arguments := []string{"-export", "-deps", "-json=ImportPath,Dir,Export,GoFiles,CgoFiles,DepOnly,Module"}
	for _, p := range all {
		if !strings.HasPrefix(p.name()+"/", "cmd/") && imported[p.ImportPath] {
			arguments = append(arguments, p.ImportPath)
		}
	}
	all, err = goList(arguments)
	if err != nil {
		return packages{}, err
	}
	found := packages{exports: map[string]string{}}
	for _, p := range all {
		found.exports[p.ImportPath] = p.Export
		if !p.DepOnly {
			found.named = append(found.named, p)
		}
	}
	slices.SortFunc(found.named, func(a, b listed) int { return cmp.Compare(a.ImportPath, b.ImportPath) })
	return found, nil
}

// name is the package's folder in its module.
func (p listed) name() string {
	return strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, p.Module.Path), "/")
}

func goList(arguments []string) ([]listed, error) {
	command := exec.Command("go", append([]string{"list"}, arguments...)...)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	var all []listed
	for decoder := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := decoder.Decode(&p); err == io.EOF {
			return all, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		all = append(all, p)
	}
}

// read counts the lines of a package and finds its arrows.
func (p packages) read(of listed) (*room, error) {
	r := &room{name: of.name(), arrows: map[arrow]map[string]struct{}{}}
	sources := make([]string, 0, len(of.GoFiles))
	for _, name := range slices.Sorted(slices.Values(append(of.GoFiles, of.CgoFiles...))) {
		data, err := os.ReadFile(filepath.Join(of.Dir, name))
		if err != nil {
			return nil, err
		}
		r.files = append(r.files, name)
		r.lines += bytes.Count(data, []byte("\n"))
		sources = append(sources, string(data))
	}
	return r, r.find(of.ImportPath, sources, p.exports)
}
