package model

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
)

// Meta reads the metadata of one architecture. Keys are given without the
// architecture's prefix. The first thing that is wrong is kept and everything
// read after it is zero, so that a loader can read all its keys and look at Err
// once.
type Meta struct {
	f    *gguf.File
	arch string
	err  error
}

// NewMeta returns a reader for the keys of f's own architecture.
func NewMeta(f *gguf.File) *Meta { return &Meta{f: f, arch: f.Arch()} }

// Err returns the first error.
func (m *Meta) Err() error { return m.err }

// Fail records an error about a key unless there is one already.
func (m *Meta) Fail(key, format string, args ...any) {
	if m.err == nil {
		m.err = fmt.Errorf("model: metadata key %q %s", m.Key(key), fmt.Sprintf(format, args...))
	}
}

// Key returns the full name of a key.
func (m *Meta) Key(key string) string { return m.arch + "." + key }

// Has reports whether the file has the key.
func (m *Meta) Has(key string) bool {
	_, ok := m.f.Value(m.Key(key))
	return ok
}

// Int reads a required count between 1 and max.
func (m *Meta) Int(key string, limit int) int {
	v, ok := m.int(key, limit)
	if !ok {
		m.Fail(key, "is missing: a %s file must have it as an integer", m.arch)
	}
	if ok && v == 0 {
		m.Fail(key, "is 0, expected at least 1")
	}
	return v
}

// IntOr reads an optional count between 0 and max.
func (m *Meta) IntOr(key string, def, limit int) int {
	if v, ok := m.int(key, limit); ok {
		return v
	}
	return def
}

func (m *Meta) int(key string, limit int) (int, bool) {
	v, ok, err := m.f.Uint(m.Key(key))
	if err != nil {
		m.Fail(key, "is not a non-negative integer: %v", err)
		return 0, true
	}
	if ok && v > uint64(limit) {
		m.Fail(key, "is %d, expected at most %d", v, limit)
		return 0, true
	}
	return int(v), ok
}

// Float reads a required number.
func (m *Meta) Float(key string) float64 {
	v, ok := m.float(key)
	if !ok {
		m.Fail(key, "is missing: a %s file must have it as a number", m.arch)
	}
	return v
}

// FloatOr reads an optional number.
func (m *Meta) FloatOr(key string, def float64) float64 {
	if v, ok := m.float(key); ok {
		return v
	}
	return def
}

func (m *Meta) float(key string) (float64, bool) {
	v, ok, err := m.f.Float(m.Key(key))
	if err == nil && ok && (math.IsNaN(v) || math.IsInf(v, 0)) {
		err = fmt.Errorf("it is %v", v)
	}
	if err != nil {
		m.Fail(key, "is not a finite number: %v", err)
		return 0, true
	}
	return v, ok
}

// BoolOr reads an optional flag.
func (m *Meta) BoolOr(key string, def bool) bool {
	v, ok, err := m.f.Bool(m.Key(key))
	if err != nil {
		m.Fail(key, "is not a bool: %v", err)
	}
	if !ok {
		return def
	}
	return v
}

// StringOr reads an optional string.
func (m *Meta) StringOr(key, def string) string {
	v, ok, err := m.f.String(m.Key(key))
	if err != nil {
		m.Fail(key, "is not a string: %v", err)
	}
	if !ok {
		return def
	}
	return v
}

// PerLayer reads a count from 0 to limit that is either one number for all
// layers or an array with at least n entries, one per layer. A nil def makes
// the key required.
func (m *Meta) PerLayer(key string, n, limit int, def []int) []int {
	if m.err != nil {
		return make([]int, n)
	}
	value, ok := m.f.Value(m.Key(key))
	if !ok {
		if def == nil {
			m.Fail(key, "is missing: a %s file must have it as an integer or an array with one per layer", m.arch)
			return make([]int, n)
		}
		return def
	}
	if isNumber(value) {
		v, _ := m.int(key, limit)
		return repeat(v, n)
	}
	list, _, err := m.f.Ints(m.Key(key))
	if err != nil {
		m.Fail(key, "is neither an integer nor an array of integers: %v", err)
		return make([]int, n)
	}
	return m.layers(key, list, n, limit)
}

func (m *Meta) layers(key string, list []int64, n, limit int) []int {
	out := make([]int, n)
	if len(list) < n {
		m.Fail(key, "has %d entries, expected one for each of the %d layers", len(list), n)
		return out
	}
	for i := range out {
		if list[i] < 0 || list[i] > int64(limit) {
			m.Fail(key, "is %d for layer %d, expected 0 to %d", list[i], i, limit)
			return make([]int, n)
		}
		out[i] = int(list[i])
	}
	return out
}

// isNumber reports whether a metadata value is a single number.
func isNumber(v any) bool {
	switch v.(type) {
	case uint8, int8, uint16, int16, uint32, int32, uint64, int64, float32, float64:
		return true
	}
	return false
}

func repeat(v, n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = v
	}
	return out
}
