package moe

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/model/layers/ffn"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// sharedRows is how many rows of the shared experts' hidden units are computed, and
// then converted, together: enough for the products to be as quick as with all
// rows, few enough for one worker to convert while the others go on.
const sharedRows = 128

func piecesOf(rows int) int { return (rows + sharedRows - 1) / sharedRows }

// gateUpShared computes what worker w claims of the shared experts' hidden units, as
// gateUp those of the routed ones. Who finishes a piece of rows converts it: to share
// that out would take one more meeting.
func (m *MoE) gateUpShared(e *layers.Env, w int, st *State, acts *matmul.Acts, buf *ffn.Buffers) {
	groups, claim := m.Shared.Gate.Groups(), e.Claim(w)
	for {
		lo, hi, ok := e.Next(claim, groups*piecesOf(e.N()))
		if !ok {
			return
		}
		for lo < hi {
			piece, from := lo/groups, lo%groups
			to := min(from+hi-lo, groups)
			m.gateUpPiece(e, w, st, acts, buf, piece, from, to)
			lo += to - from
		}
	}
}

// gateUpPiece is gateUpShared for the row groups [lo, hi) and one piece of rows.
func (m *MoE) gateUpPiece(e *layers.Env, w int, st *State, acts *matmul.Acts, buf *ffn.Buffers, piece, lo, hi int) {
	s, width := m.Shared, m.Shared.Width
	r0, r1 := piece*sharedRows, min((piece+1)*sharedRows, e.N())
	rows := ffn.Rows{Acts: acts, List: e.RowList(r0, r1), N: r1 - r0, Clamp: s.Clamp}
	rows.GateUp(e, w, s.Gate, s.Up, buf.Hidden[r0*width:], buf.Up[r0*width:], lo, hi)
	if st.sharedDone[piece].Add(int32(hi-lo)) < int32(s.Gate.Groups()) {
		return
	}
	st.sharedDone[piece].Store(0)
	kind := s.Down.Kind(e.Exact)
	for r := r0; r < r1; r++ {
		st.sharedActs.Set(kind, r, buf.Hidden[r*width:(r+1)*width])
	}
}
