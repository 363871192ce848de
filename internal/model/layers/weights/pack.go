package weights

import "github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"

// packPiece packs the rows of one piece. Packed groups follow each other, so a
// run of groups is a matrix of its own that begins where the groups before end.
func packPiece(p *piece, src []byte) {
	m := p.m
	from := matmul.PackedSize(m.t.Type, p.lo*matmul.Group, m.cols)
	rows := min(p.hi*matmul.Group, m.rows) - p.lo*matmul.Group
	matmul.Pack(p.dst[from:], m.t.Type, rows, m.cols, src, 0, p.hi-p.lo)
}
