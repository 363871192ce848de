package sample

import (
	"errors"
	"math"
)

// ErrNoCandidate is returned when no token is left to choose from: every logit
// is -Inf or not a number, or the mask forbids everything.
var ErrNoCandidate = errors.New("sample: no token is left to choose from")

// A Mask limits which tokens may come next, for output that must follow a
// grammar. Accept is not called by the sampler: whoever commits the token does.
type Mask interface {
	// Allows reports whether a token may come next.
	Allows(id int32) bool
	// Apply sets the logits of all tokens that may not come next to -Inf.
	Apply(logits []float32)
}

// A Sampler is the chain of one sequence. It is not safe for concurrent use.
type Sampler struct {
	opts Options
	seed uint64
	rng  rng
	mu   float64 // mirostat's allowed surprise
	bias []bias
	pen  penalties
	dry  dry
}

type bias struct {
	id int32
	v  float32
}

// New returns a sampler at the start of its random numbers.
func New(o Options) (*Sampler, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	s := &Sampler{opts: o, seed: o.Seed, mu: 2 * o.MirostatTau}
	if s.seed == RandomSeed {
		s.seed = randomSeed()
	}
	s.rng.seed(s.seed)
	for id, v := range o.LogitBias {
		s.bias = append(s.bias, bias{id, float32(v)})
	}
	s.pen.init(&o)
	s.dry.init(o.DRY)
	return s, nil
}

// Seed returns the seed in use, also when it was chosen at random.
func (s *Sampler) Seed() uint64 { return s.seed }

// Sample returns the next token. history is the sequence so far, prompt
// included; it may only grow from call to call. mask may be nil. The logits
// are changed while Sample runs and restored before it returns.
func (s *Sampler) Sample(sc *Scratch, logits []float32, history []int32, mask Mask) (int32, error) {
	sc.undo = sc.undo[:0]
	s.adjust(sc, logits, history)
	defer sc.restore(logits)
	id, ok := s.draw(sc, logits)
	if mask == nil {
		return id, errIf(!ok)
	}
	if ok && mask.Allows(id) {
		return id, nil
	}
	// Masking a whole vocabulary is dear and the free choice is mostly allowed
	// already, so the mask is made only when it was not.
	sc.masked = append(sc.masked[:0], logits...)
	mask.Apply(sc.masked)
	id, ok = s.draw(sc, sc.masked)
	return id, errIf(!ok)
}

func errIf(bad bool) error {
	if bad {
		return ErrNoCandidate
	}
	return nil
}

// adjust applies the steps that change single logits.
func (s *Sampler) adjust(sc *Scratch, logits []float32, history []int32) {
	for _, b := range s.bias {
		if int(b.id) < len(logits) {
			sc.set(logits, b.id, logits[b.id]+b.v)
		}
	}
	if s.opts.Mirostat != 0 {
		return
	}
	s.pen.apply(sc, logits, history)
	s.dry.apply(sc, logits, history)
}

// draw picks a token from adjusted logits.
func (s *Sampler) draw(sc *Scratch, logits []float32) (int32, bool) {
	o := &s.opts
	if o.Mirostat != 0 {
		return s.mirostat(sc, logits)
	}
	if o.Temperature <= 0 && !o.typical() && !o.xtc() {
		return argMax(logits) // no other step can remove the best token
	}
	c := &sc.cands
	c.collect(logits, o.TopK, sigmaFloor(logits, o.TopNSigma))
	if len(c.list) == 0 {
		return 0, false
	}
	if o.typical() {
		c.typical(o.Typical)
	}
	c.topP(o.TopP)
	c.minP(o.MinP)
	if o.xtc() && s.rng.float64() < o.XTCProbability {
		c.xtc(o.XTCThreshold)
	}
	if o.Temperature <= 0 {
		return c.best(), true
	}
	c.temperature(o)
	i := c.pick(s.rng.float64())
	return c.list[i].id, true
}

func (o *Options) typical() bool { return o.Typical > 0 && o.Typical < 1 }
func (o *Options) xtc() bool     { return o.XTCProbability > 0 && o.XTCThreshold <= 0.5 }

// argMax returns the first of the largest logits; NaN is never the largest.
func argMax(logits []float32) (int32, bool) {
	best, at := float32(math.Inf(-1)), -1
	for i, l := range logits {
		if l > best {
			best, at = l, i
		}
	}
	return int32(max(at, 0)), at >= 0
}
