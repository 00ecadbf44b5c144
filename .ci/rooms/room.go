package main

import (
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"math/rand/v2"
	"os"
	"slices"
)

// arrow runs from a file to another one that it uses. Files are told by their place in room.files.
type arrow struct{ from, to int }

// room is a package: its files in the order of their names, and what each arrow's file uses of the other.
type room struct {
	name   string
	files  []string
	lines  int
	arrows map[arrow]map[string]struct{}
}

// find checks the types of the package and notes each use of what another file defines.
func (r *room) find(path string, sources []string, exports map[string]string) error {
	positions := token.NewFileSet()
	files := make([]*ast.File, len(sources))
	number := map[string]int{}
	for i, source := range sources {
		file, err := parser.ParseFile(positions, r.files[i], source, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		files[i], number[r.files[i]] = file, i
	}
	open := func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) }
	config := types.Config{Importer: importer.ForCompiler(positions, "gc", open)}
	info := &types.Info{Uses: map[*ast.Ident]types.Object{}}
	pkg, err := config.Check(path, positions, files, info)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	for use, object := range info.Uses {
		if !shared(object, pkg) {
			continue
		}
		from, to := number[positions.Position(use.Pos()).Filename], number[positions.Position(object.Pos()).Filename]
		if from == to {
			continue
		}
		names := r.arrows[arrow{from, to}]
		if names == nil {
			names = map[string]struct{}{}
			r.arrows[arrow{from, to}] = names
		}
		names[object.Name()] = struct{}{}
	}
	return nil
}

// shared tells of what package-level names and methods of this package are.
func shared(object types.Object, pkg *types.Package) bool {
	if object.Pkg() != pkg {
		return false
	}
	if method, ok := object.(*types.Func); ok && method.Signature().Recv() != nil {
		return true
	}
	return object.Parent() == pkg.Scope()
}

// starts is how many orders sort begins with. Fewer would do for most packages.
const starts = 40

// sort returns the files in an order in which few arrows run back up, and those that do. It improves several orders, always the same,
// by moving one file at a time until no move helps, and takes the best. Among orders with as many arrows back up it prefers the one
// in which these stand for fewer names, as they are the easiest to cut.
func (r *room) sort() (order []int, backward []arrow) {
	weight := make([][]int, len(r.files))
	for i := range weight {
		weight[i] = make([]int, len(r.files))
	}
	const one = 1 << 20 // more than all names of a package
	for a, names := range r.arrows {
		weight[a.from][a.to] = one + len(names)
	}
	random := rand.New(rand.NewPCG(1, 2))
	least := -1
	for n := range starts {
		try := random.Perm(len(r.files))
		if n == 0 {
			slices.Sort(try)
		}
		if cost := improve(try, weight); least < 0 || cost < least {
			order, least = try, cost
		}
	}
	place := make([]int, len(order))
	for i, file := range order {
		place[file] = i
	}
	for a := range r.arrows {
		if place[a.from] > place[a.to] {
			backward = append(backward, a)
		}
	}
	slices.SortFunc(backward, func(a, b arrow) int { return (a.from-b.from)*len(order) + a.to - b.to })
	return order, backward
}

// improve moves one file at a time to where it saves most, until no move saves anything, and returns what the order then costs: the
// weight of all arrows that run back up.
func improve(order []int, weight [][]int) int {
	for moved := true; moved; {
		moved = false
		for i := range order {
			file, best, to := order[i], 0, i
			saved := 0
			for j := i - 1; j >= 0; j-- { // above order[j]
				saved += weight[file][order[j]] - weight[order[j]][file]
				if saved > best {
					best, to = saved, j
				}
			}
			saved = 0
			for j := i + 1; j < len(order); j++ { // below order[j]
				saved += weight[order[j]][file] - weight[file][order[j]]
				if saved > best {
					best, to = saved, j
				}
			}
			if to != i {
				order = slices.Insert(slices.Delete(order, i, i+1), to, file)
				moved = true
			}
		}
	}
	cost := 0
	for i, file := range order {
		for _, above := range order[:i] {
			cost += weight[file][above]
		}
	}
	return cost
}
