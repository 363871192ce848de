package moe

import (
	"math"

	"github.com/holdfast-llm/holdfast/internal/model"
)

// GroupRule says how a group of experts is scored when only some groups may be
// chosen from.
type GroupRule uint8

// The group rules.
const (
	GroupTop2 GroupRule = iota // sum of the two best experts (DeepSeek-V3)
	GroupMax                   // the best expert (DeepSeek-V2)
)

// minSum keeps the division by the chosen weights' sum away from zero.
const minSum = 6.103515625e-05

// broken stands for a score that is not a number: below every real one, above
// what is excluded, so that a broken row still gets valid experts.
const broken = -1e300

// A Router chooses experts by router logits. It is the part of a mixture that
// is discontinuous: everything in it is float64, so that rounding does not flip
// a choice that the reference makes.
type Router struct {
	model.MoE
	Rule GroupRule
	Bias []float32 // [Experts] added to the scores for choosing only; may be nil
}

// A RouteScratch is the memory of one worker for Route.
type RouteScratch struct {
	score []float64 // [Experts] what the weights are made of
	sel   []float64 // [Experts] what the choice is made by
	group []float64 // [Groups]
}

// NewRouteScratch allocates scratch for r's sizes.
func NewRouteScratch(m *model.MoE) *RouteScratch {
	return &RouteScratch{
		score: make([]float64, m.Experts),
		sel:   make([]float64, m.Experts),
		group: make([]float64, max(1, m.Groups)),
	}
}

// Route chooses the experts of one row, in ascending order, and their weights.
// A tie goes to the lower index.
func (r *Router) Route(s *RouteScratch, experts []int32 /* [Used] */, weights []float32 /* [Used] */, logits []float32 /* [Experts] */) {
	r.scores(s, logits)
	for e, v := range s.score {
		s.sel[e] = v
		if r.Bias != nil {
			s.sel[e] += float64(r.Bias[e])
		}
		if math.IsNaN(s.sel[e]) {
			s.sel[e] = broken
		}
	}
	if r.Groups > 1 && r.GroupsUsed < r.Groups {
		r.limitGroups(s)
	}
	for i := range experts {
		best := argMax(s.sel)
		s.sel[best] = math.Inf(-1)
		insert(experts[:i+1], int32(best))
	}
	r.weigh(s, experts, weights)
}

// Weigh computes the weights of experts that are given, in ascending order.
func (r *Router) Weigh(s *RouteScratch, experts []int32 /* [Used] */, weights []float32 /* [Used] */, logits []float32 /* [Experts] */, fixed []float32 /* [Used] */) {
	r.scores(s, logits)
	for i, e := range fixed {
		insert(experts[:i+1], int32(e))
	}
	r.weigh(s, experts, weights)
}

// scores turns logits into scores.
func (r *Router) scores(s *RouteScratch, logits []float32) {
	switch r.Gating {
	case model.GatingSigmoid:
		for e, v := range logits {
			s.score[e] = 1 / (1 + math.Exp(-float64(v)))
		}
	case model.GatingSqrtSoftplus:
		for e, v := range logits {
			s.score[e] = math.Sqrt(softplus(float64(v)))
		}
	case model.GatingSoftmaxTopK:
		for e, v := range logits {
			s.score[e] = float64(v)
		}
	default:
		top := float64(logits[0])
		for _, v := range logits {
			top = max(top, float64(v))
		}
		sum := 0.0
		for e, v := range logits {
			s.score[e] = math.Exp(float64(v) - top)
			sum += s.score[e]
		}
		for e := range s.score {
			s.score[e] /= sum
		}
	}
}

// softplus is log(1+e^x) without overflow.
func softplus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// limitGroups excludes the experts of all but the best groups.
func (r *Router) limitGroups(s *RouteScratch) {
	size := r.Experts / r.Groups
	for g := range s.group {
		first, second := math.Inf(-1), math.Inf(-1)
		for _, v := range s.sel[g*size : (g+1)*size] {
			if v > first {
				first, second = v, first
			} else if v > second {
				second = v
			}
		}
		s.group[g] = first
		if r.Rule == GroupTop2 && size > 1 {
			s.group[g] += second
		}
	}
	for range r.GroupsUsed {
		s.group[argMax(s.group)] = math.Inf(-1)
	}
	for g, v := range s.group {
		if !math.IsInf(v, -1) {
			for e := g * size; e < (g+1)*size; e++ {
				s.sel[e] = math.Inf(-1)
			}
		}
	}
}

// weigh computes the final weights of the chosen experts.
func (r *Router) weigh(s *RouteScratch, experts []int32, weights []float32) {
	if r.Gating == model.GatingSoftmaxTopK {
		top := math.Inf(-1)
		for _, e := range experts {
			top = max(top, s.score[e])
		}
		for _, e := range experts {
			s.score[e] = math.Exp(s.score[e] - top)
		}
	}
	sum := 0.0
	for _, e := range experts {
		sum += s.score[e]
	}
	scale := float64(r.Scale)
	if r.Norm || r.Gating == model.GatingSoftmaxTopK {
		scale /= max(sum, minSum)
	}
	for i, e := range experts {
		weights[i] = float32(s.score[e] * scale)
	}
}

// argMax returns the first index of the largest value.
func argMax(x []float64) int {
	best := 0
	for i, v := range x {
		if v > x[best] {
			best = i
		}
	}
	return best
}

// insert puts e into the sorted list of which the last place is free.
func insert(list []int32, e int32) {
	i := len(list) - 1
	for i > 0 && list[i-1] > e {
		list[i] = list[i-1]
		i--
	}
	list[i] = e
}
