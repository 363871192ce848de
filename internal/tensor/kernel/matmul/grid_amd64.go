//go:build !noasm

package matmul

import (
	"encoding/binary"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A gridUnpacker unpacks n blocks of a type like quant.Unpack.
type gridUnpacker func(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

// A gridType is what a gridUnpacker needs to know about its type.
type gridType struct {
	run     gridUnpacker
	grid    []uint64  // the points of the grid, 8 or 4 codes each
	signs   []uint64  // masks of signs, or what is added to eight codes
	factors []float32 // what the bits of a scale stand for
}

// gridTypes returns the types that have an unpacker. The tables are made on the
// first call, by unpacking blocks with known indices.
var gridTypes = sync.OnceValue(func() map[quant.Type]gridType {
	eighths, quarters, ones := oddNumbers(0.125), oddNumbers(0.25), oddNumbers(1)
	signs7, signs8 := signMasks(128, true), signMasks(256, false)
	iq1 := gridOf(quant.IQ1_S, 2048, 8, func(b []byte, i int) { b[2], b[34] = byte(i), byte(i>>8) })
	for i := range iq1 {
		iq1[i] = addBytes(iq1[i], -1) // the block's codes have one eighth added
	}
	shifts := []uint64{addBytes(0, 1), addBytes(0, -1)}
	return map[quant.Type]gridType{
		quant.IQ2_XXS: {
			unpackIQ2XXSAVX2, gridOf(quant.IQ2_XXS, 256, 8, func(b []byte, i int) { b[2] = byte(i) }),
			signs7, eighths,
		},
		quant.IQ2_XS: {
			unpackIQ2XSAVX2, gridOf(quant.IQ2_XS, 512, 8, func(b []byte, i int) { b[2], b[3] = byte(i), byte(i>>8) }),
			signs7, eighths,
		},
		quant.IQ2_S: {
			unpackIQ2SAVX2, gridOf(quant.IQ2_S, 1024, 8, func(b []byte, i int) { b[2], b[66] = byte(i), byte(i>>8) }),
			signs8, eighths,
		},
		quant.IQ3_XXS: {
			unpackIQ3XXSAVX2, gridOf(quant.IQ3_XXS, 256, 4, func(b []byte, i int) { b[2] = byte(i) }),
			signs7, quarters,
		},
		quant.IQ3_S: {
			unpackIQ3SAVX2, gridOf(quant.IQ3_S, 512, 4, func(b []byte, i int) { b[2], b[66] = byte(i), byte(i>>8) }),
			signs8, ones,
		},
		quant.IQ1_S: {unpackIQ1SAVX2, iq1, shifts, eighths},
		quant.IQ1_M: {unpackIQ1MAVX2, iq1, shifts, eighths},
		quant.NVFP4: {unpackNVFP4AVX2, packBytes(tableFP4[:]), shifts, ue4m3Halves()},
	}
})

// unpackRow unpacks a row of any block type, with vectors where there are any.
func unpackRow(t quant.Type, src []byte, q []int8, scale []float32) error {
	g, ok := gridType{}, false
	if useAVX2 {
		g, ok = gridTypes()[t]
	}
	if !ok || len(q) == 0 {
		return quant.Unpack(t, src, q, scale, nil)
	}
	n := len(q) / t.BlockElems()
	_, _ = src[n*t.BlockBytes()-1], scale[len(q)/quant.GroupElems-1]
	g.run(&q[0], &scale[0], &src[0], n, &g.grid[0], &g.signs[0], &g.factors[0])
	return nil
}

// oddNumbers returns (2s+1)*unit for four bits s.
func oddNumbers(unit float32) []float32 {
	f := make([]float32, 16)
	for s := range f {
		f[s] = float32(2*s+1) * unit
	}
	return f
}

func ue4m3Halves() []float32 {
	f := make([]float32, 256)
	for b := range f {
		f[b] = num.UE4M3ToF32(uint8(b)) * 0.5
	}
	return f
}

// signMasks returns, for each code, eight bytes that are 0xff where the bit of
// the code is set. With parity, bit 7 is set if an odd number of the others is.
func signMasks(n int, parity bool) []uint64 {
	masks := make([]uint64, n)
	for code := range masks {
		set := 0
		for bit := range 8 {
			on := code>>bit&1 == 1
			if bit == 7 && parity {
				on = set%2 == 1
			}
			if on {
				set++
				masks[code] |= 0xff << (8 * bit)
			}
		}
	}
	return masks
}

// gridOf returns the n points of a type's grid: the first size codes of blocks
// that are zero but for the index.
func gridOf(t quant.Type, n, size int, put func(block []byte, i int)) []uint64 {
	codes := make([]int8, 0, n*size)
	q, scale := make([]int8, t.BlockElems()), make([]float32, t.BlockElems()/quant.GroupElems)
	for i := range n {
		block := make([]byte, t.BlockBytes())
		put(block, i)
		if err := quant.Unpack(t, block, q, scale, nil); err != nil {
			panic("matmul: " + err.Error()) // the sizes are those of the type
		}
		codes = append(codes, q[:size]...)
	}
	return packBytes(codes)
}

// packBytes puts eight codes into each word.
func packBytes(codes []int8) []uint64 {
	words := make([]uint64, len(codes)/8)
	for i := range words {
		words[i] = binary.LittleEndian.Uint64(bytesOfCodes(codes[8*i:][:8]))
	}
	return words
}

// addBytes adds n to each of eight bytes.
func addBytes(w uint64, n int8) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], w)
	for i := range b {
		b[i] += byte(n)
	}
	return binary.LittleEndian.Uint64(b[:])
}

//go:noescape
func unpackIQ2XXSAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackIQ2XSAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackIQ2SAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackIQ3XXSAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackIQ3SAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackIQ1SAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackIQ1MAVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)

//go:noescape
func unpackNVFP4AVX2(q *int8, scale *float32, src *byte, n int, grid, signs *uint64, factors *float32)
