package web

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"strings"
)

// maxRanges is how many ranges a request may ask for; with more it gets the whole.
const maxRanges = 16

// settleRange has http.ServeContent take the Range of a request for a file of so many bytes as RFC 9110 14 has it: a Range in another unit,
// or of a request that is no GET, does not count, ranges that the file does not have are left out, and where none is left, or what is asked
// for is no range, the answer is 416.
func settleRange(r *http.Request, size int64) {
	all := r.Header.Values("Range")
	if len(all) == 0 {
		return
	}
	unit, set, ok := strings.Cut(strings.TrimSpace(strings.Join(all, ",")), "=")
	if r.Method != http.MethodGet || !ok || !strings.EqualFold(unit, "bytes") || strings.Count(set, ",") >= maxRanges {
		r.Header.Del("Range")
		return
	}
	var kept []string
	for one := range strings.SplitSeq(set, ",") {
		one = strings.Trim(one, " \t")
		if one == "" {
			continue
		}
		first, last, err := parseRange(one, size)
		if err != nil {
			kept = nil
			break
		}
		if first < size && first <= last {
			kept = append(kept, fmt.Sprintf("%d-%d", first, last))
		}
	}
	if len(kept) == 0 {
		kept = []string{fmt.Sprintf("%d-", size)} // which it does not have
	}
	r.Header.Set("Range", "bytes="+strings.Join(kept, ","))
}

var errRange = errors.New("not a range")

// parseRange reads "first-last", "first-" or "-length" (RFC 9110 14.1.2), of a file of so many bytes. Last is before first where the file
// has none of them.
func parseRange(text string, size int64) (first, last int64, err error) {
	from, to, ok := strings.Cut(text, "-")
	a, fromErr := parsePosition(from)
	b, toErr := parsePosition(to)
	switch {
	case !ok || fromErr != nil || toErr != nil, from == "" && to == "", from != "" && to != "" && b < a:
		return 0, 0, errRange
	case from == "":
		return size - min(b, size), size - 1, nil
	case to == "":
		return a, size - 1, nil
	}
	return a, min(b, size-1), nil
}

// parsePosition reads digits; no file has as many bytes as the largest number that it gives.
func parsePosition(digits string) (int64, error) {
	if strings.Trim(digits, "0123456789") != "" {
		return 0, errRange
	}
	if digits == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(digits, 10, 64)
	if err != nil {
		return math.MaxInt64, nil //nolint:nilerr // digits are a number, which is too large
	}
	return n, nil
}
