package holdfast

import (
	"errors"
	"fmt"

	"github.com/holdfast-llm/holdfast/internal/engine/sample"
)

// RandomSeed asks for another seed every time.
const RandomSeed = sample.RandomSeed

// Sampling says how the next token is chosen. The zero value always takes the
// likeliest; [DefaultSampling] is what sessions begin with. The steps are
// applied in the order of llama.cpp.
type Sampling struct {
	Temperature float64 // 0 takes the likeliest token
	TopK        int     // keep the k likeliest; 0 is off
	TopP        float64 // keep the likeliest until their probability reaches p; 1 is off
	MinP        float64 // drop what is less likely than p times the likeliest; 0 is off
	Typical     float64 // locally typical sampling; 1 is off
	TopNSigma   float64 // keep logits within n standard deviations of the best; 0 is off

	XTCProbability float64 // how often the top choices are excluded; 0 is off
	XTCThreshold   float64

	RepeatLastN      int     // tokens that the penalties look back at; -1 all, 0 off
	RepeatPenalty    float64 // 1 is off
	FrequencyPenalty float64 // 0 is off
	PresencePenalty  float64 // 0 is off

	DRYMultiplier    float64 // 0 is off
	DRYBase          float64
	DRYAllowedLength int
	DRYLastN         int // -1 all

	DynTempRange    float64 // 0 is off
	DynTempExponent float64

	Mirostat    int // 0 is off; 1 or 2
	MirostatTau float64
	MirostatEta float64

	LogitBias map[int32]float64 // added to the logits of tokens; -Inf forbids
	Seed      uint64            // RandomSeed for another each time
}

// DefaultSampling returns llama.cpp's defaults.
func DefaultSampling() Sampling { return fromSample(sample.Default()) }

// Validate says which value is out of its range.
func (s Sampling) Validate() error {
	o := s.options()
	var re *sample.RangeError
	if err := o.Validate(); errors.As(err, &re) {
		return fmt.Errorf("holdfast: %s", trimPrefix(re.Error()))
	} else if err != nil {
		return fmt.Errorf("holdfast: %s", trimPrefix(err.Error()))
	}
	return nil
}

func trimPrefix(s string) string {
	const p = "sample: "
	if len(s) > len(p) && s[:len(p)] == p {
		return s[len(p):]
	}
	return s
}

func (s Sampling) options() sample.Options {
	return sample.Options{
		Temperature: s.Temperature, TopK: s.TopK, TopP: s.TopP, MinP: s.MinP, Typical: s.Typical, TopNSigma: s.TopNSigma,
		XTCProbability: s.XTCProbability, XTCThreshold: s.XTCThreshold,
		PenaltyLastN: s.RepeatLastN, RepeatPenalty: s.RepeatPenalty,
		FrequencyPenalty: s.FrequencyPenalty, PresencePenalty: s.PresencePenalty,
		DRY:          sample.DRY{Multiplier: s.DRYMultiplier, Base: s.DRYBase, AllowedLength: s.DRYAllowedLength, LastN: s.DRYLastN},
		DynTempRange: s.DynTempRange, DynTempExponent: s.DynTempExponent,
		Mirostat: s.Mirostat, MirostatTau: s.MirostatTau, MirostatEta: s.MirostatEta,
		LogitBias: s.LogitBias, Seed: s.Seed,
	}
}

func fromSample(o sample.Options) Sampling {
	return Sampling{
		Temperature: o.Temperature, TopK: o.TopK, TopP: o.TopP, MinP: o.MinP, Typical: o.Typical, TopNSigma: o.TopNSigma,
		XTCProbability: o.XTCProbability, XTCThreshold: o.XTCThreshold,
		RepeatLastN: o.PenaltyLastN, RepeatPenalty: o.RepeatPenalty,
		FrequencyPenalty: o.FrequencyPenalty, PresencePenalty: o.PresencePenalty,
		DRYMultiplier: o.DRY.Multiplier, DRYBase: o.DRY.Base, DRYAllowedLength: o.DRY.AllowedLength, DRYLastN: o.DRY.LastN,
		DynTempRange: o.DynTempRange, DynTempExponent: o.DynTempExponent,
		Mirostat: o.Mirostat, MirostatTau: o.MirostatTau, MirostatEta: o.MirostatEta,
		LogitBias: o.LogitBias, Seed: o.Seed,
	}
}
