package mla

import (
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// The absorbed form multiplies with weights where the rebuilt form, and the
// model as it was trained, does not: queries go through Kb^T, and sums of
// latents through Vb. Rounding those to 8 bits would add errors that the other
// form does not have, so they get 16: a row of codes and a row of codes of the
// rest. A head's matrix is small enough to come from the cache the second time,
// so that no more memory is read; on quantised DeepSeek models of the golden
// set this takes 10% to 18% off the distance to the exact logits.

// set converts a row of one head.
func (k *work) set(kind matmul.Kind, row int, x []float32) {
	k.acts.Set(kind, row, x)
	k.rest.SetRest(kind, row, x, k.acts)
}

// mul multiplies a head's matrix with the rows of a run that were set.
func (k *work) mul(e *layers.Env, w int, dst []float32, ld int, m *matmul.Matrix, kind matmul.Kind, r run) {
	rows := e.RowList(r.row, r.row+r.n)
	matmul.Mul(dst, ld, m, 0, m.Groups(), k.acts, kind, rows, r.n, e.Scratch(w))
	if kind != matmul.F32 {
		matmul.MulAdd(dst, ld, m, 0, m.Groups(), k.rest, kind, rows, r.n, e.Scratch(w))
	}
}
