// Package enginetest has a model for tests of what sits above models: its next
// token is a pure function of the tokens so far, which it reads back from the
// cache memory that it was given. A block that is shared wrongly, a copy that
// was forgotten or a state of the wrong position changes the answer, or is an
// error.
package enginetest

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/holdfast-llm/holdfast/internal/model"
)

const entry = 8 // bytes of cache per position: the token, and the position itself

// A Model is the fake. Fields are set before use.
type Model struct {
	Cfg   model.Config
	Spec  model.CacheSpec
	Delay time.Duration // of each Forward
	EOS   int32         // answered after every multiple of EOSEach tokens; -1 never
	Each  int
	// Say, if not nil, decides instead: it returns the token that follows n.
	Say    func(n int) int32
	Closed atomic.Bool

	Rows     atomic.Int64 // computed so far
	Forwards atomic.Int64
	MaxSeqs  atomic.Int64 // most sequences in one batch
	Fail     atomic.Bool  // makes Forward fail

	busy   atomic.Bool
	logits []float32
	hidden []float32
}

// Embd is the width of the fake's final states: the token, its position, and
// three digits of the hash of all tokens up to it.
const Embd = 3

// New returns a fake with a vocabulary, a context and a block size. With state
// it keeps what it needs per sequence instead of reading the cache.
func New(vocab, context, blockTokens int, state bool) *Model {
	m := &Model{
		Cfg:  model.Config{Arch: "fake", Vocab: vocab, Context: context, Embd: Embd},
		Spec: model.CacheSpec{BlockTokens: blockTokens, BlockBytes: blockTokens * entry},
		EOS:  -1,
	}
	if state {
		m.Spec.StateBytes = 16
	}
	return m
}

// Config returns the sizes.
func (m *Model) Config() *model.Config { return &m.Cfg }

// CacheSpec returns the cache layout.
func (m *Model) CacheSpec() model.CacheSpec { return m.Spec }

// Memory reports nothing.
func (m *Model) Memory() []model.MemoryPart { return nil }

// Close marks the model closed.
func (m *Model) Close() error {
	m.Closed.Store(true)
	return nil
}

// seed starts the hash of a sequence.
const seed = uint64(14695981039346656037)

func mix(h uint64, v int32) uint64 {
	h ^= uint64(uint32(v))
	h *= 1099511628211
	return h ^ h>>29
}

// Next returns the token that follows tokens when the best is taken.
func (m *Model) Next(tokens []int32) int32 {
	h := seed
	for _, t := range tokens {
		h = mix(h, t)
	}
	return m.next(h, len(tokens))
}

func (m *Model) next(h uint64, n int) int32 {
	if m.Say != nil {
		return m.Say(n)
	}
	if m.EOS >= 0 && n%m.Each == 0 {
		return m.EOS
	}
	if v := int32(h % uint64(m.Cfg.Vocab)); v != m.EOS {
		return v
	}
	return (m.EOS + 1) % int32(m.Cfg.Vocab)
}

// Continue returns the next n tokens after prompt.
func (m *Model) Continue(prompt []int32, n int) []int32 {
	all := append([]int32(nil), prompt...)
	for range n {
		all = append(all, m.Next(all))
	}
	return all[len(prompt):]
}

// Forward writes the cache entries of the batch and computes its logits.
func (m *Model) Forward(b *model.Batch) error {
	if !m.busy.CompareAndSwap(false, true) {
		return errors.New("enginetest: two Forward calls at once")
	}
	defer m.busy.Store(false)
	if m.Closed.Load() {
		return errors.New("enginetest: Forward after Close")
	}
	if m.Fail.Load() {
		return errors.New("enginetest: told to fail")
	}
	time.Sleep(m.Delay)
	m.Rows.Add(int64(b.Rows()))
	m.Forwards.Add(1)
	m.MaxSeqs.Store(max(m.MaxSeqs.Load(), int64(len(b.Seqs))))
	b.Logits, b.Hidden = m.room(b)
	out := b.Logits
	m.hidden = b.Hidden[:0]
	for i := range b.Seqs {
		var err error
		if out, err = m.sequence(b, &b.Seqs[i], out); err != nil {
			return err
		}
	}
	return nil
}

