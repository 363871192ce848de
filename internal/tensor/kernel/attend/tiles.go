package attend

import "unsafe"

const (
	// tileRows is the number of keys, or queries, in a tile of AMX.
	tileRows = 16
	// tileBytes is the size of a whole tile: 16 rows of 64 bytes.
	tileBytes = 1024
)

// tiling is the part of a Scratch for products in tiles, which blocks of any number
// of queries go through: the order of additions is that of the tiles.
type tiling struct {
	on      bool
	q       []byte                          // [queries/16][dk/32] tiles of queries
	k       []byte                          // [Step][DK] bf16: keys of tiles that are not whole in a chunk
	v       []byte                          // [2][dv/16] tiles of 32 rows of values
	none    []byte                          // [DV] bf16: the values of a row that nobody sees
	keys    [Step / tileRows]unsafe.Pointer // where tiles of keys begin
	strides [Step / tileRows]int            // and the bytes between their rows
	rows    [Step]unsafe.Pointer            // the rows of values of a block
	mem     []byte                          // the configuration of tiles, and four of them
}

// grow takes memory and configures the tiles.
func (t *tiling) grow(p *Params) {
	t.q = grow(t.q, tile*2*p.DK)
	t.k = grow(t.k, Step*2*p.DK)
	t.v = grow(t.v, Step*2*p.DV)
	if len(t.none) < 2*p.DV {
		t.none = make([]byte, 2*p.DV)
	}
	if t.mem == nil {
		t.mem = make([]byte, 64+4*tileBytes)
		t.mem[0] = 1 // the palette; all tiles have 16 rows of 64 bytes
		for i := range 8 {
			t.mem[16+2*i], t.mem[48+i] = 64, tileRows
		}
	}
}

// gather finds the rows r0 <= r < r1 of the block that begins at row at: values one
// by one, keys in tiles. It returns where cur has got to.
func (t *tiling) gather(p *Params, cur cursor, at, r0, r1 int) cursor {
	none := unsafe.Pointer(&t.none[0])
	for i := range t.rows[:r0-at] {
		t.rows[i] = none
	}
	for i := r1 - at; i < Step; i++ {
		t.rows[i] = none
	}
	clear(t.keys[:])
	stride := p.vStride()
	for r := r0; r < r1; {
		c, off, n := cur.piece(r, r1)
		v := unsafe.Pointer(&c.V[off*stride])
		list := t.rows[r-at:][:n]
		for i := range list {
			list[i] = unsafe.Add(v, i*stride)
		}
		t.addKeys(p, c.K[off*p.kStride():], r-at, n)
		r += n
	}
	t.fill()
	return cur
}

// addKeys takes n keys, the first of which has the number at in the block. Tiles
// that are not whole are copied.
func (t *tiling) addKeys(p *Params, k []byte, at, n int) {
	row, stride := 2*p.DK, p.kStride()
	for i := 0; i < n; {
		first := (at + i) / tileRows
		cnt := min((first+1)*tileRows-at, n) - i
		if cnt == tileRows {
			t.keys[first], t.strides[first] = unsafe.Pointer(&k[i*stride]), stride
			i += cnt
			continue
		}
		t.keys[first], t.strides[first] = unsafe.Pointer(&t.k[first*tileRows*row]), row
		for end := i + cnt; i < end; i++ {
			copy(t.k[(at+i)*row:][:row], k[i*stride:])
		}
	}
}

// fill puts some other keys in the place of tiles that hold no visible one: their
// scores are not used.
func (t *tiling) fill() {
	some := 0
	for t.keys[some] == nil {
		some++
	}
	for i := range t.keys {
		if t.keys[i] == nil {
			t.keys[i], t.strides[i] = t.keys[some], t.strides[some]
		}
	}
}

// blockTiles is block for products in tiles. Rows of other elements are converted to
// bf16 first.
func (s *Scratch) blockTiles(p *Params, cur cursor, i0, i1, at, r0, r1 int) cursor {
	if p.Elem == BF16 {
		cur = s.tiles.gather(p, cur, at, r0, r1)
	} else {
		cur = s.copyBlock(p, cur, at, r0, r1)
		k, v := s.kraw[(r0-at)*2*p.DK:], s.vraw[(r0-at)*s.vrawStride:]
		copied := Params{Elem: BF16, DK: p.DK, DV: p.DV, KStride: 2 * p.DK, VStride: s.vrawStride}
		s.tiles.gather(&copied, cursor{chunks: []Chunk{{K: k, V: v, N: r1 - r0}}, row: r0}, at, r0, r1)
	}
	s.scoresTiles(i0, i1)
	s.weighAll(i0, i1, at, r0, r1)
	s.valuesTiles(i0, i1)
	return cur
}

// dotsTiles is Dots for products in tiles.
func (s *Scratch) dotsTiles(p *Params, k []byte, n int) {
	clear(s.tiles.keys[:])
	s.tiles.addKeys(p, k, 0, n)
	s.tiles.fill()
	s.scoresTiles(0, s.n)
}
