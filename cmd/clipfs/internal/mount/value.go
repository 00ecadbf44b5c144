package mount

import (
	"fmt"
	"math"
	"net"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"clipfs/clip/meter"
	"clipfs/clip/names"
	"clipfs/cmd/clipfs/internal/config"
	"clipfs/fs/tree"
)

// id is the number of a user or a group; nil where it is not set.
func id(at **uint32) pflag.Value {
	return config.Value(at, "number", func(s string) (*uint32, error) {
		n, err := strconv.ParseUint(s, 10, 32)
		if err != nil || n == math.MaxUint32 { // which is nobody to the kernel (chown(2))
			return nil, fmt.Errorf("%q: want a number, such as 1000", s)
		}
		number := uint32(n)
		return &number, nil
	}, func(n *uint32) string {
		if n == nil {
			return ""
		}
		return strconv.FormatUint(uint64(*n), 10)
	})
}

// mode is permission bits; 0 where they are not set. The filesystem knows which bits make sense.
func mode(at *uint32) pflag.Value {
	return config.Value(at, "octal", func(s string) (uint32, error) {
		n, err := strconv.ParseUint(s, 8, 16)
		if err != nil || n == 0 {
			return 0, fmt.Errorf("%q: want permission bits in octal, such as 0440", s)
		}
		return uint32(n), nil
	}, func(n uint32) string {
		if n == 0 {
			return ""
		}
		return fmt.Sprintf("%#o", n)
	})
}

// address is HOST:PORT, or nothing.
func address(at *string) pflag.Value {
	return config.Value(at, "HOST:PORT", func(s string) (string, error) {
		if s == "" {
			return "", nil
		}
		_, port, err := net.SplitHostPort(s)
		if _, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil {
			return "", fmt.Errorf("%q: want HOST:PORT, such as 127.0.0.1:9464", s)
		}
		return s, nil
	}, func(s string) string { return s })
}

// fetchLimit is bytes in a period: 50GiB/day; "none", 0 or nothing for no limit.
func fetchLimit(at *meter.Limit) pflag.Value {
	return config.Value(at, "bytes/period", func(s string) (none meter.Limit, err error) {
		if s == "" || s == "0" || s == noneWord {
			return none, nil
		}
		size, period, _ := strings.Cut(s, "/")
		n, err := config.ParseSize(size)
		per, perErr := meter.ParsePeriod(period)
		if err != nil || perErr != nil || n <= 0 {
			return none, fmt.Errorf("%q: want bytes in an hour, a day or a month, such as 50GiB/day", s)
		}
		return meter.Limit{Bytes: n, Per: per}, nil
	}, func(l meter.Limit) string {
		if l.Bytes == 0 {
			return ""
		}
		return config.FormatSize(l.Bytes) + "/" + l.Per.String()
	})
}

// The words in a list of programs that stand for others.
const (
	noneWord    = "none"
	defaultWord = "default"
)

// programs is a list of names of programs, sorted. listed gives those that "default" stands for.
func programs(at *[]string, listed func() []string) pflag.Value {
	return config.List("names", noneWord, func() []string { return *at }, func(words []string) error {
		var names []string
		for _, word := range words {
			switch {
			case word == noneWord:
			case word == defaultWord:
				names = append(names, listed()...)
			case strings.Contains(word, "/"):
				return fmt.Errorf("%q: want the name of a program without its directory", word)
			default:
				names = append(names, word)
			}
		}
		slices.Sort(names)
		*at = slices.Compact(names)
		return nil
	})
}

// listed is the words for what directories list.
func listed(at *names.Listed) pflag.Value {
	return config.List("words", "", func() []string { return at.Words() }, func(words []string) error {
		parsed, err := tree.Listed(words)
		if err == nil {
			*at = parsed
		}
		return err
	})
}
