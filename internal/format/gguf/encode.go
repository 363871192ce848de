package gguf

import (
	"encoding/binary"
	"fmt"
)

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(s))), s...)
}

// encode returns a value as the file has it: its type id and its bytes.
func encode(v any) ([]byte, error) {
	t, body, err := encodeBody(v)
	if err != nil {
		return nil, err
	}
	return append(binary.LittleEndian.AppendUint32(nil, uint32(t)), body...), nil
}

// encodeBody returns the type of v and its bytes without the type id.
func encodeBody(v any) (ValueType, []byte, error) {
	switch v := v.(type) {
	case string:
		return String, appendString(nil, v), nil
	case []string:
		b := arrayHead(String, len(v))
		for _, s := range v {
			b = appendString(b, s)
		}
		return Array, b, nil
	case []any:
		return encodeMixed(v)
	}
	t, n := fixedType(v)
	if n == 0 {
		return 0, nil, fmt.Errorf("a value of Go type %T cannot be written", v)
	}
	var b []byte
	if n > 0 { // a slice
		b = arrayHead(t, n-1)
		t = Array
	}
	b, err := binary.Append(b, binary.LittleEndian, v)
	return t, b, err
}

// fixedType returns the type of v or of its elements. n is 0 if there is none,
// -1 for a scalar, and the length plus one for a slice.
func fixedType(v any) (t ValueType, n int) {
	switch v := v.(type) {
	case uint8:
		return Uint8, -1
	case int8:
		return Int8, -1
	case uint16:
		return Uint16, -1
	case int16:
		return Int16, -1
	case uint32:
		return Uint32, -1
	case int32:
		return Int32, -1
	case float32:
		return Float32, -1
	case bool:
		return Bool, -1
	case uint64:
		return Uint64, -1
	case int64:
		return Int64, -1
	case float64:
		return Float64, -1
	case []uint8:
		return Uint8, len(v) + 1
	case []int8:
		return Int8, len(v) + 1
	case []uint16:
		return Uint16, len(v) + 1
	case []int16:
		return Int16, len(v) + 1
	case []uint32:
		return Uint32, len(v) + 1
	case []int32:
		return Int32, len(v) + 1
	case []float32:
		return Float32, len(v) + 1
	case []bool:
		return Bool, len(v) + 1
	case []uint64:
		return Uint64, len(v) + 1
	case []int64:
		return Int64, len(v) + 1
	case []float64:
		return Float64, len(v) + 1
	}
	return 0, 0
}

// encodeMixed writes an array whose elements must all encode as one type; of an
// empty one the type does not matter.
func encodeMixed(v []any) (ValueType, []byte, error) {
	elem := Array
	var body []byte
	for i, e := range v {
		t, b, err := encodeBody(e)
		if err == nil && i > 0 && t != elem {
			err = fmt.Errorf("an array of %s values cannot hold a %s", elem, t)
		}
		if err != nil {
			return 0, nil, fmt.Errorf("element %d: %w", i, err)
		}
		elem = t
		body = append(body, b...)
	}
	return Array, append(arrayHead(elem, len(v)), body...), nil
}

func arrayHead(elem ValueType, n int) []byte {
	b := binary.LittleEndian.AppendUint32(nil, uint32(elem))
	return binary.LittleEndian.AppendUint64(b, uint64(n))
}
