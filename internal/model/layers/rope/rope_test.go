package rope

import (
	"math"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/model"
)

func plain(dims int, base float64) model.Rope {
	return model.Rope{Dims: dims, Base: base, Factor: 1, OrigContext: 4096, AttnFactor: 1, BetaFast: 32, BetaSlow: 1}
}

func fill(t *testing.T, r model.Rope, factors []float32, pos int) []float32 {
	t.Helper()
	a, err := New(&r, factors)
	if err != nil {
		t.Fatal(err)
	}
	cs := make([]float32, a.Dims())
	a.Fill(cs, pos)
	return cs
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !(math.Abs(got-want) <= 1e-6*math.Max(1, math.Abs(want))) {
		t.Errorf("%s is %v, expected %v", what, got, want)
	}
}

func TestPlain(t *testing.T) {
	cs := fill(t, plain(8, 10000), nil, 3)
	for i, freq := range []float64{1, 0.1, 0.01, 0.001} {
		near(t, "cosine", float64(cs[2*i]), math.Cos(3*freq))
		near(t, "sine", float64(cs[2*i+1]), math.Sin(3*freq))
	}
}

func TestLinearAndFactors(t *testing.T) {
	r := plain(4, 100)
	r.Factor = 4
	cs := fill(t, r, []float32{1, 8}, 40)
	near(t, "sine of the first pair", float64(cs[1]), math.Sin(40.0/4))
	near(t, "sine of the second pair", float64(cs[3]), math.Sin(40.0/4*0.1/8))
	if _, err := New(&r, []float32{1}); err == nil {
		t.Error("a wrong number of factors was accepted")
	}
	if _, err := New(&r, []float32{1, 0}); err == nil {
		t.Error("a factor of 0 was accepted")
	}
}

// TestCorrection checks the published corners: pairs 10 to 23 for DeepSeek-V3,
// 15 to 25 for V4.
func TestCorrection(t *testing.T) {
	tests := []struct {
		base      float64
		ctx       int
		low, high float64
	}{{10000, 4096, 10, 23}, {160000, 65536, 15, 25}}
	for _, test := range tests {
		r := plain(64, test.base)
		r.OrigContext = test.ctx
		if low, high := correction(&r); low != test.low || high != test.high {
			t.Errorf("base %v, context %d: pairs %v to %v, expected %v to %v", test.base, test.ctx, low, high, test.low, test.high)
		}
	}
}

// TestYarnMix: pairs below low keep their frequency, pairs from high on are
// stretched, and one in the middle is mixed.
func TestYarnMix(t *testing.T) {
	r := plain(64, 10000)
	r.Scaling, r.Factor, r.ExtFactor = "yarn", 40, 1
	a, err := New(&r, nil)
	if err != nil {
		t.Fatal(err)
	}
	freq := func(i int) float64 { return math.Pow(10000, -2*float64(i)/64) }
	near(t, "pair 9", a.freq[9]/freq(9), 1)
	near(t, "pair 23", a.freq[23]/freq(23), 1.0/40)
	ramp := (16.0 - 10) / (23 - 10)
	near(t, "pair 16", a.freq[16]/freq(16), (1-ramp)+ramp/40)
	near(t, "magnitude", a.Magnitude(), 1.3688879454)
}

// TestMagnitude: yarn_attn_factor cancels YaRN's own factor in some files and
// states the total in others.
func TestMagnitude(t *testing.T) {
	own := 1 + 0.1*math.Log(4)
	tests := map[string]struct {
		yarnAttn, attn, want float64
	}{
		"absent":  {0, 1, own},
		"cancels": {0.8782488562869419, 1, 1},
		"total":   {1.5, 1, 1.5},
		"attn":    {0, 0.5, own / 2},
	}
	for name, test := range tests {
		r := plain(64, 10000)
		r.Factor, r.ExtFactor, r.YarnAttn, r.AttnFactor = 4, 1, test.yarnAttn, test.attn
		near(t, name, magnitude(&r), test.want)
	}
	r := plain(64, 10000)
	r.Factor = 4
	near(t, "linear", magnitude(&r), 1)
}

// TestFarPositions: at a million the angle still has float32 accuracy.
func TestFarPositions(t *testing.T) {
	cs := fill(t, plain(2, 10000), nil, 1_000_000)
	near(t, "cosine", float64(cs[0]), math.Cos(1e6))
}

func BenchmarkFill(b *testing.B) {
	r := plain(128, 10000)
	a, err := New(&r, nil)
	if err != nil {
		b.Fatal(err)
	}
	cs := make([]float32, a.Dims())
	for i := 0; b.Loop(); i++ {
		a.Fill(cs, i&0xffff)
	}
}
