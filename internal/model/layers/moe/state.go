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

	sharedActs *matmul.Acts   // [maxRows] hidden units of the shared experts, converted; nil without
	sharedDone []atomic.Int32 // [pieces of sharedRows] as done
}

// Downs are the kinds of activations that the down projections of a model's
// mixtures multiply with.
type Downs struct{ routed, shared layers.Kinds }

// Add adds those of a layer.
func (d *Downs) Add(exact bool, m *MoE) {
	d.routed = d.routed.Add(exact, m.DownExps[0])
	if m.Shared != nil {
		d.shared = d.shared.Add(exact, m.Shared.Down)
	}
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

// NewState allocates memory for mixtures of c's sizes.
func NewState(o model.Options, c *model.Config, down Downs) *State {
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
	s.acts.Prepare(down.routed...)
	if len(down.shared) > 0 {
		s.sharedActs = matmul.NewActs(o.MaxRows, m.SharedFF)
		s.sharedActs.Prepare(down.shared...)
		s.sharedDone = make([]atomic.Int32, piecesOf(o.MaxRows))
	}
	for i := range s.slotList {
		s.slotList[i] = int32(i)
	}
	for w := range s.workers {
		s.workers[w] = state{choices: newChoices(layers.PrivateRows * m.Used), route: NewRouteScratch(m), plan: newPlan(m.Experts, slots)}
	}
	return s
}

// StateBytes returns what NewState allocates.
func StateBytes(o model.Options, c *model.Config, down Downs) int64 {
	m := &c.MoE
	slots := int64(o.MaxRows * m.Used)
	row := layers.ActsBytes(m.FF, down.routed)
	n := int64((o.MaxRows+1)*m.Experts)*4 + slots*(12+8*int64(m.FF)+4*int64(c.Embd)+row)
	if len(down.shared) > 0 {
		n += int64(o.MaxRows)*layers.ActsBytes(m.SharedFF, down.shared) + 4*int64(piecesOf(o.MaxRows))
	}
	worker := planBytes(m.Experts, int(slots)) + int64(m.Experts)*24 + int64(layers.PrivateRows*m.Used)*8
	return n + int64(o.Workers)*worker
}
