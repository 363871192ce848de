package sample

import "slices"

// A Scratch is working memory for Sample. It grows to what the vocabulary
// needs and then stays. The zero value is ready.
type Scratch struct {
	cands  candidates
	masked []float32 // [vocab], filled only when a mask rejects a free choice
	undo   []bias    // the logits that were changed, in order, as they were
	pairs  []pair    // DRY: tokens and the repetition that each would lengthen
	z      []int32   // DRY: lengths of common suffixes
}

// set changes one logit and remembers what it was.
func (sc *Scratch) set(logits []float32, id int32, v float32) {
	sc.undo = append(sc.undo, bias{id, logits[id]})
	logits[id] = v
}

// restore takes the changes back, the last one first: a logit may have been
// changed more than once.
func (sc *Scratch) restore(logits []float32) {
	for _, u := range slices.Backward(sc.undo) {
		logits[u.id] = u.v
	}
}
