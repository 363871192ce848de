package matmul

// A tileKernel is a kernel for a number of activation rows.
type tileKernel struct {
	rows int
	run  kernel
}

// pick returns the smallest kernel that takes n rows, or the largest there is.
func pick(ks []tileKernel, n int) *tileKernel {
	for i := range ks {
		if ks[i].rows >= n {
			return &ks[i]
		}
	}
	return &ks[len(ks)-1]
}

const (
	// maxChunk is how many groups of rows are multiplied with a tile of
	// activations before the next tile comes.
	maxChunk = 8
	// chunkBytes is how many bytes of weights should stay in the second-level
	// cache while all activations pass.
	chunkBytes = 384 << 10
	// fetchTile is the size of the first tile that meets a chunk: its kernel
	// prefetches the weights, which the larger ones then find in the cache.
	fetchTile = 8
	// blockCols is how many columns of a tile of activations should stay in the
	// first-level cache while a chunk of weights passes.
	blockCols = 1024
)

// tiles runs kernels over groups [lo, hi). The sums of a tile wait in s.tile
// between blocks of columns, which rounds nothing: the order of additions is
// that of one pass.
func (j *job) tiles(lay *layout, ks []tileKernel, lo, hi int) {
	m := j.m
	units := lay.units(m.Cols)
	size := units * lay.bytes
	chunk, block := 1, units
	if j.n > ks[len(ks)-1].rows {
		chunk = max(1, min(maxChunk, chunkBytes/size))
		block = blockCols / lay.cols
	}
	if lay.kind == F32 || lay.kind == BF16 {
		block = floatBlock / floatStep
	}
	for g := lo; g < hi; g += chunk {
		n := min(chunk, hi-g)
		w := j.groups(lay, g, n)
		for i := 0; i < j.n; {
			rows := j.n - i
			if i == 0 && rows > maxTile {
				rows = fetchTile
			}
			i += j.tile(lay, pick(ks, rows), w, g, n, i, block)
		}
	}
}

// groups returns n groups of the matrix from g on in the layout of the kernels.
func (j *job) groups(lay *layout, g, n int) []byte {
	if j.m.lay != nil && lay == j.m.lay.wide {
		return j.widen(lay, g, n)
	}
	return j.m.groups(g, n, j.s)
}

// tile multiplies groups [g, g+n), packed in w, with the activation rows from i
// on that the kernel takes, and returns their number.
func (j *job) tile(lay *layout, k *tileKernel, w []byte, g, n, i, block int) int {
	units := lay.units(j.m.Cols)
	size := units * lay.bytes
	rows := min(k.rows, j.n-i)
	offs := j.setOffs(i, rows, k.rows)
	xBytes := j.actBytes(lay)
	for u := 0; u < units; u += block {
		cnt := min(block, units-u)
		more := 0
		if u > 0 {
			more = 1
		}
		x := &j.acts.data[u*xBytes]
		for c := range n {
			k.run(&w[c*size+u*lay.bytes], cnt, x, &offs[0], &j.s.tile[c*maxTile*Group], more)
		}
	}
	for c := range n {
		j.store(j.s.tile[c*maxTile*Group:], g+c, i, rows)
	}
	return rows
}

// unitBytes is the number of bytes of activations that meet a unit of weights.
var unitBytes = [numKinds]int{F32: 4 * floatStep, Q8: q8Bytes, Q8K: q8kBytes, BF16: 2 * floatStep}
