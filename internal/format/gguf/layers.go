package gguf

import "fmt"

// maxLayers bounds how often a scalar is repeated: the count comes from the file.
const maxLayers = 1 << 16

// Some keys hold one value for all layers or an array with one per layer. The
// getters below return n values either way. An array may be longer than n (its
// tail is dropped), as where it also describes layers that are not loaded; a
// shorter one is an error that wraps ErrWrongType.

// UintsPerLayer returns n integers that are not negative.
func (f *File) UintsPerLayer(key string, n int) (v []uint64, ok bool, err error) {
	return perLayer(f, key, n, "an integer or an array of integers", ValueType.integer, value.uint)
}

// FloatsPerLayer returns n numbers, rounded to float32.
func (f *File) FloatsPerLayer(key string, n int) (v []float32, ok bool, err error) {
	return perLayer(f, key, n, "a number or an array of numbers", number, float32At)
}

// BoolsPerLayer returns n truth values.
func (f *File) BoolsPerLayer(key string, n int) (v []bool, ok bool, err error) {
	return perLayer(f, key, n, "a bool or an array of bools", isBool, value.bool)
}

func perLayer[T any](f *File, key string, n int, want string, is func(ValueType) bool, get func(value, int) (T, error)) ([]T, bool, error) {
	v, ok, err := f.value(key)
	if !ok || err != nil {
		return nil, ok, err
	}
	if n < 0 || n > maxLayers {
		return nil, true, fmt.Errorf("gguf: metadata key %q: %d layers asked, expected 0 to %d", key, n, maxLayers)
	}
	if !is(v.elem) {
		return nil, true, wrongType(key, v, want)
	}
	if v.t == Array {
		if v.n < uint64(n) {
			return nil, true, fmt.Errorf("gguf: metadata key %q: %w: %s, expected one for each of %d layers", key, ErrWrongType, v, n)
		}
		out, err := decodeAll(key, v, n, get)
		return out, true, err
	}
	out, err := decodeAll(key, v, n, func(v value, _ int) (T, error) { return get(v, 0) })
	return out, true, err
}
