package llm

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// EmbedOptions say how texts become vectors.
type EmbedOptions struct {
	// Pooling is how the tokens' final states become one vector; PoolingNone takes
	// what the model's file says, and the last token's where it says nothing: in a
	// model that reads from left to right only that one has seen the whole text.
	Pooling model.Pooling
	// Raw leaves the vectors as long as they come; otherwise they have length 1.
	Raw bool
	// Dimensions keeps that many values of each vector, from the front; 0 keeps
	// all. Only models trained for it (Matryoshka) stay useful that way.
	Dimensions int

	User, Namespace string // see engine.Request
	Priority        int

	group string // the caller's
}

// EmbedTokens returns the tokens of a text as the model wants them for an
// embedding, with the tokens that begin and end a text where its file asks for
// them. Special tokens are not recognised.
func (m *Model) EmbedTokens(text string) []int32 {
	ids := m.Encode(tokenizer.Span{Text: text})
	if eos, ok := m.tok.EOS(); ok && m.tok.AddEOS() && (len(ids) == 0 || ids[len(ids)-1] != eos) {
		ids = append(ids, eos)
	}
	return ids
}

// embedWindow is how many texts of one call are with the engine at a time: enough
// to fill its batches, few enough that a call with thousands does not fill the queue.
const embedWindow = 32

// Embed returns one vector for each list of tokens, in order. The texts are
// computed together with whatever else the engine runs. The first text that
// fails ends the call.
func (m *Model) Embed(ctx context.Context, inputs [][]int32, o EmbedOptions) ([][]float32, chat.Usage, error) {
	o, err := m.embedOptions(o)
	if err != nil {
		return nil, chat.Usage{}, err
	}
	caller := callerOf(ctx)
	if caller != nil {
		own := Options{User: o.User, Namespace: o.Namespace, Priority: o.Priority}.mine(ctx)
		o.User, o.Namespace, o.Priority, o.group = own.User, own.Namespace, own.Priority, own.group
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	b := embedding{m: m, o: o, out: make([][]float32, len(inputs))}
	for i, ids := range inputs {
		if err := b.submit(ctx, i, ids); err != nil {
			b.fail(i, err)
		}
		if len(b.flying) >= embedWindow {
			b.wait()
		}
		if b.err != nil {
			cancel()
			break
		}
	}
	for len(b.flying) > 0 {
		b.wait()
		if b.err != nil {
			cancel()
		}
	}
	if caller != nil && caller.Used != nil {
		caller.Used(b.usage)
	}
	if b.err != nil {
		return nil, b.usage, b.err
	}
	return b.out, b.usage, nil
}

func (m *Model) embedOptions(o EmbedOptions) (EmbedOptions, error) {
	c := m.eng.ModelConfig()
	if o.Dimensions < 0 || o.Dimensions > c.Embd {
		return o, fmt.Errorf("llm: %d dimensions, the model's vectors have 1 to %d", o.Dimensions, c.Embd)
	}
	if o.Dimensions == 0 {
		o.Dimensions = c.Embd
	}
	if o.Pooling == model.PoolingNone {
		o.Pooling = c.Pooling
	}
	switch o.Pooling {
	case model.PoolingNone:
		o.Pooling = model.PoolingLast
	case model.PoolingMean, model.PoolingCLS, model.PoolingLast:
	default:
		return o, fmt.Errorf("llm: pooling %d makes no embeddings, expected mean (1), first token (2) or last token (3)", o.Pooling)
	}
	return o, nil
}

// An embedding is one call of Embed.
type embedding struct {
	m      *Model
	o      EmbedOptions
	out    [][]float32
	flying []flight // in the order of the inputs
	usage  chat.Usage
	err    error // the first
}

type flight struct {
	index int
	s     *engine.Stream
	pool  *pool
}

// submit gives a text to the engine. Where the queue is full, but with texts of
// this call among others, it waits for one of them.
func (b *embedding) submit(ctx context.Context, i int, ids []int32) error {
	p := &pool{how: b.o.Pooling}
	r := &engine.Request{
		Prompt: ids, Hidden: p.add, Sampling: sample.Greedy(),
		Group: b.o.group, User: b.o.User, Namespace: b.o.Namespace, Priority: b.o.Priority,
	}
	if p.how == model.PoolingLast {
		r.ScoreFrom = max(0, len(ids)-1)
	}
	for {
		s, err := b.m.eng.Submit(ctx, r)
		switch {
		case err == nil:
			b.flying = append(b.flying, flight{i, s, p})
			return nil
		case !errors.Is(err, engine.ErrOverloaded) || len(b.flying) == 0 || b.err != nil:
			return err
		}
		b.wait()
	}
}

func (b *embedding) fail(i int, err error) {
	if b.err != nil {
		return
	}
	b.err = err
	if len(b.out) > 1 {
		b.err = fmt.Errorf("llm: text %d of %d: %w", i, len(b.out), err)
	}
}

// wait takes the oldest text's vector. The engine watches the context, and ends
// every sequence; waiting for that keeps the pools from being written later.
func (b *embedding) wait() {
	f := b.flying[0]
	b.flying = b.flying[1:]
	r, err := f.s.Wait(context.Background())
	if err == nil {
		err = r.Err
	}
	if err != nil {
		b.fail(f.index, err)
		return
	}
	b.usage.PromptTokens += r.PromptTokens
	b.usage.CachedTokens += r.CachedTokens
	b.out[f.index] = f.pool.vector(b.o)
}

// A pool makes one vector of states. The step loop calls add.
type pool struct {
	how  model.Pooling
	last []float32
	sum  []float64
	n    int
}

func (p *pool) add(_ int, state []float32) {
	p.n++
	switch {
	case p.how == model.PoolingMean:
		if p.sum == nil {
			p.sum = make([]float64, len(state))
		}
		for i, v := range state {
			p.sum[i] += float64(v)
		}
	case p.how == model.PoolingLast || p.n == 1:
		p.last = append(p.last[:0], state...)
	}
}

func (p *pool) vector(o EmbedOptions) []float32 {
	out := p.last
	if p.how == model.PoolingMean {
		out = make([]float32, len(p.sum))
		for i, v := range p.sum {
			out[i] = float32(v / float64(p.n))
		}
	}
	out = out[:o.Dimensions:o.Dimensions]
	if o.Raw {
		return out
	}
	square := 0.0
	for _, v := range out {
		square += float64(v) * float64(v)
	}
	if length := math.Sqrt(square); length > 0 {
		for i, v := range out {
			out[i] = float32(float64(v) / length)
		}
	}
	return out
}
