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

	ledger *ledger
	ends   []string // the texts of the tokens that end an answer

	breakers func() [][]int32 // for DRY, made when first needed
}

// New joins an engine, a tokenizer and a prompt format; format may be nil for a
// model without one.
func New(e *engine.Engine, t *tokenizer.Tokenizer, format chat.Format) *Model {
	m := &Model{eng: e, tok: t, format: format, ledger: newLedger(e.Disk())}
	for _, id := range t.EOG() {
		if piece := t.Piece(id); piece != "" {
			m.ends = append(m.ends, piece)
		}
	}
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
	// Mask, if not nil, limits the answer. A mask with a method Err() error that
	// gives one makes the answer fail with it.
	Mask engine.Mask
	// Constrain, if not nil, makes the mask of each answer, from the rendered
	// prompt: it says whether the answer begins with reasoning, which a grammar
	// must let pass, or within a block of calls. nil is no mask.
	Constrain func(*chat.Prompt) (engine.Mask, error)
	// Signatures are the signatures of the thinking that a client sent back, by
	// the number of the message; see Answer.Signature.
	Signatures map[int]string
	// NewID, if not nil, makes the ids of calls that the model left unnamed, such
	// as CallID. Answers whose calls have no ids here are not recognised later.
	NewID func(index int) string

	User, Namespace string // see engine.Request
	Priority        int
	KeepPrefill     bool

	group string // the caller's
}

// Chat starts the answer to a conversation. Errors of the request come at
// once: a template's, a *engine.ContextError, a *engine.OverloadedError.
//
// Answers of this model that come back in a conversation are recognised by the
// ids of their calls, or their signature: then the prompt is made of the tokens
// that were sampled, so that it is found in the cache whatever a client did to
// the text.
func (m *Model) Chat(ctx context.Context, r *chat.Request, o Options) (*Answer, error) {
	all, err := m.ChatN(ctx, r, o, 1)
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// ChatN starts n answers to one conversation; the prompt is read once. Their
// seeds are o's and the numbers after it.
func (m *Model) ChatN(ctx context.Context, r *chat.Request, o Options, n int) ([]*Answer, error) {
	if m.format == nil {
		return nil, ErrNoFormat
	}
	if n < 1 || n > 1 && o.Mask != nil {
		return nil, fmt.Errorf("llm: %d answers, expected 1 or more, each with a mask of its own", n)
	}
	o = o.mine(ctx)
	c := m.read(r, &o)
	r = c.restore(r)
	p, err := m.format.Render(r)
	if err != nil {
		return nil, fmt.Errorf("llm: %w", err)
	}
	po := r.ParserOptions()
	if len(p.Stop) > 0 {
		po.Stop = slices.Concat(po.Stop, p.Stop)
	}
	ids := m.encode(r, p, c)
	answers := make([]*Answer, n)
	for i := range answers {
		ao := o
		if o.Sampling.Seed != sample.RandomSeed {
			ao.Sampling.Seed += uint64(i)
		}
		if o.Constrain != nil {
			if ao.Mask, err = o.Constrain(p); err != nil {
				return nil, err
			}
		}
		answers[i] = m.answer(ids, m.format.NewParser(p.Start, po), p.Start, ao)
		answers[i].caller, answers[i].sibling = callerOf(ctx), i > 0
		if k := len(r.Messages); k == 0 || !r.Messages[k-1].Prefix {
			answers[i].history = &c.whole
		}
	}
	if err := m.submit(ctx, answers); err != nil {
		return nil, err
	}
	return answers, nil
}

// Render returns the prompt that Chat would use, as tokens; but for answers that
// Chat recognises, whose tokens may be others.
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
	if o.Constrain != nil {
		var err error
		if o.Mask, err = o.Constrain(&chat.Prompt{Start: at}); err != nil {
			return nil, err
		}
	}
	a := m.answer(ids, parser, at, o.mine(ctx))
	a.caller = callerOf(ctx)
	if err := m.submit(ctx, []*Answer{a}); err != nil {
		return nil, err
	}
	return a, nil
}

func (m *Model) answer(ids []int32, parser chat.Parser, at chat.ParseStart, o Options) *Answer {
	if o.Sampling.DRY.Multiplier > 0 && o.Sampling.DRY.Breakers == nil {
		o.Sampling.DRY.Breakers = m.breakers()
	}
	thinking := at == chat.StartReasoning || at == chat.StartReasoningContinued
	return &Answer{m: m, prompt: ids, parser: parser, opts: o, thinking: thinking, detok: m.tok.NewStream(true)}
}

// submit gives answers with one prompt to the engine.
func (m *Model) submit(ctx context.Context, answers []*Answer) error {
	reqs := make([]*engine.Request, len(answers))
	for i, a := range answers {
		o := &a.opts
		reqs[i] = &engine.Request{
			Prompt: a.prompt, MaxTokens: o.MaxTokens, Sampling: o.Sampling, Stop: m.tok.EOG(),
			Mask: o.Mask, Logprobs: o.Logprobs, Group: o.group, User: o.User, Namespace: o.Namespace, Priority: o.Priority, KeepPrefill: o.KeepPrefill,
		}
	}
	streams, err := m.eng.SubmitN(ctx, reqs)
	if err != nil {
		return err
	}
	for i, a := range answers {
		a.s = streams[i]
	}
	return nil
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
