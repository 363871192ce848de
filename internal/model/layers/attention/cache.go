package attention

import (
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// CacheSpec returns the size of a cache block for all layers.
func CacheSpec(c *model.Config, elem attend.Elem, blockTokens int) model.CacheSpec {
	return model.CacheSpec{
		BlockTokens: blockTokens,
		BlockBytes:  blockTokens * TokenBytes(c, elem),
	}
}

// TokenBytes returns what one token takes in all layers.
func TokenBytes(c *model.Config, elem attend.Elem) int {
	n := 0
	for _, kv := range c.KVHeads {
		n += kv * (elem.RowBytes(c.KeyDim) + elem.RowBytes(c.ValueDim))
	}
	return n
}

// TokenBytes returns what one token takes in this layer.
func (l *Layer) TokenBytes(elem attend.Elem) int {
	return l.KVHeads * (elem.RowBytes(l.KeyDim) + elem.RowBytes(l.ValueDim))
}

// headOffset returns where the rows of one head begin in a block; part is 1 for
// keys and 2 for values.
func (l *Layer) headOffset(st *State, part, head int) (off, rowBytes int) {
	kb, vb := st.Elem.RowBytes(l.KeyDim), st.Elem.RowBytes(l.ValueDim)
	if part == 1 {
		return l.cacheOff + head*st.blockTokens*kb, kb
	}
	return l.cacheOff + (l.KVHeads*kb+head*vb)*st.blockTokens, vb
}

// cacheRow returns the cache memory of row r for one key (part 1) or value
// (part 2) head.
func (l *Layer) cacheRow(e *layers.Env, st *State, r, part, head int) []byte {
	seq := &e.Rows.Seqs[e.Rows.Seq[r]]
	pos := int(e.Rows.Pos[r])
	off, rowBytes := l.headOffset(st, part, head)
	at := int(seq.Blocks[pos/st.blockTokens])*st.blockBytes + off + pos%st.blockTokens*rowBytes
	return e.Rows.Batch.Cache[at : at+rowBytes]
}

// chunks lists the cache rows of positions [lo, hi) of one head.
func (l *Layer) chunks(e *layers.Env, st *State, list []attend.Chunk, seq *model.BatchSeq, head, lo, hi int) []attend.Chunk {
	koff, kb := l.headOffset(st, 1, head)
	voff, vb := l.headOffset(st, 2, head)
	cache := e.Rows.Batch.Cache
	list = list[:0]
	for p := lo; p < hi; {
		in := p % st.blockTokens
		n := min(st.blockTokens-in, hi-p)
		base := int(seq.Blocks[p/st.blockTokens]) * st.blockBytes
		k, v := base+koff+in*kb, base+voff+in*vb
		list = append(list, attend.Chunk{K: cache[k : k+n*kb], V: cache[v : v+n*vb], N: n})
		p += n
	}
	return list
}

// CacheCosts returns what one token takes with each element type.
func CacheCosts(c *model.Config) []model.CacheCost {
	var costs []model.CacheCost
	for _, elem := range []attend.Elem{attend.F32, attend.F16, attend.BF16, attend.Q8_0} {
		costs = append(costs, model.CacheCost{Elem: elem, BytesPerToken: int64(TokenBytes(c, elem))})
	}
	return costs
}
