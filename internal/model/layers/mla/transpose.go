package mla

import (
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
	"github.com/holdfast-llm/holdfast/internal/tensor/num"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A file holds each head's Kb in one orientation; the two forms of attention
// need both, and blocks of quantised weights run along one axis only. So the
// other orientation is made at load time. It is a small part of a model: 2 MB
// per layer for V2-Lite, 17 MB for V3.

// lineBytes is the alignment of packed matrices.
const lineBytes = 64

// transposedType is the type of a transposed copy: the source's own if it is a
// plain number format, else half precision, whose error of 2^-12 is far below
// that of the weights it comes from. The exact path keeps every bit.
func transposedType(t quant.Type, exact bool) quant.Type {
	switch {
	case exact || t == quant.F32:
		return quant.F32
	case t == quant.BF16:
		return quant.BF16
	}
	return quant.F16
}

// source returns the matrices that the file holds and where the transposed ones go.
func (l *Layer) source() (src []*matmul.Matrix, dst *[]*matmul.Matrix, rows, cols int) {
	if l.legacy {
		return l.keys, &l.absorb, l.KVLora, l.Nope
	}
	return l.absorb, &l.keys, l.Nope, l.KVLora
}

func align(n int) int { return (n + lineBytes - 1) &^ (lineBytes - 1) }

// TransposedBytes returns the memory of the layer's transposed copies.
func (l *Layer) TransposedBytes(exact bool) int64 {
	src, _, rows, cols := l.source()
	size := matmul.PackedSize(transposedType(src[0].Type, exact), rows, cols)
	return int64(l.Heads) * int64(align(size))
}

// Transpose makes the transposed copies of all layers and returns the arena
// that owns them.
func Transpose(list []*Layer, exact bool, team *par.Team) (*mem.Arena, error) {
	total := int64(lineBytes)
	for _, l := range list {
		total += l.TransposedBytes(exact)
	}
	arena, err := mem.NewArena(int(total))
	if err != nil {
		return nil, fmt.Errorf("model: memory for transposed keys: %w", err)
	}
	type job struct {
		src  *matmul.Matrix
		t    quant.Type
		data []byte
		r, c int
	}
	var jobs []job
	for _, l := range list {
		src, dst, rows, cols := l.source()
		t := transposedType(src[0].Type, exact)
		*dst = make([]*matmul.Matrix, l.Heads)
		for h, m := range src {
			data, err := arena.Alloc(matmul.PackedSize(t, rows, cols), lineBytes)
			if err == nil {
				(*dst)[h], err = matmul.Packed(t, rows, cols, data)
			}
			if err != nil {
				return nil, fmt.Errorf("model: transposed keys: %w", err)
			}
			jobs = append(jobs, job{m, t, data, rows, cols})
		}
	}
	var next par.Claim
	team.Run(func(int) {
		var row, x []float32
		var raw []byte
		for {
			i, _, ok := next.Next(1, len(jobs))
			if !ok {
				return
			}
			j := &jobs[i]
			if len(x) < j.r*j.c {
				x, row = make([]float32, j.r*j.c), make([]float32, max(j.r, j.c))
				raw = make([]byte, 4*len(x))
			}
			for c := range j.c {
				matmul.Row(row[:j.r], j.src, c)
				for r, v := range row[:j.r] {
					x[r*j.c+c] = v
				}
			}
			n := encode(raw, j.t, x[:j.r*j.c])
			matmul.Pack(j.data, j.t, j.r, j.c, raw[:n], 0, (j.r+matmul.Group-1)/matmul.Group)
		}
	})
	return arena, nil
}

// encode writes x as type t and returns the number of bytes.
func encode(dst []byte, t quant.Type, x []float32) int {
	if t == quant.F32 {
		copy(mem.Float32s(dst), x)
		return 4 * len(x)
	}
	to := mem.Uint16s(dst)
	for i, v := range x {
		if t == quant.BF16 {
			to[i] = num.F32ToBF16(v)
		} else {
			to[i] = num.F32ToF16(v)
		}
	}
	return 2 * len(x)
}
