package holdfast

import (
	"context"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/engine/llm"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// Pooling says how the states of a text's tokens become one vector.
type Pooling string

// The kinds of pooling.
const (
	PoolingDefault Pooling = ""      // what the model's file says; the last token where it says nothing
	PoolingMean    Pooling = "mean"  // of all tokens
	PoolingFirst   Pooling = "first" // the first token's
	PoolingLast    Pooling = "last"  // the last token's
)

// EmbedOptions say how texts become vectors. The zero value is right for most.
type EmbedOptions struct {
	Pooling    Pooling
	Raw        bool   // leave vectors as long as they come; otherwise they have length 1
	Dimensions int    // keep that many values from the front, for models trained so; 0 is all
	User       string // see WithUser
	Priority   int    // see WithPriority
}

// Embeddings are vectors of texts.
type Embeddings struct {
	Vectors [][]float32 // one for each text, in order
	Usage   Usage
}

// Embed turns texts into vectors: texts that mean the like point the same way, so
// that the sum of products of two vectors says how near they are. Any model can
// do that; one made for it does it well. A text that is longer than the context
// is an error, and never cut.
func (m *Model) Embed(ctx context.Context, texts []string, o EmbedOptions) (*Embeddings, error) {
	inputs := make([][]int32, len(texts))
	for i, t := range texts {
		inputs[i] = m.llm.EmbedTokens(t)
	}
	return m.EmbedTokens(ctx, inputs, o)
}

// EmbedTokens is Embed for texts that are tokens already; nothing is put before
// or after them.
func (m *Model) EmbedTokens(ctx context.Context, inputs [][]int32, o EmbedOptions) (*Embeddings, error) {
	pooling, err := o.Pooling.inner()
	if err != nil {
		return nil, err
	}
	vectors, usage, err := m.llm.Embed(ctx, inputs, llm.EmbedOptions{
		Pooling: pooling, Raw: o.Raw, Dimensions: o.Dimensions, User: o.User, Priority: o.Priority,
	})
	if err != nil {
		return nil, publicErr(err)
	}
	return &Embeddings{Vectors: vectors, Usage: Usage(usage)}, nil
}

func (p Pooling) inner() (model.Pooling, error) {
	switch p {
	case PoolingDefault:
		return model.PoolingNone, nil
	case PoolingMean:
		return model.PoolingMean, nil
	case PoolingFirst:
		return model.PoolingCLS, nil
	case PoolingLast:
		return model.PoolingLast, nil
	}
	return 0, fmt.Errorf("holdfast: pooling %q, expected %q, %q or %q", string(p), PoolingMean, PoolingFirst, PoolingLast)
}
