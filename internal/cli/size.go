package cli

import (
	"errors"
	"math"
	"strconv"
	"strings"
)

// sizeUnits are the endings of sizes, the longer ones first.
var sizeUnits = []struct {
	name string
	n    float64
}{
	{"kib", 1 << 10},
	{"mib", 1 << 20},
	{"gib", 1 << 30},
	{"tib", 1 << 40},
	{"kb", 1e3},
	{"mb", 1e6},
	{"gb", 1e9},
	{"tb", 1e12},
	{"k", 1 << 10},
	{"m", 1 << 20},
	{"g", 1 << 30},
	{"t", 1 << 40},
	{"b", 1},
}

// parseBytes reads a size such as "24GiB", "8G" or "1000000"; "" is 0.
func parseBytes(text string) (int64, error) {
	s, unit := strings.ToLower(strings.TrimSpace(text)), 1.0
	if s == "" {
		return 0, nil
	}
	for _, u := range sizeUnits {
		if rest, ok := strings.CutSuffix(s, u.name); ok {
			s, unit = strings.TrimSpace(rest), u.n
			break
		}
	}
	v, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(v) || v <= 0 || v*unit >= math.MaxInt64 {
		return 0, errors.New("not a size")
	}
	return int64(v * unit), nil
}
