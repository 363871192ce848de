package gguf

import "encoding/binary"

// decode returns the next value of type t as its Go type; arrays become slices,
// arrays of arrays []any. The bytes were checked by skip.
func (c *cursor) decode(t ValueType) any {
	if t == Array {
		elem, n, _ := c.arrayHead()
		return c.decodeArray(elem, n)
	}
	if t == String {
		b, _ := c.str()
		return string(b)
	}
	b, _ := c.take(t.size())
	switch t {
	case Uint8:
		return b[0]
	case Int8:
		return int8(b[0])
	case Bool:
		return b[0] != 0
	case Uint16:
		return scalar[uint16](b)
	case Int16:
		return scalar[int16](b)
	case Uint32:
		return scalar[uint32](b)
	case Int32:
		return scalar[int32](b)
	case Float32:
		return scalar[float32](b)
	case Uint64:
		return scalar[uint64](b)
	case Int64:
		return scalar[int64](b)
	default:
		return scalar[float64](b)
	}
}

func (c *cursor) decodeArray(elem ValueType, n uint64) any {
	if elem == String {
		v := value{t: Array, elem: String, n: n, b: c.b[c.at:]}
		for range n {
			_, _ = c.str()
		}
		return v.strings()
	}
	if elem == Array {
		out := make([]any, n)
		for i := range out {
			out[i] = c.decode(Array)
		}
		return out
	}
	b, _ := c.take(n * elem.size())
	switch elem {
	case Uint8:
		return numbers[uint8](b, n)
	case Int8:
		return numbers[int8](b, n)
	case Bool:
		return numbers[bool](b, n)
	case Uint16:
		return numbers[uint16](b, n)
	case Int16:
		return numbers[int16](b, n)
	case Uint32:
		return numbers[uint32](b, n)
	case Int32:
		return numbers[int32](b, n)
	case Float32:
		return numbers[float32](b, n)
	case Uint64:
		return numbers[uint64](b, n)
	case Int64:
		return numbers[int64](b, n)
	default:
		return numbers[float64](b, n)
	}
}

type fixed interface {
	uint8 | int8 | bool | uint16 | int16 | uint32 | int32 | float32 | uint64 | int64 | float64
}

func scalar[T fixed](b []byte) T {
	var v T
	_, _ = binary.Decode(b, binary.LittleEndian, &v) // b has the size of a T
	return v
}

func numbers[T fixed](b []byte, n uint64) []T {
	v := make([]T, n)
	_, _ = binary.Decode(b, binary.LittleEndian, v) // b has the size of n of T
	return v
}
