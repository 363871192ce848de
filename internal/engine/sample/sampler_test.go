package sample

import (
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestRandomNumbersNeverChange pins the generator: texts are reproduced from
// seeds, so these numbers may not change with machine or Go version.
func TestRandomNumbersNeverChange(t *testing.T) {
	var r rng
	r.seed(42)
	got := []float64{r.float64(), r.float64(), r.float64(), r.float64()}
	want := []float64{0.46398016307301304, 0.24005395262394458, 0.8111301996984801, 0.39390410879729976}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSameSeedSameTokens(t *testing.T) {
	logits := zipf(1000, 3)
	run := func(seed uint64) []int32 {
		o := Default()
		o.Seed, o.TopK, o.Temperature = seed, 0, 1.5
		s, sc := mustNew(t, o), &Scratch{}
		var ids []int32
		for range 50 {
			id, err := s.Sample(sc, logits, ids, nil)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, id)
		}
		return ids
	}
	if diff := cmp.Diff(run(7), run(7)); diff != "" {
		t.Error(diff)
	}
	if slices.Equal(run(7), run(8)) {
		t.Error("two seeds give the same tokens")
	}
	if a, b := mustNew(t, Default()), mustNew(t, Default()); a.Seed() == b.Seed() || a.Seed() == RandomSeed {
		t.Error("random seeds are equal")
	}
}

// TestFrequencies compares 200,000 draws with the distribution by chi-square.
func TestFrequencies(t *testing.T) {
	const draws, n = 200_000, 50
	logits := zipf(n, 5)
	p := probabilities(logits)
	s, sc := mustNew(t, neutral(11)), &Scratch{}
	count := make([]float64, n)
	for range draws {
		id, err := s.Sample(sc, logits, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		count[id]++
	}
	chi := 0.0
	for i := range p {
		e := p[i] * draws
		chi += (count[i] - e) * (count[i] - e) / e
	}
	// 49 degrees of freedom: 85.4 is exceeded once in a thousand seeds, and
	// this seed is fixed.
	if chi > 85.4 {
		t.Errorf("chi-square %.1f, want at most 85.4", chi)
	}
}

// TestCollectIsTheSortedPrefix compares top-k selection with a full sort.
func TestCollectIsTheSortedPrefix(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.SampledFrom([]float32{-2, -1, 0, 0.5, 1, 7, float32(math.Inf(-1)), float32(math.NaN())}), 1, 200).Draw(t, "logits")
		k := rapid.IntRange(0, 220).Draw(t, "k")
		var c candidates
		c.collect(logits, k, float32(math.Inf(-1)))
		c.sortFirst(len(c.list))
		var got []int32
		for _, x := range c.list {
			got = append(got, x.id)
		}
		var want []int32
		for _, id := range ranked(clean(logits)) {
			if l := logits[id]; l > float32(math.Inf(-1)) && (k == 0 || len(want) < k) {
				want = append(want, id)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
	})
}

// clean makes NaN sort last.
func clean(l []float32) []float32 {
	l = slices.Clone(l)
	for i, v := range l {
		if v != v {
			l[i] = float32(math.Inf(-1))
		}
	}
	return l
}

// TestSortFirst checks partial sorting in steps against a full sort.
func TestSortFirst(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		logits := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 30), func(i int) float32 { return float32(i) }), 1, 300).Draw(t, "logits")
		var c candidates
		c.collect(logits, 0, -1)
		want := ranked(logits)
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 320), 1, 5).Draw(t, "steps") {
			c.sortFirst(n)
			for i := range min(n, len(want)) {
				if c.list[i].id != want[i] {
					t.Fatalf("after sortFirst(%d): entry %d is token %d, want %d", n, i, c.list[i].id, want[i])
				}
			}
		}
	})
}

