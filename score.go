package holdfast

import (
	"context"
	"fmt"
	"slices"

	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

// Logits returns the logits of every position: row i rates what may follow
// tokens[:i+1].
func (m *Model) Logits(ctx context.Context, tokens []int32) ([][]float32, error) {
	rows := make([][]float32, 0, len(tokens)) // [len(tokens)][vocabulary]
	err := m.EachLogits(ctx, tokens, 0, func(_ int, logits []float32) {
		rows = append(rows, slices.Clone(logits))
	})
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// EachLogits calls f with the logits of every position from `from` on, in
// order. The slice is only valid during the call. f runs between two steps of
// the model, which waits for it.
func (m *Model) EachLogits(ctx context.Context, tokens []int32, from int, f func(pos int, logits []float32)) error {
	return publicErr(m.llm.Score(ctx, tokens, from, f))
}

// Score returns the natural logarithms of the probabilities of tokens[from:],
// each given all tokens before it; from is at least 1.
func (m *Model) Score(ctx context.Context, tokens []int32, from int) ([]float64, error) {
	if from < 1 || from >= len(tokens) {
		return nil, fmt.Errorf("holdfast: scoring from token %d of %d, expected from 1 to one less than their number", from, len(tokens))
	}
	out := make([]float64, 0, len(tokens)-from)
	err := m.EachLogits(ctx, tokens[:len(tokens)-1], from-1, func(pos int, logits []float32) {
		// An id beyond the vocabulary cannot arise here: the engine has checked
		// all but the last.
		if next := tokens[pos+1]; next >= 0 && int(next) < len(logits) {
			out = append(out, float64(logits[next])-sample.LogSumExp(logits))
		}
	})
	if err != nil {
		return nil, err
	}
	if len(out) != len(tokens)-from {
		return nil, fmt.Errorf("holdfast: the last token, %d, is not in the vocabulary", tokens[len(tokens)-1])
	}
	return out, nil
}
