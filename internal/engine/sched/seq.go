package sched

import "github.com/holdfast-llm/holdfast/internal/engine/kvcache"

// State is where a sequence is in its life.
type State uint8

// The states.
const (
	Waiting State = iota
	Running
	Preempted
	Finished
)

var stateNames = [...]string{"waiting", "running", "preempted", "finished"}

// String returns the state's name.
func (s State) String() string { return stateNames[s] }

// A Seq is a sequence as the scheduler sees it. The exported fields are the
// owner's: it sets them before Add, and appends to Tokens between steps.
type Seq struct {
	ID        uint64
	Group     string // whose turn it is; within it, User's
	User      string
	Namespace string // whose cache it shares
	Priority  int    // higher goes first

	// Tokens are all tokens known: the prompt, then what was generated.
	Tokens []int32
	// LogitsFrom is the first position whose logits are still needed: the last
	// one of Tokens to generate, an earlier one to score. It moves up as they
	// arrive. Positions from there on are never taken from the cache.
	LogitsFrom int
	// Hold keeps a waiting sequence from being admitted.
	Hold bool
	// Shared is a position where other prompts part from this one, or 0: with
	// Config.Align a chunk ends at the block border before it.
	Shared int
	// Data is the owner's.
	Data any

	KV    kvcache.Seq
	state State
	order uint64 // of arrival
	user  *user
	held  uint64 // the plan in which it was left waiting for another's prefill

	planned uint64 // the plan that has work for it
}

// State returns where the sequence is in its life.
func (q *Seq) State() State { return q.state }

// Pending returns how many tokens are not in the cache yet.
func (q *Seq) Pending() int { return len(q.Tokens) - q.KV.Len() }

// before orders running sequences: the last one is preempted first.
func before(a, b *Seq) int {
	switch {
	case a.Priority != b.Priority:
		return b.Priority - a.Priority
	case a.order < b.order:
		return -1
	case a.order > b.order:
		return 1
	}
	return 0
}
