package quant

import (
	"encoding/binary"
	"fmt"
	"unsafe"
)

// GroupElems is the number of consecutive elements that share one scale and
// one min in the integer view that Unpack gives: the largest number that
// works for every format. Formats with larger groups repeat their scales.
const GroupElems = 16

// A format says how to read the blocks of one type.
type format struct {
	// unpack decodes whole blocks: len(src) is a multiple of the block's
	// bytes, q has exactly the elements of these blocks, scale and min have
	// len(q)/GroupElems elements. It writes all of q and scale, and all of
	// min if hasMin; otherwise it must leave min alone, which may be nil.
	unpack func(src []byte, q []int8, scale, min []float32)
	hasMin bool
}

// formats is indexed by Type; plain numbers have no entry.
var formats = [len(infos)]format{
	Q4_0:    {unpack: unpackQ4_0},
	Q4_1:    {unpack: unpackQ4_1, hasMin: true},
	Q5_0:    {unpack: unpackQ5_0},
	Q5_1:    {unpack: unpackQ5_1, hasMin: true},
	Q8_0:    {unpack: unpackQ8_0},
	Q8_1:    {unpack: unpackQ8_1},
	Q2_K:    {unpack: unpackQ2K, hasMin: true},
	Q3_K:    {unpack: unpackQ3K},
	Q4_K:    {unpack: unpackQ4K, hasMin: true},
	Q5_K:    {unpack: unpackQ5K, hasMin: true},
	Q6_K:    {unpack: unpackQ6K},
	Q8_K:    {unpack: unpackQ8K},
	IQ2_XXS: {unpack: unpackIQ2XXS},
	IQ2_XS:  {unpack: unpackIQ2XS},
	IQ2_S:   {unpack: unpackIQ2S},
	IQ3_XXS: {unpack: unpackIQ3XXS},
	IQ3_S:   {unpack: unpackIQ3S},
	IQ1_S:   {unpack: unpackIQ1S},
	IQ1_M:   {unpack: unpackIQ1M},
	IQ4_NL:  {unpack: unpackIQ4NL},
	IQ4_XS:  {unpack: unpackIQ4XS},
	TQ1_0:   {unpack: unpackTQ1},
	TQ2_0:   {unpack: unpackTQ2},
	MXFP4:   {unpack: unpackMXFP4},
	NVFP4:   {unpack: unpackNVFP4},
}

// HasMin reports whether the elements of t have a minimum beside their scale:
// Q4_1, Q5_1, Q2_K, Q4_K and Q5_K do.
func (t Type) HasMin() bool { return t.Blocked() && formats[t].hasMin }

// Unpack decodes the blocks of src, which may be a row or any part of one
// made of whole blocks, into integers and scales:
//
//	q     [cols]            codes
//	scale [cols/GroupElems]
//	min   [cols/GroupElems] may be nil if !t.HasMin(); otherwise it is zeroed
//
// with the value of element i being
//
//	scale[i/GroupElems]*q[i] + min[i/GroupElems]
//
// exactly, in real arithmetic. In float32, scale*q does not round (every type
// has few enough bits; Q8_K alone, whose scale is a float32, may), so float32
// arithmetic gives the very bits of Dequantize, fused or not. The one thing
// that integers lose: a type without mins has a negative zero where the code
// is zero and the scale is negative, and adding a zero min turns it positive.
//
// Codes are signed and centred. Q4_0 gives q-8, a K type with mins gives
// unsigned codes and min = -dmin*m, IQ1 folds its shift of an eighth into the
// code (8*grid+1 or 8*grid-1) and has an eighth of the scale, FP4 gives doubled
// values and half the scale. No type gives a code below -128 or above 127, and
// all but Q8_0, Q8_1 and Q8_K stay within -127..127.
//
// It fails when t is not Blocked or the lengths do not fit each other.
func Unpack(t Type, src []byte, q []int8, scale, min []float32) error {
	if !t.Blocked() {
		return fmt.Errorf("quant: unpack of %s: only block types have an integer view", t)
	}
	f := &formats[t]
	if err := checkSize(t, len(q), len(src)); err != nil {
		return err
	}
	groups := len(q) / GroupElems
	if len(scale) != groups {
		return fmt.Errorf("quant: unpack of %s: %d scales for %d elements, want %d", t, len(scale), len(q), groups)
	}
	if len(min) != groups && (min != nil || f.hasMin) {
		return fmt.Errorf("quant: unpack of %s: %d mins for %d elements, want %d", t, len(min), len(q), groups)
	}
	if len(q) == 0 {
		return nil
	}
	if !f.hasMin {
		clear(min)
	}
	f.unpack(src, q, scale, min)
	return nil
}

// checkSize reports whether nbytes is what elems elements of t take.
func checkSize(t Type, elems, nbytes int) error {
	want, err := t.RowBytes(elems)
	if err != nil {
		return err
	}
	if nbytes != want {
		return fmt.Errorf("quant: %d bytes for %d elements of %s, want %d", nbytes, elems, t, want)
	}
	return nil
}

// The unpackers work on eight codes at a time, kept in the bytes of a uint64:
// plain Go that runs several times faster than a loop over elements.

// each returns a word with b in all eight bytes.
func each(b uint8) uint64 { return uint64(b) * 0x0101010101010101 }

const (
	low4  = 0x0F0F0F0F0F0F0F0F
	low2  = 0x0303030303030303
	low1  = 0x0101010101010101
	high1 = 0x8080808080808080
)

// sub subtracts c from each byte of x. Bytes of x and c must be below 128:
// setting the top bit first keeps a borrow from reaching the next byte.
func sub(x, c uint64) uint64 { return (x | high1) - c ^ high1 }

// negate negates those bytes of x whose byte in mask is 0xFF; the others of
// mask are 0. Bytes of x must not be zero, as -0 would carry.
func negate(x, mask uint64) uint64 { return x ^ mask + mask&low1 }

// spread turns bit i of b into byte i of the result, 0 or 1.
func spread(b uint8) uint64 {
	// The product puts a copy of b into each byte; the mask keeps bit i of
	// byte i; adding 0x7F.. lifts any bit that is left into the top bit.
	x := each(b) & 0x8040201008040201
	return (x&^high1 + 0x7F7F7F7F7F7F7F7F | x) >> 7 & low1
}

func load16(b []byte) uint16     { return binary.LittleEndian.Uint16(b) }
func load32(b []byte) uint32     { return binary.LittleEndian.Uint32(b) }
func load64(b []byte) uint64     { return binary.LittleEndian.Uint64(b) }
func store64(b []byte, x uint64) { binary.LittleEndian.PutUint64(b, x) }

// bytesOf views codes as bytes, so that they can be written eight at a time.
// q must not be empty. int8 and byte have the same size and alignment.
func bytesOf(q []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(&q[0])), len(q))
}
