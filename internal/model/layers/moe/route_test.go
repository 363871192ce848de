package moe

import (
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/model"
)

func route(r *Router, logits []float32) ([]int32, []float32) {
	experts, weights := make([]int32, r.Used), make([]float32, r.Used)
	r.Route(NewRouteScratch(&r.MoE), experts, weights, logits)
	return experts, weights
}

func TestRoute(t *testing.T) {
	logits := []float32{1, 4, 2, 3}
	e := math.E
	sum := math.Exp(1) + math.Exp(2) + math.Exp(3) + math.Exp(4)
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	tests := map[string]struct {
		r       Router
		experts []int32
		weights []float64
	}{
		"softmax": {
			Router{MoE: model.MoE{Experts: 4, Used: 2, Scale: 1, Gating: model.GatingSoftmax}},
			[]int32{1, 3},
			[]float64{math.Exp(4) / sum, math.Exp(3) / sum},
		},
		"normalised": {
			Router{MoE: model.MoE{Experts: 4, Used: 2, Scale: 2.5, Norm: true, Gating: model.GatingSoftmax}},
			[]int32{1, 3},
			[]float64{2.5 * e / (e + 1), 2.5 / (e + 1)},
		},
		"softmax of the chosen": {
			Router{MoE: model.MoE{Experts: 4, Used: 2, Scale: 1, Gating: model.GatingSoftmaxTopK}},
			[]int32{1, 3},
			[]float64{e / (e + 1), 1 / (e + 1)},
		},
		"bias chooses and does not weigh": {
			Router{MoE: model.MoE{Experts: 4, Used: 2, Scale: 1, Gating: model.GatingSigmoid}, Bias: []float32{9, 0, 0, 0}},
			[]int32{0, 1},
			[]float64{sigmoid(1), sigmoid(4)},
		},
		"group by its best": {
			Router{MoE: model.MoE{Experts: 4, Used: 2, Scale: 1, Groups: 2, GroupsUsed: 1, Gating: model.GatingSigmoid}, Rule: GroupMax},
			[]int32{0, 1},
			[]float64{sigmoid(1), sigmoid(4)},
		},
		"group by its best two": {
			Router{MoE: model.MoE{Experts: 4, Used: 2, Scale: 1, Groups: 2, GroupsUsed: 1, Gating: model.GatingSigmoid}, Rule: GroupTop2},
			[]int32{2, 3},
			[]float64{sigmoid(2), sigmoid(3)},
		},
		"square root of softplus": {
			Router{MoE: model.MoE{Experts: 4, Used: 1, Scale: 1, Gating: model.GatingSqrtSoftplus}},
			[]int32{1},
			[]float64{math.Sqrt(math.Log1p(math.Exp(4)))},
		},
	}
	for name, test := range tests {
		experts, weights := route(&test.r, logits)
		if diff := cmp.Diff(test.experts, experts); diff != "" {
			t.Errorf("%s: experts (-want +got):\n%s", name, diff)
		}
		for i, w := range weights {
			if math.Abs(float64(w)-test.weights[i]) > 1e-6 {
				t.Errorf("%s: weights %v, expected %v", name, weights, test.weights)
			}
		}
	}
}

// TestEqualLogits: six equal scores of sqrt(ln 2), normalised and scaled by
// 1.5, give 0.25 each; ties go to the lower index.
func TestEqualLogits(t *testing.T) {
	r := Router{MoE: model.MoE{Experts: 8, Used: 6, Scale: 1.5, Norm: true, Gating: model.GatingSqrtSoftplus}}
	experts, weights := route(&r, make([]float32, 8))
	if !slices.Equal(experts, []int32{0, 1, 2, 3, 4, 5}) {
		t.Errorf("experts %v", experts)
	}
	for _, w := range weights {
		if math.Abs(float64(w)-0.25) > 1e-7 {
			t.Errorf("weights %v", weights)
		}
	}
}

// TestBrokenRow: a row of NaN still gets valid experts, all different.
func TestBrokenRow(t *testing.T) {
	nan := float32(math.NaN())
	r := Router{MoE: model.MoE{Experts: 4, Used: 3, Scale: 1, Norm: true, Gating: model.GatingSigmoid, Groups: 2, GroupsUsed: 2}}
	experts, _ := route(&r, []float32{nan, nan, nan, nan})
	for i, e := range experts {
		if e < 0 || e > 3 || i > 0 && e <= experts[i-1] {
			t.Fatalf("experts %v", experts)
		}
	}
}

// TestTopK: the chosen experts are those with the largest scores.
func TestTopK(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "experts")
		used := rapid.IntRange(1, n).Draw(t, "used")
		logits := rapid.SliceOfN(rapid.Float32Range(-5, 5), n, n).Draw(t, "logits")
		r := Router{MoE: model.MoE{Experts: n, Used: used, Scale: 1, Norm: true, Gating: model.GatingSigmoid}}
		experts, weights := route(&r, logits)
		order := make([]int32, n)
		for i := range order {
			order[i] = int32(i)
		}
		score := func(e int32) float64 { return 1 / (1 + math.Exp(-float64(logits[e]))) }
		sort.SliceStable(order, func(a, b int) bool { return score(order[a]) > score(order[b]) })
		want := order[:used]
		slices.Sort(want)
		if !slices.Equal(experts, want) {
			t.Fatalf("experts %v, expected %v", experts, want)
		}
		var sum float64
		for _, w := range weights {
			sum += float64(w)
		}
		if math.Abs(sum-1) > 1e-5 {
			t.Fatalf("weights add up to %v", sum)
		}
	})
}

// TestPlan: every choice has one slot, slots of an expert follow each other in
// the order of rows.
func TestPlan(t *testing.T) {
	p := newPlan(5, 8)
	chosen := []int32{1, 3, 0, 3, 1, 3, 3, 4}
	weights := []float32{1, 2, 3, 4, 5, 6, 7, 8}
	for range 2 { // made anew each time
		p.make(chosen, weights, 2)
	}
	if diff := cmp.Diff([]int32{0, 1, 3, 4}, p.active); diff != "" {
		t.Errorf("active experts (-want +got):\n%s", diff)
	}
	if lo, hi := p.slots(3); lo != 3 || hi != 7 {
		t.Errorf("slots of expert 3: %d to %d", lo, hi)
	}
	if diff := cmp.Diff([]int32{1, 0, 2, 0, 1, 2, 3, 3}, p.row); diff != "" {
		t.Errorf("rows of the slots (-want +got):\n%s", diff)
	}
	for i, s := range p.slot {
		if p.weight[s] != weights[i] {
			t.Errorf("choice %d: slot %d has weight %v", i, s, p.weight[s])
		}
	}
}
