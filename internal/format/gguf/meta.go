package gguf

import (
	"fmt"
)

// Arch returns general.architecture, or "" if the file does not say.
func (f *File) Arch() string {
	s, _, _ := f.String("general.architecture")
	return s
}

// Keys returns the metadata keys in file order. Of a split file the first shard's
// metadata is the model's, here and below.
func (f *File) Keys() []string {
	if f.shards == nil {
		return nil
	}
	s := f.shards[0]
	keys := make([]string, len(s.keys.recs))
	for i := range keys {
		keys[i] = string(s.keyName(uint32(i)))
	}
	return keys
}

// TypeOf returns the type of a key's value, and for an array the type and number
// of its elements, without decoding it. Of another value elem is the type again
// and n is 1.
func (f *File) TypeOf(key string) (t, elem ValueType, n int, ok bool) {
	if f.shards == nil {
		return 0, 0, 0, false
	}
	v, ok := f.shards[0].lookup(key)
	return v.t, v.elem, int(v.n), ok
}

// Value returns a key's value as the Go type of its width: uint8 to float64,
// bool, string, a slice of those, or []any for arrays of arrays.
func (f *File) Value(key string) (any, bool) {
	if f.shards == nil {
		return nil, false
	}
	s := f.shards[0]
	r, ok := s.keys.find(key, s.keyName)
	if !ok {
		return nil, false
	}
	c := cursor{b: s.data, at: r.at() + 8 + uint64(len(key))}
	t, _ := c.valueType() // checked by skip
	return c.decode(t), true
}

// The getters below return ok false if the key is not there, and an error that
// wraps ErrWrongType if it holds something else. Integers of any width are read;
// converters do not agree on one.

// Uint returns an integer that is not negative.
func (f *File) Uint(key string) (v uint64, ok bool, err error) {
	return one(f, key, "an integer", ValueType.integer, value.uint)
}

// Int returns an integer.
func (f *File) Int(key string) (v int64, ok bool, err error) {
	return one(f, key, "an integer", ValueType.integer, value.int)
}

// Float returns a floating-point number, or an integer as one.
func (f *File) Float(key string) (v float64, ok bool, err error) {
	return one(f, key, "a number", number, value.float)
}

// Bool returns a truth value.
func (f *File) Bool(key string) (v, ok bool, err error) {
	return one(f, key, "a bool", isBool, value.bool)
}

// String returns a text, byte for byte: it may be invalid UTF-8.
func (f *File) String(key string) (v string, ok bool, err error) {
	val, ok, err := f.value(key)
	if !ok || err != nil {
		return "", ok, err
	}
	if val.t != String {
		return "", true, wrongType(key, val, "a string")
	}
	c := cursor{b: val.b}
	b, _ := c.str() // checked by skip
	return string(b), true, nil
}

// Strings returns an array of texts. They share one allocation.
func (f *File) Strings(key string) (v []string, ok bool, err error) {
	val, ok, err := f.value(key)
	if !ok || err != nil {
		return nil, ok, err
	}
	if val.t != Array || val.elem != String && val.n > 0 {
		return nil, true, wrongType(key, val, "an array of strings")
	}
	if val.n == 0 {
		return []string{}, true, nil
	}
	return val.strings(), true, nil
}

// Ints returns an array of integers.
func (f *File) Ints(key string) (v []int64, ok bool, err error) {
	return many(f, key, "an array of integers", ValueType.integer, value.int)
}

// Uints returns an array of integers that are not negative.
func (f *File) Uints(key string) (v []uint64, ok bool, err error) {
	return many(f, key, "an array of integers", ValueType.integer, value.uint)
}

// Floats returns an array of numbers, rounded to float32.
func (f *File) Floats(key string) (v []float32, ok bool, err error) {
	return many(f, key, "an array of numbers", number, float32At)
}

// Bools returns an array of truth values.
func (f *File) Bools(key string) (v []bool, ok bool, err error) {
	return many(f, key, "an array of bools", isBool, value.bool)
}

func number(t ValueType) bool { return t.integer() || t.float() }

func isBool(t ValueType) bool { return t == Bool }

func float32At(v value, i int) (float32, error) {
	x, err := v.float(i)
	return float32(x), err
}

// value finds a key of the model's metadata.
func (f *File) value(key string) (value, bool, error) {
	if f.shards == nil {
		return value{}, false, fmt.Errorf("gguf: metadata key %q: %w", key, ErrClosed)
	}
	v, ok := f.shards[0].lookup(key)
	return v, ok, nil
}

// one decodes a scalar whose type passes is.
func one[T any](f *File, key, want string, is func(ValueType) bool, get func(value, int) (T, error)) (T, bool, error) {
	var zero T
	v, ok, err := f.value(key)
	if !ok || err != nil {
		return zero, ok, err
	}
	if !v.t.known() || v.t == Array || !is(v.t) {
		return zero, true, wrongType(key, v, want)
	}
	x, err := get(v, 0)
	if err != nil {
		return zero, true, fmt.Errorf("gguf: metadata key %q: %w", key, err)
	}
	return x, true, nil
}

// many decodes an array whose element type passes is. An empty array passes
// whatever its type.
func many[T any](f *File, key, want string, is func(ValueType) bool, get func(value, int) (T, error)) ([]T, bool, error) {
	v, ok, err := f.value(key)
	if !ok || err != nil {
		return nil, ok, err
	}
	if v.t != Array || v.n > 0 && !is(v.elem) {
		return nil, true, wrongType(key, v, want)
	}
	out, err := decodeAll(key, v, int(v.n), get)
	return out, true, err
}

func decodeAll[T any](key string, v value, n int, get func(value, int) (T, error)) ([]T, error) {
	out := make([]T, n)
	for i := range out {
		x, err := get(v, i)
		if err != nil {
			return nil, fmt.Errorf("gguf: metadata key %q: element %d: %w", key, i, err)
		}
		out[i] = x
	}
	return out, nil
}

func wrongType(key string, v value, want string) error {
	return fmt.Errorf("gguf: metadata key %q: %w: %s, expected %s", key, ErrWrongType, v, want)
}

// uint reads an integer of this shard's own metadata.
func (s *shard) uint(key string) (uint64, bool, error) {
	v, ok := s.lookup(key)
	if !ok {
		return 0, false, nil
	}
	if !v.t.integer() {
		return 0, true, fmt.Errorf("%w: metadata key %q is %s, expected an integer", ErrMalformed, key, v)
	}
	n, err := v.uint(0)
	if err != nil {
		return 0, true, fmt.Errorf("%w: metadata key %q: %w", ErrMalformed, key, err)
	}
	return n, true, nil
}
