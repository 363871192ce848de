package gguf

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
)

// A value is a metadata value, still encoded. Its bytes were checked when the
// file was opened.
type value struct {
	t    ValueType
	elem ValueType // of an array
	n    uint64    // elements of an array, else 1
	b    []byte    // from the value, or an array's first element, to the end of the file
}

// lookup finds a key of the shard.
func (s *shard) lookup(key string) (value, bool) {
	r, ok := s.keys.find(key, s.keyName)
	if !ok {
		return value{}, false
	}
	at := r.at() + 8 + uint64(len(key))
	t := ValueType(binary.LittleEndian.Uint32(s.data[at:]))
	v := value{t: t, elem: t, n: 1, b: s.data[at+4:]}
	if t == Array {
		c := cursor{b: v.b}
		v.elem, v.n, _ = c.arrayHead() // checked by skip
		v.b = v.b[c.at:]
	}
	return v, true
}

func (v value) String() string {
	if v.t == Array {
		return fmt.Sprintf("an array of %d %s", v.n, v.elem)
	}
	return v.t.String()
}

// int returns integer i of v, which holds integers.
func (v value) int(i int) (int64, error) {
	b := v.b[uint64(i)*v.elem.size():]
	switch v.elem {
	case Uint8:
		return int64(b[0]), nil
	case Int8:
		return int64(int8(b[0])), nil
	case Uint16:
		return int64(binary.LittleEndian.Uint16(b)), nil
	case Int16:
		return int64(int16(binary.LittleEndian.Uint16(b))), nil
	case Uint32:
		return int64(binary.LittleEndian.Uint32(b)), nil
	case Int32:
		return int64(int32(binary.LittleEndian.Uint32(b))), nil
	}
	n := binary.LittleEndian.Uint64(b)
	if v.elem == Uint64 && n > math.MaxInt64 {
		return 0, fmt.Errorf("%w: %d does not fit a signed integer", ErrWrongType, n)
	}
	return int64(n), nil
}

// uint returns integer i of v, which holds integers, if it is not negative.
func (v value) uint(i int) (uint64, error) {
	if v.elem == Uint64 {
		return binary.LittleEndian.Uint64(v.b[8*i:]), nil
	}
	n, _ := v.int(i) // only an u64 can fail
	if n < 0 {
		return 0, fmt.Errorf("%w: %d, expected at least 0", ErrWrongType, n)
	}
	return uint64(n), nil
}

// float returns number i of v, which holds floats or integers.
func (v value) float(i int) (float64, error) {
	switch v.elem {
	case Float32:
		return float64(math.Float32frombits(binary.LittleEndian.Uint32(v.b[4*i:]))), nil
	case Float64:
		return math.Float64frombits(binary.LittleEndian.Uint64(v.b[8*i:])), nil
	case Uint64:
		n, err := v.uint(i)
		return float64(n), err
	}
	n, err := v.int(i)
	return float64(n), err
}

func (v value) bool(i int) (bool, error) { return v.b[i] != 0, nil }

// strings copies all strings of v, which holds strings. They share one
// allocation, so that a vocabulary of 130,000 tokens costs two.
func (v value) strings() []string {
	c := cursor{b: v.b}
	total := 0
	for range v.n {
		b, _ := c.str() // checked by skip
		total += len(b)
	}
	var all strings.Builder
	all.Grow(total)
	out := make([]string, v.n)
	c.at = 0
	for i := range out {
		b, _ := c.str()
		from := all.Len()
		all.Write(b)
		// The builder never grows again, so its text so far stays where it is.
		out[i] = all.String()[from:]
	}
	return out
}
