package deepseekapi

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat/dialect/value"
)

// fields reads the entries of one object. The first entry of a wrong type is
// kept as the error; a null is no entry.
type fields struct {
	v    *value.Value
	path string
	err  **Error
}

// object returns the reader of an object, which must be one.
func object(v *value.Value, path string, err **Error) fields {
	if v.Kind != value.Object {
		set(err, malformed("%s: expected an object", path))
		v = &value.Value{Kind: value.Object}
	}
	return fields{v, path, err}
}

func set(to **Error, e *Error) {
	if *to == nil {
		*to = e
	}
}

func (f fields) at(key string) string {
	if f.path == "" {
		return key
	}
	return f.path + "." + key
}

func (f fields) wrong(key, want string) {
	set(f.err, malformed("%s: expected %s", f.at(key), want))
}

// get returns an entry, or nil if there is none.
func (f fields) get(key string) *value.Value {
	if v, ok := f.v.Get(key); ok && v.Kind != value.Null {
		return v
	}
	return nil
}

// need returns an entry that must be there.
func (f fields) need(key string) *value.Value {
	v := f.get(key)
	if v == nil {
		set(f.err, malformed("missing field `%s`", f.at(key)))
		return &value.Value{}
	}
	return v
}

// str returns a string, or "".
func (f fields) str(key string) string {
	v := f.get(key)
	if v == nil {
		return ""
	}
	if v.Kind != value.String {
		f.wrong(key, "a string")
	}
	return v.Text
}

// needStr returns a string that must be there.
func (f fields) needStr(key string) string {
	f.need(key)
	return f.str(key)
}

// word returns a string that must be one of some words.
func (f fields) word(key string, words ...string) string {
	s := f.str(key)
	if slices.Contains(words, s) {
		return s
	}
	if f.get(key) != nil {
		f.wrong(key, "one of "+strings.Join(words, ", "))
	}
	return ""
}

func (f fields) bool(key string) bool {
	v := f.get(key)
	if v == nil {
		return false
	}
	if v.Kind != value.Bool {
		f.wrong(key, "a boolean")
	}
	return v.Bool
}

// float returns a number in single precision, in which the ranges are checked,
// and as it was written.
func (f fields) float(key string, unset float64) (float32, float64) {
	v := f.get(key)
	if v == nil {
		return float32(unset), unset
	}
	x, err := strconv.ParseFloat(v.Text, 64)
	if v.Kind != value.Number || err != nil {
		f.wrong(key, "a number")
	}
	return float32(x), x
}

// uint returns a whole number up to a limit, and whether it was there.
func (f fields) uint(key string, limit uint64) (uint64, bool) {
	v := f.get(key)
	if v == nil {
		return 0, false
	}
	n, err := strconv.ParseUint(v.Text, 10, 64)
	if v.Kind != value.Number || err != nil || n > limit {
		f.wrong(key, "a whole number from 0 to "+strconv.FormatUint(limit, 10))
		return 0, false
	}
	return n, true
}

// list returns the items of an array; nil if there is none.
func (f fields) list(key string) []value.Value {
	v := f.get(key)
	if v == nil {
		return nil
	}
	if v.Kind != value.Array {
		f.wrong(key, "an array")
	}
	return v.Items
}

// raw returns an entry as JSON, with the spelling of its numbers and the order
// of its keys.
func raw(v *value.Value) []byte {
	return []byte(value.Style{Floats: value.AsWritten}.Print(v))
}

// maxUint32 and maxUint8 are the limits of the API's integers.
const (
	maxUint32 = math.MaxUint32
	maxUint8  = math.MaxUint8
)
