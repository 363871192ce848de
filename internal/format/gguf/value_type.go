package gguf

import "fmt"

// ValueType is the type of a metadata value, with the ids of the format.
type ValueType uint32

// The value types of the format.
const (
	Uint8 ValueType = iota
	Int8
	Uint16
	Int16
	Uint32
	Int32
	Float32
	Bool
	String
	Array
	Uint64
	Int64
	Float64
)

// valueTypes is indexed by ValueType: the name, and the size of a value of a
// fixed-size type or the least size of one of the others.
var valueTypes = [...]struct {
	name  string
	size  uint64
	fixed bool
}{
	Uint8:   {"u8", 1, true},
	Int8:    {"i8", 1, true},
	Uint16:  {"u16", 2, true},
	Int16:   {"i16", 2, true},
	Uint32:  {"u32", 4, true},
	Int32:   {"i32", 4, true},
	Float32: {"f32", 4, true},
	Bool:    {"bool", 1, true},
	String:  {"string", 8, false},
	Array:   {"array", 12, false},
	Uint64:  {"u64", 8, true},
	Int64:   {"i64", 8, true},
	Float64: {"f64", 8, true},
}

// String returns the short name, such as "u32" or "string".
func (t ValueType) String() string {
	if !t.known() {
		return fmt.Sprintf("ValueType(%d)", uint32(t))
	}
	return valueTypes[t].name
}

func (t ValueType) known() bool  { return uint64(t) < uint64(len(valueTypes)) }
func (t ValueType) fixed() bool  { return valueTypes[t].fixed }
func (t ValueType) size() uint64 { return valueTypes[t].size }

func (t ValueType) float() bool { return t == Float32 || t == Float64 }

func (t ValueType) integer() bool {
	return t.fixed() && t != Bool && !t.float()
}
