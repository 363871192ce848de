package grammar

import "slices"

// compact empties an arena except for some configurations, whose new ids it
// writes over the old ones.
func (a *arena) compact(keep []int32) {
	old := a.old
	if old == nil {
		old = &oldArena{}
		a.old = old
	}
	old.nodes = append(old.nodes[:0], a.nodes...)
	old.configs = append(old.configs[:0], a.configs...)
	old.items = append(old.items[:0], a.items...)
	a.reset()
	old.mark(keep)
	old.copyNodes(a)
	for i, c := range keep {
		keep[i] = old.copyConfig(a, c)
	}
}

// copyTo copies a configuration into another arena of the same program.
func (a *arena) copyTo(to *arena, c int32) int32 {
	old := &oldArena{nodes: a.nodes, configs: a.configs, items: a.items}
	old.mark([]int32{c})
	old.copyNodes(to)
	return old.copyConfig(to, c)
}

// An oldArena is an arena's contents on the way into another one.
type oldArena struct {
	nodes   []stackNode
	configs []config
	items   []int32
	moved   []int32 // new ids of the nodes; -1: not needed
	live    []int32
}

const needed int32 = 0

// mark finds the nodes that configurations need. A node's id is larger than
// that of what is below it.
func (o *oldArena) mark(keep []int32) {
	o.moved = slices.Grow(o.moved[:0], len(o.nodes))[:len(o.nodes)]
	for i := range o.moved {
		o.moved[i] = -1
	}
	for _, c := range keep {
		for _, id := range o.items[o.configs[c].lo:o.configs[c].hi] {
			o.moved[id] = needed
		}
	}
	for id := len(o.nodes) - 1; id > int(unknown); id-- {
		if o.moved[id] == needed {
			o.moved[o.nodes[id].below] = needed
		}
	}
	o.moved[bottom], o.moved[unknown] = bottom, unknown
}

func (o *oldArena) copyNodes(to *arena) {
	for id := int(unknown) + 1; id < len(o.nodes); id++ {
		if o.moved[id] == needed {
			n := &o.nodes[id]
			o.moved[id] = to.node(n.state, n.count, o.moved[n.below])
		}
	}
}

func (o *oldArena) copyConfig(to *arena, c int32) int32 {
	if c == dead {
		return dead
	}
	o.live = o.live[:0]
	for _, id := range o.items[o.configs[c].lo:o.configs[c].hi] {
		o.live = append(o.live, o.moved[id])
	}
	slices.Sort(o.live)
	return to.config(o.live, o.configs[c].accept, o.configs[c].escape)
}
