package quant

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Type names how the elements of a tensor are stored. The values are the ids
// of the GGUF file format, so a Type can be read from and written to a file.
type Type uint32

// The types of the GGUF format. Ids that are missing here (4, 5, 31-33 and
// 36-38) belonged to types that the format dropped.
const (
	F32     Type = 0
	F16     Type = 1
	Q4_0    Type = 2
	Q4_1    Type = 3
	Q5_0    Type = 6
	Q5_1    Type = 7
	Q8_0    Type = 8
	Q8_1    Type = 9
	Q2_K    Type = 10
	Q3_K    Type = 11
	Q4_K    Type = 12
	Q5_K    Type = 13
	Q6_K    Type = 14
	Q8_K    Type = 15
	IQ2_XXS Type = 16
	IQ2_XS  Type = 17
	IQ3_XXS Type = 18
	IQ1_S   Type = 19
	IQ4_NL  Type = 20
	IQ3_S   Type = 21
	IQ2_S   Type = 22
	IQ4_XS  Type = 23
	I8      Type = 24
	I16     Type = 25
	I32     Type = 26
	I64     Type = 27
	F64     Type = 28
	IQ1_M   Type = 29
	BF16    Type = 30
	TQ1_0   Type = 34
	TQ2_0   Type = 35
	MXFP4   Type = 39
	NVFP4   Type = 40
)

// ErrUnknownType is returned when a type id or name is not one of Types.
var ErrUnknownType = errors.New("unknown tensor type")

// superBlock is the number of elements in a block of the K, IQ and TQ types.
const superBlock = 256

// info is what the format says about one type.
type info struct {
	name  string
	elems int // elements per block
	bytes int // bytes per block
}

// infos is indexed by Type; an entry without a name is no type.
var infos = [...]info{
	F32:     {"F32", 1, 4},
	F16:     {"F16", 1, 2},
	Q4_0:    {"Q4_0", 32, 18},
	Q4_1:    {"Q4_1", 32, 20},
	Q5_0:    {"Q5_0", 32, 22},
	Q5_1:    {"Q5_1", 32, 24},
	Q8_0:    {"Q8_0", 32, 34},
	Q8_1:    {"Q8_1", 32, 36},
	Q2_K:    {"Q2_K", superBlock, 84},
	Q3_K:    {"Q3_K", superBlock, 110},
	Q4_K:    {"Q4_K", superBlock, 144},
	Q5_K:    {"Q5_K", superBlock, 176},
	Q6_K:    {"Q6_K", superBlock, 210},
	Q8_K:    {"Q8_K", superBlock, 292},
	IQ2_XXS: {"IQ2_XXS", superBlock, 66},
	IQ2_XS:  {"IQ2_XS", superBlock, 74},
	IQ3_XXS: {"IQ3_XXS", superBlock, 98},
	IQ1_S:   {"IQ1_S", superBlock, 50},
	IQ4_NL:  {"IQ4_NL", 32, 18},
	IQ3_S:   {"IQ3_S", superBlock, 110},
	IQ2_S:   {"IQ2_S", superBlock, 82},
	IQ4_XS:  {"IQ4_XS", superBlock, 136},
	I8:      {"I8", 1, 1},
	I16:     {"I16", 1, 2},
	I32:     {"I32", 1, 4},
	I64:     {"I64", 1, 8},
	F64:     {"F64", 1, 8},
	IQ1_M:   {"IQ1_M", superBlock, 56},
	BF16:    {"BF16", 1, 2},
	TQ1_0:   {"TQ1_0", superBlock, 54},
	TQ2_0:   {"TQ2_0", superBlock, 66},
	MXFP4:   {"MXFP4", 32, 17},
	NVFP4:   {"NVFP4", 64, 36},
}

// Types returns every known type in the order of the ids.
func Types() []Type {
	var ts []Type
	for i := range infos {
		if t := Type(i); t.Known() {
			ts = append(ts, t)
		}
	}
	return ts
}

// Parse returns the type with the given name, in upper or lower case.
// The error wraps ErrUnknownType.
func Parse(name string) (Type, error) {
	for i, in := range infos {
		if in.name != "" && strings.EqualFold(in.name, name) {
			return Type(i), nil
		}
	}
	return 0, fmt.Errorf("quant: %q: %w", name, ErrUnknownType)
}

// Known reports whether t is a type that this package can read.
func (t Type) Known() bool {
	return int64(t) < int64(len(infos)) && infos[t].name != ""
}

// String returns the name that files and tools use, such as "Q4_K".
func (t Type) String() string {
	if !t.Known() {
		return fmt.Sprintf("Type(%d)", uint32(t))
	}
	return infos[t].name
}

// BlockElems returns the number of elements per block: 1 for plain numbers,
// and 0 for an unknown type.
func (t Type) BlockElems() int {
	if !t.Known() {
		return 0
	}
	return infos[t].elems
}

// BlockBytes returns the number of bytes per block, and 0 for an unknown type.
func (t Type) BlockBytes() int {
	if !t.Known() {
		return 0
	}
	return infos[t].bytes
}

// Blocked reports whether t stores elements in blocks that share scales, that
// is, whether Unpack can show it as integers.
func (t Type) Blocked() bool { return t.BlockElems() > 1 }

// RowBytes returns the number of bytes that a row of cols elements takes.
// It fails when t is unknown (ErrUnknownType), when cols is negative or not a
// whole number of blocks, and when the size does not fit an int.
func (t Type) RowBytes(cols int) (int, error) {
	if !t.Known() {
		return 0, fmt.Errorf("quant: type id %d: %w", uint32(t), ErrUnknownType)
	}
	in := infos[t]
	if cols < 0 || cols%in.elems != 0 {
		return 0, fmt.Errorf("quant: a row of %d elements: %s needs a multiple of %d", cols, in.name, in.elems)
	}
	blocks := cols / in.elems
	if blocks > math.MaxInt/in.bytes {
		return 0, fmt.Errorf("quant: a row of %d elements of %s does not fit the address space", cols, in.name)
	}
	return blocks * in.bytes, nil
}
