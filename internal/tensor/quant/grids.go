package quant

import (
	"encoding/base64"
	"encoding/binary"
	"math/bits"
	"sync"
)

// The IQ1, IQ2 and IQ3 formats do not store single elements: a code is the
// number of a point in a grid, a chosen list of vectors of 8 (IQ3: 4) small
// values. Points have coordinates 0, 1, 2 (IQ3: 0..7), which a map turns into
// magnitudes, and signs are stored apart.
type gridSet struct {
	iq2xxs [256]uint64  // 8 magnitudes 8, 25 or 43 in the bytes of each
	iq2xs  [512]uint64  // likewise
	iq2s   [1024]uint64 // likewise
	iq3xxs [256]uint32  // 4 magnitudes 4, 12, 20, 28, 36, 44, 52 or 62
	iq3s   [512]uint32  // 4 magnitudes 1, 3, .. 15
	iq1up  [2048]uint64 // 8*g+1 for the 8 values g of -1, 0 or 1
	iq1dn  [2048]uint64 // 8*g-1
	signs  [256]uint64  // byte i is 0xFF where bit i of the index is set
}

// grids expands the tables on first use: they take 58 KiB, which a program
// without such models does not need.
var grids = sync.OnceValue(func() *gridSet {
	g := new(gridSet)
	for i, p := range points(iq2xxsPoints, len(g.iq2xxs)) {
		g.iq2xxs[i] = coordinates(p, 2, 8, []uint8{8, 25, 43})
	}
	for i, p := range points(iq2xsPoints, len(g.iq2xs)) {
		g.iq2xs[i] = coordinates(p, 2, 8, []uint8{8, 25, 43})
	}
	for i, p := range points(iq2sPoints, len(g.iq2s)) {
		g.iq2s[i] = coordinates(p, 2, 8, []uint8{8, 25, 43})
	}
	for i, p := range points(iq3xxsPoints, len(g.iq3xxs)) {
		g.iq3xxs[i] = uint32(coordinates(p, 3, 4, []uint8{4, 12, 20, 28, 36, 44, 52, 62}))
	}
	for i, p := range points(iq3sPoints, len(g.iq3s)) {
		g.iq3s[i] = uint32(coordinates(p, 3, 4, []uint8{1, 3, 5, 7, 9, 11, 13, 15}))
	}
	for i, p := range points(iq1sPoints, len(g.iq1up)) {
		g.iq1up[i] = coordinates(p, 2, 8, []uint8{0xF9, 1, 9}) // -7, 1, 9
		g.iq1dn[i] = coordinates(p, 2, 8, []uint8{0xF7, 0xFF, 7})
	}
	for i := range g.signs {
		g.signs[i] = spread(uint8(i)) * 0xFF
	}
	return g
})

// points decodes a list of n ascending numbers that is stored as base64 of
// their differences as varints. It panics if the list is damaged, which the
// tests exclude.
func points(encoded string, n int) []uint16 {
	data, err := base64.RawStdEncoding.DecodeString(encoded)
	if err != nil {
		panic("quant: damaged grid: " + err.Error())
	}
	list := make([]uint16, n)
	sum := uint64(0)
	for i := range list {
		d, size := binary.Uvarint(data)
		if size <= 0 {
			panic("quant: damaged grid: too short")
		}
		sum += d
		list[i] = uint16(sum)
		data = data[size:]
	}
	if len(data) != 0 {
		panic("quant: damaged grid: too long")
	}
	return list
}

// coordinates splits p into n digits of the given width and returns the
// values that the digits stand for, one per byte.
func coordinates(p uint16, width, n int, values []uint8) uint64 {
	var x uint64
	for i := range n {
		digit := p >> (width * i) & (1<<width - 1)
		x |= uint64(values[digit]) << (8 * i)
	}
	return x
}

// signs7 returns the byte of eight signs that a seven-bit code stands for.
// The number of minus signs is always even, so the eighth bit is the parity
// of the others.
func signs7(code uint32) uint8 {
	code &= 127
	return uint8(code | uint32(bits.OnesCount32(code)&1)<<7)
}
