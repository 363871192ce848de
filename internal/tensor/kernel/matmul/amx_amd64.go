//go:build !noasm

package matmul

import (
	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// useAMX is on where prompts are multiplied in tiles. Built with the tag
// emulatedamx it is on without the instructions, for tests under an emulator.
var useAMX = cpu.Has(amxTier)

func init() {
	cpu.RegisterUnverified("amx", &useAMX)
	for t, e := range amxExpanders() {
		tiledLayout(t).expandAMX = e
	}
}

// Sizes of unpacked units; see _asm/amx.go.
const (
	amxWide   = 8832
	amxNarrow = 640
)

const (
	// amxRows is the number of activation rows that a kernel takes.
	amxRows = 32
	// amxLeast is the least number of left-over rows that are worth a kernel.
	amxLeast = 8
	// amxChunk is how many groups of weights are unpacked at a time: a block of
	// columns of all activations meets them one after the other.
	amxChunk = 4
	// amxRest is where a second configuration lies, for rows that do not fill tiles.
	amxRest  = 64 + 4*1024
	amxTiles = amxRest + 64
)

// An amxKernel multiplies n unpacked units of a group with blocks of 32 rows of
// activations, stride bytes apart, and adds to (or, if more is 0, sets) out,
// [blocks][32][16]. It finds the configuration of the tiles in the first 64 bytes of
// tiles, and leaves sums in the 4096 bytes behind.
type amxKernel func(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)

// amxScratch is the part of a Scratch that AMX needs.
type amxScratch struct {
	weights []byte    // unpacked units, [groups][units]
	acts    []byte    // rows of activations that do not lie one after the other
	sums    []float32 // [groups][rows][Group]
	tiles   []byte    // configuration and int32 sums of tiles, and amxRest
}

// amxLayout returns the layout that AMX unpacks, or nil.
func (j *job) amxLayout() *layout {
	lay := j.m.layout()
	if lay.wide != nil && lay.expander() != nil {
		lay = lay.wide
	}
	if !useAMX || lay.expandAMX == nil {
		return nil
	}
	return lay
}

// amx multiplies as many of the first rows as fill tiles well, and returns their
// number. The results have the bits of all other kernels.
func (j *job) amx(lo, hi int) int {
	n := j.n &^ (amxRows - 1)
	if j.n-n >= amxLeast {
		n = j.n
	}
	lay := j.amxLayout()
	if lay == nil || n == 0 {
		return 0
	}
	size, block := amxWide, 4
	if lay.kind == Q8 {
		size, block = amxNarrow, 32
	}
	j.amxPrepare(lay.kind, n, size*block)
	units := lay.units(j.m.Cols)
	for g := lo; g < hi; g += amxChunk {
		groups := min(amxChunk, hi-g)
		w := j.groups(lay, g, groups)
		for u := 0; u < units; u += block {
			cnt := min(block, units-u)
			for c := range groups {
				from := w[c*units*lay.bytes+u*lay.bytes:][:cnt*lay.bytes]
				lay.expandAMX(&j.s.amx.weights[c*size*block], &from[0], cnt)
			}
			j.amxBlock(lay, n, groups, u, cnt, size*block)
		}
		for c := range groups {
			j.store(j.s.amx.sums[c*roundUp(n, amxRows)*Group:], g+c, 0, n)
		}
	}
	return n
}

// amxBlock multiplies units [u, u+cnt) of some groups, unpacked step bytes apart,
// with n rows of activations.
func (j *job) amxBlock(lay *layout, n, groups, u, cnt, step int) {
	s, run := &j.s.amx, lay.amxKernel()
	more := min(u, 1)
	rows, direct, at := roundUp(n, amxRows), j.amxDirect(n), u*unitBytes[lay.kind]
	for c := range groups {
		w, out := &s.weights[c*step], s.sums[c*rows*Group:]
		if direct > 0 {
			x := &j.acts.data[j.row(0)*j.acts.stride+at]
			run(w, cnt, x, j.acts.stride, &out[0], &s.tiles[0], more, direct/amxRows)
		}
		if direct < n {
			run(w, cnt, &s.acts[at], j.acts.stride, &out[direct*Group], &s.tiles[0], more, (rows-direct)/amxRows)
		}
	}
}

// amxKernel returns the kernel for what expandAMX writes.
func (l *layout) amxKernel() amxKernel {
	switch {
	case l.kind == Q8 && l.hasMin:
		return amxMulNarrowMin
	case l.kind == Q8:
		return amxMulNarrow
	case l.t == quant.Q2_K: // minimums of 16 columns
		return amxMulWide8
	case l.hasMin:
		return amxMulWide4
	}
	return amxMulWide
}

// amxDirect is the number of rows, of n, that kernels may read where they are.
func (j *job) amxDirect(n int) int {
	if j.rows != nil {
		return 0
	}
	return n &^ (amxRows - 1)
}

// amxPrepare takes memory, configures the tiles and copies the rows of activations
// that are not in order, or too few for a tile: behind them comes what was there.
func (j *job) amxPrepare(k Kind, n, weights int) {
	s := &j.s.amx
	rows, direct := roundUp(n, amxRows), j.amxDirect(n)
	if len(s.weights) < amxChunk*weights {
		s.weights = alignedBytes(amxChunk * weights)
	}
	if len(s.sums) < amxChunk*rows*Group {
		s.sums = floats(alignedBytes(4 * amxChunk * rows * Group))
	}
	if need := (rows - direct) * j.acts.stride; len(s.acts) < need {
		s.acts = alignedBytes(need)
	}
	for i := direct; i < n; i++ {
		copy(s.acts[(i-direct)*j.acts.stride:], j.acts.data[j.row(i)*j.acts.stride:][:j.acts.stride])
	}
	if s.tiles == nil {
		s.tiles = alignedBytes(amxTiles)
	}
	configureTiles(s.tiles, k)
}

// configureTiles writes the operand of LDTILECFG: palette 1, bytes per row of the
// eight tiles, and their rows. Tiles 0 to 3 are sums, 4 and 5 activations, 6 and 7
// weights; a unit of 32 columns fills half of an activation's row, and half of the
// rows of weights.
func configureTiles(cfg []byte, k Kind) {
	cfg[0] = 1
	for t := range 8 {
		rowBytes, rows := byte(64), byte(16)
		if k == Q8 && (t == 4 || t == 5) {
			rowBytes = 32
		}
		if k == Q8 && t >= 6 {
			rows = 8
		}
		cfg[16+2*t], cfg[48+t] = rowBytes, rows
	}
}

//go:noescape
func amxMulWide(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)

//go:noescape
func amxMulWide4(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)

//go:noescape
func amxMulWide8(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)

//go:noescape
func amxMulNarrow(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)

//go:noescape
func amxMulNarrowMin(w *byte, n int, x *byte, stride int, out *float32, tiles *byte, more, blocks int)
