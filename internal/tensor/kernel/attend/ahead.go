package attend

import "unsafe"

// lineBytes is what memory is fetched by.
const lineBytes = 64

// An ahead fetches the rows of the next block into the second-level cache while a
// block is multiplied. A core can wait for few lines at a time, and the hardware
// helps only where lines are asked for in the order of their addresses. So the
// bodies take an even portion at each step, and the order is that of memory: the
// keys of a chunk, then its values.
type ahead struct {
	p      *Params
	cur    cursor
	row    int // the next row to fetch
	end    int
	alias  bool // values are part of the keys
	values bool // the piece at row lacks only its values

	data  uintptr // what is left of the current piece of memory; no pointer, as it may point behind it
	lines int
	rest  int // lines that are left in the block, roughly
	idle  int // work in the block that is multiplied before anything is fetched
	work  int // work that is left in that block
}

// plan begins to fetch rows r0 <= r < r1, which are at cur or behind it, during
// some work.
func (a *ahead) plan(p *Params, cur cursor, r0, r1 int, alias bool, work int) {
	*a = ahead{p: p, cur: cur, row: r0, end: r1, alias: alias, work: work}
	bytes := p.kStride()
	if !alias {
		bytes += p.vStride()
	}
	a.rest = max(0, r1-r0) * bytes / lineBytes
}

// take returns where a body that does some of the work in some steps begins to
// fetch, and how many lines it fetches at each step: its share of what is left,
// rounded. It may come to fetch a little more than is needed.
func (a *ahead) take(steps, work int) (from uintptr, lines int) {
	if a.idle > 0 {
		a.idle -= work
		return 0, 0
	}
	share := a.rest
	if work < a.work {
		share = a.rest * work / a.work
	}
	a.work -= work
	if a.rest <= 0 || a.lines <= 0 && !a.piece() {
		return 0, 0
	}
	lines = min((share+steps/2)/steps, (a.lines+steps-1)/steps)
	from = a.data
	n := lines * steps
	a.data += uintptr(min(n, a.lines) * lineBytes)
	a.lines -= n
	a.rest -= n
	return from, lines
}

// piece goes on to the next piece of memory, if there is one.
func (a *ahead) piece() bool {
	if a.row >= a.end {
		return false
	}
	c, off, n := a.cur.piece(a.row, a.end)
	if a.values {
		a.data, a.lines = uintptr(unsafe.Pointer(&c.V[off*a.p.vStride()])), n*a.p.vStride()/lineBytes
	} else {
		a.data, a.lines = uintptr(unsafe.Pointer(&c.K[off*a.p.kStride()])), n*a.p.kStride()/lineBytes
	}
	if a.alias || a.values {
		a.row += n
	}
	a.values = !a.alias && !a.values
	return true
}