func TestTruncation(t *testing.T) {
	logits := zipf(200, 9)
	p, order := probabilities(logits), ranked(logits)
	f := func(name string, o Options, keep int) {
		t.Helper()
		want := slices.Clone(order[:keep])
		slices.Sort(want)
		o.Temperature = 3 // flat enough that every token left is drawn
		if diff := cmp.Diff(want, support(t, o, logits, 30_000)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	with := func(change func(*Options)) Options { o := neutral(1); change(&o); return o }
	f("top-k", with(func(o *Options) { o.TopK = 7 }), 7)
	cum, n := 0.0, 0
	for cum < 0.6 {
		cum += p[order[n]]
		n++
	}
	f("top-p", with(func(o *Options) { o.TopP = 0.6 }), n)
	f("top-p of 0", with(func(o *Options) { o.TopP = 0 }), 1)
	n = 0
	for n < len(order) && p[order[n]] >= 0.05*p[order[0]] {
		n++
	}
	f("min-p", with(func(o *Options) { o.MinP = 0.05 }), n)
	f("min-p of 1", with(func(o *Options) { o.MinP = 1 }), 1)
	mean, dev := 0.0, 0.0
	for _, l := range logits {
		mean += float64(l) / 200
	}
	for _, l := range logits {
		dev += (float64(l) - mean) * (float64(l) - mean) / 200
	}
	n = 0
	for n < len(order) && float64(logits[order[n]]) >= float64(logits[order[0]])-1.5*math.Sqrt(dev) {
		n++
	}
	f("top-n-sigma", with(func(o *Options) { o.TopNSigma = 1.5 }), n)
}

// TestTopPOfManyTokens is for the short cut that large vocabularies take.
func TestTopPOfManyTokens(t *testing.T) {
	logits := zipf(20_000, 4)
	p, order := probabilities(logits), ranked(logits)
	for _, top := range []float64{0.1, 0.5, 0.9, 0.999} {
		cum, n := 0.0, 0
		for cum < top {
			cum += p[order[n]]
			n++
		}
		var c candidates
		c.collect(logits, 0, float32(math.Inf(-1)))
		c.topP(top)
		if len(c.list) != n || c.list[n-1].id != order[n-1] {
			t.Errorf("top-p %v keeps %d tokens, want %d", top, len(c.list), n)
		}
	}
}

func TestTypicalKeepsTheExpected(t *testing.T) {
	logits := zipf(40, 2)
	p := probabilities(logits)
	h := 0.0
	for _, q := range p {
		h -= q * math.Log(q)
	}
	ids := make([]int32, 40)
	for i := range ids {
		ids[i] = int32(i)
	}
	slices.SortFunc(ids, func(a, b int32) int {
		return int(math.Copysign(1, math.Abs(-math.Log(p[a])-h)-math.Abs(-math.Log(p[b])-h)))
	})
	cum, n := 0.0, 0
	for cum <= 0.5 {
		cum += p[ids[n]]
		n++
	}
	want := slices.Clone(ids[:n])
	slices.Sort(want)
	o := neutral(3)
	o.Typical, o.Temperature = 0.5, 3
	if diff := cmp.Diff(want, support(t, o, logits, 20_000)); diff != "" {
		t.Error(diff)
	}
}

func TestXTCKeepsTheLeastOfTheTop(t *testing.T) {
	logits := []float32{3, 2.5, 2, -1, -2} // p about 0.50 0.30 0.18 0.01 0.00
	o := neutral(3)
	o.XTCProbability, o.XTCThreshold, o.Temperature = 1, 0.1, 3
	if diff := cmp.Diff([]int32{2, 3, 4}, support(t, o, logits, 5000)); diff != "" {
		t.Error(diff)
	}
	o.XTCThreshold = 0.6 // over a half it is off
	if diff := cmp.Diff([]int32{0, 1, 2, 3, 4}, support(t, o, logits, 5000)); diff != "" {
		t.Error(diff)
	}
}

func TestTemperatureComesAfterTruncation(t *testing.T) {
	// At temperature 10 a top-p of 0.6 would keep nearly everything; at 1 it
	// keeps one token, and that is what counts.
	o := neutral(3)
	o.TopP, o.Temperature = 0.6, 10
	if diff := cmp.Diff([]int32{1}, support(t, o, []float32{0, 3, 0, 0}, 1000)); diff != "" {
		t.Error(diff)
	}
}

func TestDynamicTemperature(t *testing.T) {
	var c candidates
	o := neutral(1)
	o.DynTempRange, o.DynTempExponent = 0.5, 1
	c.collect([]float32{1, 1, 1, 1}, 0, -1) // entropy is greatest: 1.5
	c.list[0].logit = 1.0000001
	c.temperature(&o)
	if c.list[0].logit != 0 || c.list[1].logit > 0 {
		t.Errorf("logits %v", c.list)
	}
	c.collect([]float32{0, -50}, 0, float32(math.Inf(-1))) // no entropy: 0.5
	c.temperature(&o)
	if got := c.list[1].logit; math.Abs(float64(got)+100) > 0.01 {
		t.Errorf("logit %v, want -50 divided by 0.5", got)
	}
}

func TestGreedyTakesTheFirstOfTheBest(t *testing.T) {
	s, sc := mustNew(t, Options{}), &Scratch{}
	id, err := s.Sample(sc, []float32{1, 5, float32(math.NaN()), 5, 2}, nil, nil)
	if id != 1 || err != nil {
		t.Errorf("token %d, %v", id, err)
	}
}

func TestNothingToChoose(t *testing.T) {
	inf, nan := float32(math.Inf(-1)), float32(math.NaN())
	for _, o := range []Options{Default(), Greedy(), {Mirostat: 2, Temperature: 1, MirostatTau: 5, MirostatEta: 0.1}} {
		s := mustNew(t, o)
		if _, err := s.Sample(&Scratch{}, []float32{inf, nan, inf}, nil, nil); !errors.Is(err, ErrNoCandidate) {
			t.Errorf("error %v", err)
		}
	}
}

func TestLogitsAreRestored(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := drawOptions(t)
		s, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		logits := zipf(64, 4)
		before := slices.Clone(logits)
		history := rapid.SliceOfN(rapid.Int32Range(0, 63), 0, 40).Draw(t, "history")
		var sc Scratch
		for i := range len(history) + 1 {
			id, err := s.Sample(&sc, logits, history[:i], nil)
			if err != nil || id < 0 || id > 63 {
				t.Fatalf("token %d, %v", id, err)
			}
			if !slices.Equal(before, logits) {
				t.Fatal("the logits are changed")
			}
		}
	})
}

