package sample

import (
	"math"
	"testing"
)

// FuzzOptions: options are refused, or give a token of the vocabulary.
func FuzzOptions(f *testing.F) {
	f.Add(0.8, 40, 0.95, 0.05, 1.0, 0.0, 0.0, 0.1, 64, 1.1, 0.1, 0.1, 0.5, 1.75, 2, 0.0, 1.0, 0, 5.0, 0.1, uint64(1))
	f.Add(0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0.0, 0.0, 0, 0.0, 0.0, uint64(0))
	f.Add(1e-9, 1, 1.0, 1.0, 0.5, 1e-9, 1.0, 0.5, -1, 1e-9, -100.0, 100.0, 1e6, 1e6, 1, 1.0, 100.0, 2, 0.0, 1.0, uint64(3))
	f.Add(100.0, 5, 1e-300, 1e-300, 1e-300, 3.0, 0.5, 0.0, 3, 100.0, 0.0, 0.0, 1.0, 1.0000001, 0, 99.0, 0.0, 1, 100.0, 1.0, uint64(9))
	f.Add(math.NaN(), -1, math.Inf(1), -1.0, 2.0, -1.0, 2.0, 2.0, -5, -1.0, 1e9, 1e9, -1.0, -1.0, -1, -1.0, -1.0, 7, -1.0, 2.0, uint64(9))
	logits := zipf(300, 1)
	logits[5], logits[6], logits[7] = float32(math.Inf(-1)), 80, -80
	history := []int32{1, 2, 3, 1, 2, 3, 1, 2, 9, 9, 9, 1, 2, 3}
	f.Fuzz(func(t *testing.T, temp float64, topK int, topP, minP, typ, sigma, xtcP, xtcT float64, lastN int, rep, freq, pres,
		dry, dryBase float64, dryLen int, dyn, dynE float64, miro int, tau, eta float64, seed uint64,
	) {
		s, err := New(Options{
			Temperature: temp, TopK: topK, TopP: topP, MinP: minP, Typical: typ, TopNSigma: sigma, XTCProbability: xtcP, XTCThreshold: xtcT,
			PenaltyLastN: lastN, RepeatPenalty: rep, FrequencyPenalty: freq, PresencePenalty: pres,
			DRY:          DRY{Multiplier: dry, Base: dryBase, AllowedLength: dryLen, LastN: -1, Breakers: [][]int32{{9}}},
			DynTempRange: dyn, DynTempExponent: dynE, Mirostat: miro, MirostatTau: tau, MirostatEta: eta, Seed: seed,
		})
		if err != nil {
			return
		}
		var sc Scratch
		for i := range history {
			id, err := s.Sample(&sc, logits, history[:i+1], nil)
			if err != nil {
				t.Fatal(err)
			}
			if id < 0 || int(id) >= len(logits) || id == 5 {
				t.Fatalf("token %d", id)
			}
		}
	})
}
