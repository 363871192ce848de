package llm

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"github.com/holdfast-llm/holdfast/internal/engine/engine"
	"github.com/holdfast-llm/holdfast/internal/engine/sample"
	"github.com/holdfast-llm/holdfast/internal/text/chat"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// A Model answers requests in text. It is safe for concurrent use. The engine
// stays the caller's to close.
type Model struct {
	eng    *engine.Engine
	tok    *tokenizer.Tokenizer
	format chat.Format // nil: only raw completion

	breakers func() [][]int32 // for DRY, made when first needed
}

// New joins an engine, a tokenizer and a prompt format; format may be nil for a
// model without one.
func New(e *engine.Engine, t *tokenizer.Tokenizer, format chat.Format) *Model {
	m := &Model{eng: e, tok: t, format: format}
	m.breakers = sync.OnceValue(func() [][]int32 {
		return sample.Breakers(sample.DefaultBreakers, t.Size(), t.Piece, func(s string) []int32 {
			return t.Encode(nil, tokenizer.Span{Text: s})
		})
	})
	return m
}

// ErrNoFormat is returned by Chat when the model has no prompt format.
var ErrNoFormat = errors.New("llm: the model has no chat template; use raw completion, or give a template")

// Engine returns the engine.
func (m *Model) Engine() *engine.Engine { return m.eng }

// Tokenizer returns the tokenizer.
func (m *Model) Tokenizer() *tokenizer.Tokenizer { return m.tok }

// Format returns the prompt format, or nil.
func (m *Model) Format() chat.Format { return m.format }

// Options say how an answer is made; what is asked is in the chat.Request.
type Options struct {
	Sampling  sample.Options
	MaxTokens int // 0: until the context's end
	// Logprobs asks for Logprobs events: 0 is none, n+1 each token's and n
	// alternatives.
	Logprobs int
	// Progress asks for Progress events while the prompt is read.
	Progress bool
	// Mask, if not nil, limits the answer.
	Mask engine.Mask

	User, Namespace string // see engine.Request
	Priority        int
}

// Chat starts the answer to a conversation. Errors of the request come at
// once: a template's, a *engine.ContextError, engine.ErrOverloaded.
func (m *Model) Chat(ctx context.Context, r *chat.Request, o Options) (*Answer, error) {
	if m.format == nil {
		return nil, ErrNoFormat
	}
	p, err := m.format.Render(r)
	if err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	po := r.ParserOptions()
	if len(p.Stop) > 0 {
		po.Stop = slices.Concat(po.Stop, p.Stop)
	}
	ids := m.tok.Encode(nil, p.Spans...)
	return m.start(ctx, ids, m.format.NewParser(p.Start, po), p.Start, o)
}

// Render returns the prompt that Chat would use, as tokens.
func (m *Model) Render(r *chat.Request) (*chat.Prompt, []int32, error) {
	if m.format == nil {
		return nil, nil, ErrNoFormat
	}
	p, err := m.format.Render(r)
	if err != nil {
		return nil, nil, fmt.Errorf("llm: %w", err)
	}
	return p, m.tok.Encode(nil, p.Spans...), nil
}

// Complete continues a text without any template. The token that begins a text
// is put before it if the model wants one. With special, special tokens are
// recognised in the text.
func (m *Model) Complete(ctx context.Context, text string, special bool, stop []string, o Options) (*Answer, error) {
	ids := m.Encode(tokenizer.Span{Text: text, Template: special})
	return m.CompleteTokens(ctx, ids, stop, o)
}

// CompleteTokens continues tokens as they are.
func (m *Model) CompleteTokens(ctx context.Context, ids []int32, stop []string, o Options) (*Answer, error) {
	return m.start(ctx, ids, chat.NewPlainParser(chat.ParserOptions{Stop: stop}), chat.StartContentContinued, o)
}

// Encode turns text into tokens, with the beginning token where the model
// wants one and the spans do not bring it themselves.
func (m *Model) Encode(spans ...tokenizer.Span) []int32 {
	ids := make([]int32, 0, 64)
	bos, ok := m.tok.BOS()
	if ok && m.tok.AddBOS() {
		ids = append(ids, bos)
	}
	n := len(ids)
	ids = m.tok.Encode(ids, spans...)
	if n == 1 && len(ids) > 1 && ids[1] == bos {
		ids = ids[1:]
	}
	return ids
}

func (m *Model) start(ctx context.Context, ids []int32, parser chat.Parser, at chat.ParseStart, o Options) (*Answer, error) {
	if o.Sampling.DRY.Multiplier > 0 && o.Sampling.DRY.Breakers == nil {
		o.Sampling.DRY.Breakers = m.breakers()
	}
	s, err := m.eng.Submit(ctx, &engine.Request{
		Prompt: ids, MaxTokens: o.MaxTokens, Sampling: o.Sampling, Stop: m.tok.EOG(),
		Mask: o.Mask, Logprobs: o.Logprobs, User: o.User, Namespace: o.Namespace, Priority: o.Priority,
	})
	if err != nil {
		return nil, err
	}
	thinking := at == chat.StartReasoning || at == chat.StartReasoningContinued
	return &Answer{m: m, s: s, prompt: ids, parser: parser, opts: o, thinking: thinking, detok: m.tok.NewStream(true)}, nil
}

// Score computes the logits of every position of tokens from `from` on, and
// gives them to f in order. f runs on the engine's step loop: it should be
// quick, and must not keep the slice.
func (m *Model) Score(ctx context.Context, tokens []int32, from int, f func(pos int, logits []float32)) error {
	s, err := m.eng.Submit(ctx, &engine.Request{Prompt: tokens, Score: f, ScoreFrom: from, Sampling: sample.Greedy()})
	if err != nil {
		return err
	}
	// The engine watches ctx; waiting for its answer keeps f from running on.
	r, err := s.Wait(context.Background())
	if err != nil {
		return err
	}
	return r.Err
}