// drawOptions draws valid options with any of the steps on.
func drawOptions(t *rapid.T) Options {
	f := func(name string, lo, hi float64) float64 { return rapid.Float64Range(lo, hi).Draw(t, name) }
	return Options{
		Temperature: f("temperature", 0, 3), TopK: rapid.IntRange(0, 70).Draw(t, "top_k"), TopP: f("top_p", 0, 1),
		MinP: f("min_p", 0, 1), Typical: f("typical", 0, 1), TopNSigma: f("sigma", 0, 3),
		XTCProbability: f("xtc_p", 0, 1), XTCThreshold: f("xtc_t", 0, 1),
		PenaltyLastN: rapid.IntRange(-1, 50).Draw(t, "last_n"), RepeatPenalty: f("repeat", 0, 2),
		FrequencyPenalty: f("frequency", -1, 1), PresencePenalty: f("presence", -1, 1),
		DRY:          DRY{Multiplier: f("dry", 0, 1), Base: f("dry_base", 0, 4), AllowedLength: rapid.IntRange(0, 4).Draw(t, "dry_len"), LastN: -1},
		DynTempRange: f("dyn", 0, 1), DynTempExponent: f("dyn_e", 0, 2),
		Mirostat: rapid.IntRange(0, 2).Draw(t, "mirostat"), MirostatTau: f("tau", 0, 10), MirostatEta: f("eta", 0, 1),
		LogitBias: map[int32]float64{3: f("bias", -10, 10), 60: math.Inf(-1), 1000: 1}, Seed: rapid.Uint64().Draw(t, "seed"),
	}
}

