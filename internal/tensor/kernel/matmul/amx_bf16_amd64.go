//go:build !noasm

package matmul

const (
	// brainUnits is how many units of BF16 weights a tile has: 32 columns.
	brainUnits = 16
	// brainChunk is how many groups of weights meet a block of columns of all
	// activations before the next ones come.
	brainChunk = 16
	// brainBlock is how many tiles a block of columns has: two groups of it and 32
	// rows of activations take 64 KiB, and a chunk 256.
	brainBlock = 16
	// brainOnce is the number of rows up to which there are no blocks: weights are
	// read once, and sums stay in tiles.
	brainOnce = 32
)

// An amxBrainKernel multiplies n tiles of the weights of one or two groups with
// blocks of rows of activations, stride bytes apart, and adds to (or, if more is 0,
// sets) out0 and out1, [rows][Group]. It finds the configuration of the tiles in
// tiles.
type amxBrainKernel func(w0, w1 *byte, n int, x *byte, stride int, out0, out1 *float32, blocks int, tiles *byte, more int)

// amxBrainKernels are those for up to 16 rows, and for blocks of 32; for one group,
// and for two.
var amxBrainKernels = [2][2]amxBrainKernel{{amxBrain1x1, amxBrain1x2}, {amxBrain2x1, amxBrain2x2}}

// amxBrains multiplies a BF16 matrix with BF16 activations in tiles, if they are
// on. All rows go there, be they few: the order of additions is that of the tiles.
func (j *job) amxBrains(lo, hi int) bool {
	if !useAMX {
		return false
	}
	j.brainPrepare()
	s := &j.s.amx
	units := brain.units(j.m.Cols)
	full := units &^ (brainUnits - 1)
	size, sums := units*brain.bytes, roundUp(j.n, amxRows)*Group
	block := brainBlock * brainUnits
	if j.n <= brainOnce {
		block = units
	}
	for g := lo; g < hi; g += brainChunk {
		groups := min(brainChunk, hi-g)
		w := j.m.groups(g, groups, j.s)
		for u := 0; u < full; u += block {
			j.brainBlock(w[u*brain.bytes:], size, groups, u, min(block, full-u)/brainUnits)
		}
		if full < units {
			clear(s.weights[:groups*1024])
			for c := range groups {
				copy(s.weights[c*1024:], w[c*size+full*brain.bytes:(c+1)*size])
			}
			j.brainBlock(s.weights, 1024, groups, full, 1)
		}
		for c := range groups {
			j.store(s.sums[c*sums:], g+c, 0, j.n)
		}
	}
	return true
}

// brainBlock multiplies n tiles from unit u on of some groups, size bytes apart,
// with all rows.
func (j *job) brainBlock(w []byte, size, groups, u, n int) {
	s := &j.s.amx
	x := j.acts.data
	if j.rows != nil {
		x = s.acts
	}
	x = x[u*unitBytes[BF16]:]
	blocks, sums := j.n/amxRows, roundUp(j.n, amxRows)*Group
	for c := 0; c < groups; c += 2 {
		last := min(c+1, groups-1)
		w0, w1 := &w[c*size], &w[last*size]
		out0, out1 := s.sums[c*sums:], s.sums[last*sums:]
		if blocks > 0 {
			amxBrainKernels[1][last-c](w0, w1, n, &x[0], j.acts.stride, &out0[0], &out1[0], blocks, &s.tiles[0], u)
		}
		if rest := j.n % amxRows; rest > 0 {
			at := blocks * amxRows
			x, run := &x[at*j.acts.stride], amxBrainKernels[(rest-1)/16][last-c]
			run(w0, w1, n, x, j.acts.stride, &out0[at*Group], &out1[at*Group], 1, &s.tiles[amxRest], u)
		}
	}
}

// brainPrepare takes memory, configures the tiles and copies the rows of
// activations that are not in order.
func (j *job) brainPrepare() {
	s := &j.s.amx
	if need := brainChunk * 1024; len(s.weights) < need {
		s.weights = alignedBytes(need)
	}
	if need := brainChunk * roundUp(j.n, amxRows) * Group; len(s.sums) < need {
		s.sums = floats(alignedBytes(4 * need))
	}
	if j.rows != nil {
		if need := j.n * j.acts.stride; len(s.acts) < need {
			s.acts = alignedBytes(need)
		}
		for i := range j.n {
			copy(s.acts[i*j.acts.stride:], j.acts.data[j.row(i)*j.acts.stride:][:j.acts.stride])
		}
	}
	if s.tiles == nil {
		s.tiles = alignedBytes(amxTiles)
	}
	rest := j.n % amxRows
	configureBrain(s.tiles, 16, 16)
	configureBrain(s.tiles[amxRest:], min(rest, 16), max(rest-16, 1))
}

// configureBrain writes the operand of LDTILECFG for activations in tiles of n0 and
// n1 rows: their sums have as many.
func configureBrain(cfg []byte, n0, n1 int) {
	cfg[0] = 1
	for t, rows := range [8]int{n0, n0, n1, n1, n0, n1, 16, 16} {
		cfg[16+2*t], cfg[48+t] = 64, byte(rows)
	}
}

//go:noescape
func amxBrain1x1(w0, w1 *byte, n int, x *byte, stride int, out0, out1 *float32, blocks int, tiles *byte, more int)

//go:noescape
func amxBrain1x2(w0, w1 *byte, n int, x *byte, stride int, out0, out1 *float32, blocks int, tiles *byte, more int)

//go:noescape
func amxBrain2x1(w0, w1 *byte, n int, x *byte, stride int, out0, out1 *float32, blocks int, tiles *byte, more int)

//go:noescape
func amxBrain2x2(w0, w1 *byte, n int, x *byte, stride int, out0, out1 *float32, blocks int, tiles *byte, more int)
