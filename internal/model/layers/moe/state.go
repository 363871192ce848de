package moe

import (
	"sync/atomic"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/layers"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/matmul"
)

// A State is the memory that all mixtures of one model share. A slot is one
// (row, chosen expert) pair.
type State struct {
	logits   []float32 // [maxRows][experts]
	shared   choices
	hidden   []float32      // [slots][ff]
	up       []float32      // [slots][ff]
	out      []float32      // [slots][embd]
	acts     *matmul.Acts   // [slots] hidden units, converted
	slotList []int32        // [slots] 0, 1, 2, ...
	done     []atomic.Int32 // [experts] finished row groups of the hidden units
	workers  []state
}

// choices is what the router chose for each row.
type choices struct {
	experts []int32   // [rows][used] ascending
	weights []float32 // [rows][used]
}

func newChoices(n int) choices {
	return choices{experts: make([]int32, n), weights: make([]float32, n)}
}

// choices returns where the worker's view of the choices is. In a private batch
// every worker makes all choices for itself: that is less work than a meeting.
func (s *State) choices(e *layers.Env, w int) *choices {
	if e.Private() {
		return &s.workers[w].choices
	}
	return &s.shared
}

// state is the memory of one worker.
type state struct {
	choices choices // of a private batch
	route   *RouteScratch
	plan    *plan
}

// NewState allocates memory for mixtures of c's sizes. down holds
// the kinds of activations of the hidden units.
func NewState(o model.Options, c *model.Config, down layers.Kinds) *State {
	m := &c.MoE
	slots := o.MaxRows * m.Used
	s := &State{
		logits:   make([]float32, o.MaxRows*m.Experts),
		shared:   newChoices(slots),
		hidden:   make([]float32, slots*m.FF),
		up:       make([]float32, slots*m.FF),
		out:      make([]float32, slots*c.Embd),
		acts:     matmul.NewActs(slots, m.FF),
		slotList: make([]int32, slots),
		done:     make([]atomic.Int32, m.Experts),
		workers:  make([]state, o.Workers),
	}
	s.acts.Prepare(down...)
	for i := range s.slotList {
		s.slotList[i] = int32(i)
	}
	for w := range s.workers {
		s.workers[w] = state{choices: newChoices(layers.PrivateRows * m.Used), route: NewRouteScratch(m), plan: newPlan(m.Experts, slots)}
	}
	return s
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, c *model.Config, down layers.Kinds) int64 {
	m := &c.MoE
	slots := int64(o.MaxRows * m.Used)
	row := layers.ActsBytes(m.FF, down)
	n := int64((o.MaxRows+1)*m.Experts)*4 + slots*(12+8*int64(m.FF)+4*int64(c.Embd)+row)
	worker := planBytes(m.Experts, int(slots)) + int64(m.Experts)*24 + int64(layers.PrivateRows*m.Used)*8
	return n + int64(o.Workers)*worker
}
