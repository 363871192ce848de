package moe

// A plan sorts the (row, choice) pairs of a batch by expert. Each pair has a
// slot; the slots of one expert follow each other, in the order of the rows.
// Every worker makes the same plan for itself, which is quicker than one making
// it while the others wait.
type plan struct {
	start  []int32 // [experts+1] first slot of each expert
	fill   []int32 // [experts] next free slot while sorting
	active []int32 // experts with at least one slot
	row    []int32 // [slots] row of each slot
	weight []float32
	slot   []int32 // [rows*used] slot of each pair
}

func newPlan(experts, maxSlots int) *plan {
	return &plan{
		start:  make([]int32, experts+1),
		fill:   make([]int32, experts),
		active: make([]int32, 0, experts),
		row:    make([]int32, maxSlots),
		weight: make([]float32, maxSlots),
		slot:   make([]int32, maxSlots),
	}
}

func planBytes(experts, maxSlots int) int64 { return int64(3*experts+3*maxSlots) * 4 }

// make sorts the choices of all rows; used is how many each row has.
func (p *plan) make(chosen []int32, weights []float32 /* [rows*used] */, used int) {
	clear(p.start)
	for _, e := range chosen {
		p.start[e+1]++
	}
	p.active = p.active[:0]
	for e := range p.fill {
		if p.start[e+1] > 0 {
			p.active = append(p.active, int32(e))
		}
		p.start[e+1] += p.start[e]
		p.fill[e] = p.start[e]
	}
	for i, e := range chosen {
		at := p.fill[e]
		p.fill[e]++
		p.row[at], p.weight[at], p.slot[i] = int32(i/used), weights[i], at
	}
}

// slots returns the slots of an expert.
func (p *plan) slots(e int32) (lo, hi int) { return int(p.start[e]), int(p.start[e+1]) }
