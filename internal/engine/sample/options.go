package sample

import (
	"fmt"
	"math"
)

// RandomSeed asks for a seed that differs from run to run.
const RandomSeed uint64 = math.MaxUint64

// Options are the knobs of the chain. The zero value is greedy decoding;
// [Default] is what a chat wants when nobody asked for anything else.
type Options struct {
	// Temperature divides the logits; 0 takes the best token. Range 0..100.
	Temperature float64
	// TopK keeps the k best tokens; 0 keeps all.
	TopK int
	// TopP keeps the smallest set of best tokens whose probability reaches p; 1
	// keeps all, 0 only the best. Range 0..1.
	TopP float64
	// MinP drops tokens less likely than p times the best; 0 keeps all. Range 0..1.
	MinP float64
	// Typical keeps the tokens whose surprise is nearest to the entropy until
	// their probability exceeds it; 0 and 1 keep all. Range 0..1.
	Typical float64
	// TopNSigma keeps logits within n standard deviations of the best; 0 keeps all.
	TopNSigma float64
	// XTCProbability is how often the most likely choices are excluded, all but
	// the least likely one that reaches XTCThreshold. Range 0..1. A threshold
	// above 0.5 turns it off.
	XTCProbability, XTCThreshold float64

	// PenaltyLastN is how many of the last tokens the penalties look at; -1 is
	// the whole sequence, 0 turns penalties off.
	PenaltyLastN int
	// RepeatPenalty divides positive and multiplies negative logits of tokens
	// seen before; 0 and 1 are off. Range 0..100.
	RepeatPenalty float64
	// FrequencyPenalty is subtracted once per occurrence, PresencePenalty once.
	FrequencyPenalty, PresencePenalty float64

	DRY DRY

	// DynTempRange spreads the temperature by the entropy of what is left, from
	// Temperature-range to Temperature+range; 0 is off.
	DynTempRange    float64
	DynTempExponent float64

	// Mirostat is 0 (off), 1 or 2; Tau is the surprise in bits that it steers to,
	// Eta how fast.
	Mirostat    int
	MirostatTau float64
	MirostatEta float64

	// LogitBias is added to the logits of its tokens; -Inf forbids one.
	LogitBias map[int32]float64

	// Seed starts the random numbers; RandomSeed picks one.
	Seed uint64
}

// DRY ("don't repeat yourself") lowers tokens that would lengthen a repetition
// of what was just written. Multiplier 0 is off.
type DRY struct {
	Multiplier float64
	Base       float64
	// AllowedLength is the longest repetition that goes unpunished.
	AllowedLength int
	// LastN is how many of the last tokens are searched; -1 all, 0 none.
	LastN int
	// Breakers are token sequences that no repetition extends across. See Breakers.
	Breakers [][]int32
}

// Default returns llama.cpp's defaults.
func Default() Options {
	return Options{
		Temperature: 0.8, TopK: 40, TopP: 0.95, MinP: 0.05, Typical: 1, XTCThreshold: 0.1,
		PenaltyLastN: 64, RepeatPenalty: 1,
		DRY:             DRY{Base: 1.75, AllowedLength: 2, LastN: -1},
		DynTempExponent: 1, MirostatTau: 5, MirostatEta: 0.1,
		Seed: RandomSeed,
	}
}

// Greedy returns options that always take the best token.
func Greedy() Options {
	o := Default()
	o.Temperature = 0
	return o
}

// A RangeError says which option is out of its range.
type RangeError struct {
	Option string
	Value  float64
	Low    float64
	High   float64
}

func (e *RangeError) Error() string {
	return fmt.Sprintf("sample: %s is %v, but must be %s", e.Option, e.Value, rangeText(e.Low, e.High))
}

func rangeText(lo, hi float64) string {
	if math.IsInf(hi, 1) {
		return fmt.Sprintf("%v or more", lo)
	}
	return fmt.Sprintf("from %v to %v", lo, hi)
}

// Validate returns a *RangeError for the first value that makes no sense.
func (o *Options) Validate() error {
	inf := math.Inf(1)
	for _, c := range []RangeError{
		{"temperature", o.Temperature, 0, 100},
		{"top_k", float64(o.TopK), 0, math.MaxInt32},
		{"top_p", o.TopP, 0, 1},
		{"min_p", o.MinP, 0, 1},
		{"typical_p", o.Typical, 0, 1},
		{"top_n_sigma", o.TopNSigma, 0, 1e6},
		{"xtc_probability", o.XTCProbability, 0, 1},
		{"xtc_threshold", o.XTCThreshold, 0, 1},
		{"repeat_last_n", float64(o.PenaltyLastN), -1, math.MaxInt32},
		{"repeat_penalty", o.RepeatPenalty, 0, 100},
		{"frequency_penalty", o.FrequencyPenalty, -100, 100},
		{"presence_penalty", o.PresencePenalty, -100, 100},
		{"dry_multiplier", o.DRY.Multiplier, 0, 1e6},
		{"dry_base", o.DRY.Base, 0, 1e6},
		{"dry_allowed_length", float64(o.DRY.AllowedLength), 0, math.MaxInt32},
		{"dry_penalty_last_n", float64(o.DRY.LastN), -1, math.MaxInt32},
		{"dynatemp_range", o.DynTempRange, 0, 100},
		{"dynatemp_exponent", o.DynTempExponent, 0, 100},
		{"mirostat", float64(o.Mirostat), 0, 2},
		{"mirostat_tau", o.MirostatTau, 0, 100},
		{"mirostat_eta", o.MirostatEta, 0, 1},
	} {
		if !(c.Value >= c.Low && c.Value <= c.High) || c.Value == inf { // also catches NaN
			return &c
		}
	}
	for id, b := range o.LogitBias {
		if id < 0 {
			return fmt.Errorf("sample: logit_bias names token %d, but ids start at 0", id)
		}
		if math.IsNaN(b) || b > 1e6 || (b < -1e6 && !math.IsInf(b, -1)) {
			return &RangeError{fmt.Sprintf("logit_bias of token %d", id), b, -1e6, 1e6}
		}
	}
	return nil
}
