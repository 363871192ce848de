// Package rope computes the angles of rotary position embeddings, plain,
// linearly stretched, with YaRN, and with per-pair frequency factors.
//
// Pair i of a head with n rotated dimensions turns by p*freq(i) at position p,
// where freq(i) = base^(-2i/n) before any stretching. Everything is computed in
// float64: at position 600 an angle rounded to float32 is already the largest
// error of a float32 model. Only the cosine and sine are rounded at the end.
//
// Which elements form a pair (neighbours, or the two halves of the head) is a
// matter of the kernel that applies the table.
package rope

import (
	"fmt"
	"math"

	"github.com/holdfast-llm/holdfast/internal/model"
)

// Angles holds the angle per position of every pair.
type Angles struct {
	freq      []float64 // [Dims/2] radians per position
	magnitude float64   // factor on cosine and sine
}

// New prepares the angles of r. factors, if not nil, divides the frequency of
// each pair (the tensor rope_freqs.weight, which carries Llama 3's scaling).
func New(r *model.Rope, factors []float32) (*Angles, error) {
	n := r.Dims / 2
	if factors != nil && len(factors) != n {
		return nil, fmt.Errorf("model: %d rope frequency factors, expected one for each of the %d pairs", len(factors), n)
	}
	a := &Angles{freq: make([]float64, n), magnitude: magnitude(r)}
	low, high := correction(r)
	for i := range a.freq {
		f := math.Pow(r.Base, -2*float64(i)/float64(r.Dims))
		if factors != nil {
			f /= float64(factors[i])
		}
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return nil, fmt.Errorf("model: rope frequency of pair %d is %v", i, f)
		}
		stretched := f / r.Factor
		// YaRN keeps fast pairs as they were trained and stretches slow ones;
		// between low and high it mixes.
		ramp := (float64(i) - low) / math.Max(0.001, high-low)
		mix := (1 - math.Min(1, math.Max(0, ramp))) * r.ExtFactor
		a.freq[i] = stretched*(1-mix) + f*mix
	}
	return a, nil
}

// Magnitude returns the factor that YaRN puts on cosine and sine, 1 otherwise.
func (a *Angles) Magnitude() float64 { return a.magnitude }

// SetMagnitude replaces the factor, for architectures that put it into the
// softmax scale instead.
func (a *Angles) SetMagnitude(m float64) { a.magnitude = m }

// Dims returns the number of rotated dimensions: the length of a table row.
func (a *Angles) Dims() int { return 2 * len(a.freq) }

// Fill writes the table row of position pos.
func (a *Angles) Fill(cs []float32 /* [pairs][cos, sin] */, pos int) {
	p, m := float64(pos), a.magnitude
	for i, f := range a.freq {
		sin, cos := math.Sincos(p * f)
		cs[2*i] = float32(m * cos)
		cs[2*i+1] = float32(m * sin)
	}
}

// correction returns the pairs between which YaRN mixes.
func correction(r *model.Rope) (low, high float64) {
	pair := func(beta float64) float64 {
		turns := float64(r.OrigContext) / (beta * 2 * math.Pi)
		return float64(r.Dims) * math.Log(turns) / (2 * math.Log(r.Base))
	}
	low = math.Max(0, math.Floor(pair(r.BetaFast)))
	high = math.Min(float64(r.Dims-1), math.Ceil(pair(r.BetaSlow)))
	return low, high
}

// magnitude returns the factor on cosine and sine.
//
// The key yarn_attn_factor has two meanings in circulation. Some files use it
// to cancel YaRN's own factor (their product is 1, as the base model was
// trained); others state the total. The product tells which it is.
func magnitude(r *model.Rope) float64 {
	if r.ExtFactor == 0 {
		return r.AttnFactor
	}
	m := 1 + 0.1*math.Log(r.Factor)
	switch {
	case r.YarnAttn == 0:
	case math.Abs(m*r.YarnAttn-1) < 0.01:
		m *= r.YarnAttn
	default:
		m = r.YarnAttn
	}
	return m * r.AttnFactor
}
