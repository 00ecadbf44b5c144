package known

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

const (
	// environmentDir has the environments of units, one file a mount (clipfs@.service, EnvironmentFile).
	environmentDir = "/etc/clipfs"
	// unitCaches is where units keep footage, each below its name (clipfs@.service, XDG_CACHE_HOME).
	unitCaches = "/var/cache/clipfs"
	suffix     = ".env"
	// maxFile bounds such a file, in bytes.
	maxFile = 1 << 20
)

// units gives what the environments of units say of the mountpoint that a path is at or below; of all, if it is empty.
func (m Machine) units(path string) ([]Settings, error) {
	if m.Dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(m.Dir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil, nil // there are none, or they are none of our business
	}
	if err != nil {
		return nil, err
	}
	var found []Settings
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), suffix)
		mountpoint, valid := Unescape(name)
		unit := Settings{Mountpoint: mountpoint, Source: filepath.Join(m.Dir, e.Name())}
		switch {
		case !ok || !valid || e.IsDir():
		case path == "":
			found = append(found, unit)
		case strings.HasPrefix(path+"/", strings.TrimSuffix(mountpoint, "/")+"/") && (len(found) == 0 || len(mountpoint) > len(found[0].Mountpoint)):
			found = []Settings{unit}
		}
	}
	if len(found) != 1 {
		return found, nil
	}
	err = found[0].read()
	return found, err
}

func (s *Settings) read() error {
	name := strings.TrimSuffix(filepath.Base(s.Source), suffix)
	info, err := os.Stat(s.Source)
	if err != nil {
		return err
	}
	if info.Size() > maxFile {
		return fmt.Errorf("%s is larger than %d bytes: no environment", s.Source, maxFile)
	}
	text, err := os.ReadFile(s.Source)
	if errors.Is(err, fs.ErrPermission) { // it may have secrets in it, so it is not for everybody
		s.Err = fmt.Errorf("settings of the unit: %w", err)
		return nil
	}
	if err != nil {
		return err
	}
	s.Flags, s.Environment = make(map[string][]string), make(map[string]string)
	caches := filepath.Join(unitCaches, name)
	for key, value := range parseEnvironment(string(text)) {
		switch {
		case key == "CLIPFS_CONFIG":
			s.Config = value
		case strings.HasPrefix(key, "CLIPFS_"):
			s.Flags[strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(key, "CLIPFS_"), "_", "-"))] = strings.Split(value, "\n")
		case key == "XDG_CACHE_HOME":
			caches = value
		case strings.HasPrefix(key, "AWS_"), strings.HasSuffix(strings.ToLower(key), "_proxy"):
			s.Environment[key] = value
		}
	}
	s.CacheDir = filepath.Join(caches, "clipfs")
	return nil
}

// parseEnvironment reads the file of an EnvironmentFile= (systemd.exec(5)): lines KEY=VALUE, comments, values in quotes, and
// lines that go on after a backslash.
func parseEnvironment(text string) map[string]string {
	values := make(map[string]string)
	rest := text
	for rest != "" {
		rest = strings.TrimLeft(rest, " \t\r\n")
		if rest == "" {
			break
		}
		if rest[0] == '#' || rest[0] == ';' {
			_, rest, _ = strings.Cut(rest, "\n")
			continue
		}
		end := strings.IndexAny(rest, "=\n")
		if end < 0 {
			break
		}
		if rest[end] == '\n' {
			rest = rest[end:]
			continue
		}
		key := strings.TrimSpace(rest[:end])
		var value string
		value, rest = parseValue(rest[end+1:])
		values[key] = value
	}
	return values
}

// parseValue reads a value from the front of a text, and gives what comes after its line.
func parseValue(text string) (value, rest string) {
	var b strings.Builder
	kept := 0 // how much of it stays when space at the end is taken away
	quote := byte(0)
	text = strings.TrimLeft(text, " \t")
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '\\' && quote != '\'' && i+1 < len(text):
			i++
			if text[i] == '\n' { // the line goes on
				continue
			}
			if quote == '"' && !strings.ContainsRune("\"\\`$", rune(text[i])) {
				b.WriteByte(c)
			}
			b.WriteByte(text[i])
			kept = b.Len()
			continue
		case quote != 0 && c == quote:
			quote, kept = 0, b.Len()
			continue
		case quote == 0 && (c == '"' || c == '\'') && b.Len() == 0:
			quote = c
			continue
		case quote == 0 && c == '\n':
			return b.String()[:kept], text[i+1:]
		}
		b.WriteByte(c)
		if quote != 0 || c != ' ' && c != '\t' && c != '\r' {
			kept = b.Len()
		}
	}
	return b.String()[:kept], ""
}

// Unescape gives the path that a name stands for, as systemd-escape --unescape --path does.
func Unescape(name string) (path string, ok bool) {
	if name == "" {
		return "", false
	}
	if name == "-" {
		return "/", true
	}
	var b strings.Builder
	b.WriteByte('/')
	for i := 0; i < len(name); i++ {
		switch c := name[i]; c {
		case '-':
			b.WriteByte('/')
		case '\\':
			if i+3 >= len(name) || name[i+1] != 'x' {
				return "", false
			}
			n, err := strconv.ParseUint(name[i+2:i+4], 16, 8)
			if err != nil {
				return "", false
			}
			b.WriteByte(byte(n))
			i += 3
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), true
}
