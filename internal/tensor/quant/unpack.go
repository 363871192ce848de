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

// HasMin reports whether the elements of t have a minimum beside their scale:
// Q4_1, Q5_1, Q2_K, Q4_K and Q5_K do.
func (t Type) HasMin() bool {
	switch t {
	case Q4_1, Q5_1, Q2_K, Q4_K, Q5_K:
		return true
	}
	return false
}

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
	if err := checkSize(t, len(q), len(src)); err != nil {
		return err
	}
	groups := len(q) / GroupElems
	if len(scale) != groups {
		return fmt.Errorf("quant: unpack of %s: %d scales for %d elements, want %d", t, len(scale), len(q), groups)
	}
	if len(min) != groups && (min != nil || t.HasMin()) {
		return fmt.Errorf("quant: unpack of %s: %d mins for %d elements, want %d", t, len(min), len(q), groups)
	}
	if len(q) == 0 {
		return nil
	}
	if !t.HasMin() {
		clear(min)
	}
	unpackBlocks(t, src, q, scale, min)
	return nil
}

// unpackBlocks decodes whole blocks: len(src) is a multiple of the block's
// bytes, q has exactly the elements of these blocks, scale and min have
// len(q)/GroupElems elements. All of q and scale are written, and all of min
// if t.HasMin(); otherwise min is left alone and may be nil.
//
// It is a switch and not a table of functions so that the compiler sees that
// no slice is kept, and the caller's buffers stay on its stack.
func unpackBlocks(t Type, src []byte, q []int8, scale, min []float32) {
	switch t {
	case Q4_0:
		unpackQ4_0(src, q, scale, min)
	case Q4_1:
		unpackQ4_1(src, q, scale, min)
	case Q5_0:
		unpackQ5_0(src, q, scale, min)
	case Q5_1:
		unpackQ5_1(src, q, scale, min)
	case Q8_0:
		unpackQ8_0(src, q, scale, min)
	case Q8_1:
		unpackQ8_1(src, q, scale, min)
	case Q2_K:
		unpackQ2K(src, q, scale, min)
	case Q3_K:
		unpackQ3K(src, q, scale, min)
	case Q4_K:
		unpackQ4K(src, q, scale, min)
	case Q5_K:
		unpackQ5K(src, q, scale, min)
	case Q6_K:
		unpackQ6K(src, q, scale, min)
	case Q8_K:
		unpackQ8K(src, q, scale, min)
	case IQ2_XXS:
		unpackIQ2XXS(src, q, scale, min)
	case IQ2_XS:
		unpackIQ2XS(src, q, scale, min)
	case IQ2_S:
		unpackIQ2S(src, q, scale, min)
	case IQ3_XXS:
		unpackIQ3XXS(src, q, scale, min)
	case IQ3_S:
		unpackIQ3S(src, q, scale, min)
	case IQ1_S:
		unpackIQ1S(src, q, scale, min)
	case IQ1_M:
		unpackIQ1M(src, q, scale, min)
	case IQ4_NL:
		unpackIQ4NL(src, q, scale, min)
	case IQ4_XS:
		unpackIQ4XS(src, q, scale, min)
	case TQ1_0:
		unpackTQ1(src, q, scale, min)
	case TQ2_0:
		unpackTQ2(src, q, scale, min)
	case MXFP4:
		unpackMXFP4(src, q, scale, min)
	case NVFP4:
		unpackNVFP4(src, q, scale, min)
	}
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