func TestMirostatSteersToTau(t *testing.T) {
	for _, version := range []int{1, 2} {
		o := neutral(1)
		o.Mirostat, o.MirostatTau, o.MirostatEta = version, 3, 0.1
		logits := zipf(5000, 6)
		p := probabilities(logits)
		s, sc := mustNew(t, o), &Scratch{}
		sum := 0.0
		for i := range 3000 {
			id, err := s.Sample(sc, logits, nil, nil)
			if err != nil {
				t.Fatal(err)
			}
			if i >= 1000 {
				sum -= math.Log2(p[id])
			}
		}
		// Surprise is steered within what is kept, which makes it a little
		// higher in the whole distribution.
		if mean := sum / 2000; mean < 2.5 || mean > 4.5 {
			t.Errorf("mirostat %d: mean surprise %.2f bits, want about 3", version, mean)
		}
	}
}

type onlyMask struct{ id int32 }

func (m onlyMask) Allows(id int32) bool { return id == m.id }
func (m onlyMask) Apply(l []float32) {
	for i := range l {
		if int32(i) != m.id {
			l[i] = float32(math.Inf(-1))
		}
	}
}

func TestMaskIsObeyed(t *testing.T) {
	logits := zipf(100, 8)
	worst := ranked(logits)[99]
	for _, o := range []Options{Default(), Greedy()} {
		s := mustNew(t, o)
		id, err := s.Sample(&Scratch{}, logits, nil, onlyMask{worst})
		if id != worst || err != nil {
			t.Errorf("token %d, %v; want the only one allowed, %d", id, err, worst)
		}
		if _, err := s.Sample(&Scratch{}, logits, nil, onlyMask{-1}); !errors.Is(err, ErrNoCandidate) {
			t.Errorf("error %v where everything is forbidden", err)
		}
	}
}

func TestTopLogprobs(t *testing.T) {
	logits := zipf(100, 8)
	p, order := probabilities(logits), ranked(logits)
	for i, lp := range TopLogprobs(nil, &Scratch{}, logits, 5) {
		if lp.ID != order[i] || math.Abs(float64(lp.Logprob)-math.Log(p[lp.ID])) > 1e-5 {
			t.Errorf("entry %d: %+v", i, lp)
		}
	}
	if n := len(TopLogprobs(nil, &Scratch{}, logits, 1000)); n != 100 {
		t.Errorf("%d entries of 100 tokens", n)
	}
}

func TestNoAllocationPerToken(t *testing.T) {
	logits := zipf(2000, 8)
	r := rand.New(rand.NewPCG(1, 2))
	history := make([]int32, 500)
	for i := range history {
		history[i] = int32(r.IntN(50))
	}
	all := Default()
	all.FrequencyPenalty, all.PenaltyLastN, all.DRY.Multiplier, all.Typical, all.XTCProbability, all.TopNSigma = 0.1, -1, 0.5, 0.9, 0.5, 2
	wide := neutral(1)
	wide.TopP = 0.9
	miro := neutral(1)
	miro.Mirostat, miro.MirostatTau, miro.MirostatEta = 1, 4, 0.1
	for _, o := range []Options{Default(), all, wide, miro} {
		s, sc := mustNew(t, o), &Scratch{}
		n := testing.AllocsPerRun(100, func() {
			if _, err := s.Sample(sc, logits, history, nil); err != nil {
				t.Fatal(err)
			}
		})
		if n != 0 {
			t.Errorf("%v allocations per token with %+v", n, o)
		}
	}
}
