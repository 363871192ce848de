package layers

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/model"
)

// Rows is the current batch seen row by row.
type Rows struct {
	N     int
	Token []int32 // [N]
	Pos   []int32 // [N] position in its sequence
	Seq   []int32 // [N] index of the sequence in Seqs
	First []int32 // [len(Seqs)] index of each sequence's first row
	Out   []int32 // rows whose logits are wanted, in order
	Seqs  []model.BatchSeq
	Batch *model.Batch
}

func (r *Rows) init(maxRows int) {
	r.Token = make([]int32, maxRows)
	r.Pos = make([]int32, maxRows)
	r.Seq = make([]int32, maxRows)
	r.First = make([]int32, maxRows)
	r.Out = make([]int32, 0, maxRows)
}

// Set checks a batch against the model's sizes and lays out its rows.
func (r *Rows) Set(b *model.Batch, c *model.Config, spec model.CacheSpec) error {
	n := b.Rows()
	if n == 0 || n > len(r.Token) {
		return fmt.Errorf("model: a batch of %d rows, expected 1 to %d", n, len(r.Token))
	}
	r.N, r.Seqs, r.Batch, r.Out = 0, b.Seqs, b, r.Out[:0]
	for i := range b.Seqs {
		s := &b.Seqs[i]
		if err := checkSeq(s, b, spec); err != nil {
			return fmt.Errorf("model: sequence %d of the batch: %w", i, err)
		}
		r.First[i] = int32(r.N) // each sequence before has a row, so i is in range
		for j, token := range s.Tokens {
			if token < 0 || int(token) >= c.Vocab {
				return fmt.Errorf("model: sequence %d of the batch: token %d is %d, expected 0 to %d", i, j, token, c.Vocab-1)
			}
			if j >= len(s.Tokens)-s.NLogits {
				r.Out = append(r.Out, int32(r.N))
			}
			r.Token[r.N], r.Pos[r.N], r.Seq[r.N] = token, int32(s.Pos+j), int32(i)
			r.N++
		}
	}
	return nil
}

// Trims reports whether rows without logits may be left out after the last
// layer's attention, whose keys and values are all that later tokens need of
// them. Traces want to see every row; a private batch has nothing to gain.
func (e *Env) Trims() bool {
	b := e.Rows.Batch
	return !e.Private() && len(e.Rows.Out) < e.Rows.N && b.Trace == nil && b.TraceRouting == nil
}

// Trim moves the rows whose logits are wanted to the front, in the residual
// stream and in x (rows of cols values), and forgets the others. It needs a
// barrier before it and ends with one.
func (e *Env) Trim(w int, x []float32, cols int) {
	if w == 0 {
		r := &e.Rows
		for i, from := range r.Out {
			at := int(from)
			copy(e.X[i*e.Embd:(i+1)*e.Embd], e.X[at*e.Embd:(at+1)*e.Embd])
			copy(x[i*cols:(i+1)*cols], x[at*cols:(at+1)*cols])
			r.Token[i], r.Pos[i], r.Seq[i] = r.Token[at], r.Pos[at], r.Seq[at]
			r.Out[i] = int32(i)
		}
		r.N = len(r.Out)
	}
	e.Barrier(w)
}

func checkSeq(s *model.BatchSeq, b *model.Batch, spec model.CacheSpec) error {
	end := s.Pos + len(s.Tokens)
	need := (end + spec.BlockTokens - 1) / spec.BlockTokens
	switch {
	case len(s.Tokens) == 0:
		return fmt.Errorf("it has no tokens")
	case s.Pos < 0 || end < s.Pos || end > maxPos:
		return fmt.Errorf("its position is %d with %d tokens, expected 0 to %d", s.Pos, len(s.Tokens), maxPos)
	case s.NLogits < 0 || s.NLogits > len(s.Tokens):
		return fmt.Errorf("logits of %d rows asked, it has %d", s.NLogits, len(s.Tokens))
	case len(s.Blocks) < need:
		return fmt.Errorf("its block table has %d blocks, expected %d for position %d", len(s.Blocks), need, end-1)
	}
	blocks := len(b.Cache) / max(1, spec.BlockBytes)
	for _, id := range s.Blocks[:need] {
		if id < 0 || int(id) >= blocks {
			return fmt.Errorf("its block table names block %d, the cache has %d", id, blocks)
		}
	}
	return nil
}

// maxPos keeps positions in int32.
const maxPos = 1<<31 - 1