// room returns memory for what the batch asks for.
func (m *Model) room(b *model.Batch) (logits, hidden []float32) {
	rows, states := 0, 0
	for i := range b.Seqs {
		if s := &b.Seqs[i]; s.Hidden {
			states += s.NLogits
		} else {
			rows += s.NLogits
		}
	}
	if need := rows * m.Cfg.Vocab; cap(m.logits) < need {
		m.logits = make([]float32, need)
	}
	if need := states * Embd; cap(m.hidden) < need {
		m.hidden = make([]float32, need)
	}
	return m.logits[:rows*m.Cfg.Vocab], m.hidden[:states*Embd]
}

// State returns the final state of the last of tokens.
func (m *Model) State(tokens []int32) []float32 {
	h := seed
	for _, t := range tokens {
		h = mix(h, t)
	}
	return state(h, tokens[len(tokens)-1], len(tokens)-1)
}

func state(h uint64, token int32, pos int) []float32 {
	return []float32{float32(token), float32(pos), float32(h % 1000)}
}

func (m *Model) sequence(b *model.Batch, s *model.BatchSeq, out []float32) ([]float32, error) {
	h, err := m.history(b, s)
	if err != nil {
		return nil, err
	}
	for i, t := range s.Tokens {
		pos := s.Pos + i
		e := m.at(b, s, pos)
		binary.LittleEndian.PutUint32(e, uint32(t))
		binary.LittleEndian.PutUint32(e[4:], uint32(pos))
		h = mix(h, t)
		if i < len(s.Tokens)-s.NLogits {
			continue
		}
		if s.Hidden {
			m.hidden = append(m.hidden, state(h, t, pos)...)
			continue
		}
		// A slope below the best token, so that sampling has something to do.
		next := m.next(h, pos+1)
		for j := range m.Cfg.Vocab {
			out[j] = -float32((int32(j) - next + int32(m.Cfg.Vocab)) % int32(m.Cfg.Vocab))
		}
		out = out[m.Cfg.Vocab:]
	}
	if m.Spec.StateBytes > 0 {
		st := b.State[s.StateSlot*m.Spec.StateBytes:]
		binary.LittleEndian.PutUint64(st, uint64(s.Pos+len(s.Tokens)))
		binary.LittleEndian.PutUint64(st[8:], h)
	}
	return out, nil
}

func (m *Model) at(b *model.Batch, s *model.BatchSeq, pos int) []byte {
	bt := m.Spec.BlockTokens
	off := int(s.Blocks[pos/bt])*m.Spec.BlockBytes + pos%bt*entry
	return b.Cache[off : off+entry]
}

// history returns the hash of the positions before the ones to compute.
func (m *Model) history(b *model.Batch, s *model.BatchSeq) (uint64, error) {
	h := seed
	for pos := range s.Pos {
		e := m.at(b, s, pos)
		if at := binary.LittleEndian.Uint32(e[4:]); int(at) != pos {
			return 0, fmt.Errorf("enginetest: the cache entry of position %d is of position %d", pos, at)
		}
		h = mix(h, int32(binary.LittleEndian.Uint32(e)))
	}
	if m.Spec.StateBytes == 0 || s.Pos == 0 {
		return h, nil
	}
	st := b.State[s.StateSlot*m.Spec.StateBytes:]
	if at := binary.LittleEndian.Uint64(st); int(at) != s.Pos {
		return 0, fmt.Errorf("enginetest: the state of position %d is of position %d", s.Pos, at)
	}
	if got := binary.LittleEndian.Uint64(st[8:]); got != h {
		return 0, errors.New("enginetest: the state is of other tokens than the cache")
	}
	return h, nil
}
