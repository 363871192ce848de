package mem

// Limits says how much memory there is, in bytes. Zero means unknown, or for
// CgroupLimit that there is none.
type Limits struct {
	// Total is the machine's physical memory.
	Total int64
	// Available is what new allocations can get without swapping, as the system
	// estimates it: free pages plus caches that it would give up.
	Available int64
	// CgroupLimit is the limit of the tightest control group around the process:
	// the one with the least room left, not the one with the smallest limit.
	CgroupLimit int64
	// CgroupUsed is what counts against CgroupLimit now, without file pages that
	// the kernel drops before it refuses memory.
	CgroupUsed int64
	// Memlock is how much this process may lock into memory; math.MaxInt64 is no limit.
	Memlock int64
}

// Budget reads the limits now. What the system does not tell stays zero.
func Budget() Limits { return budget() }

// Usable returns how many more bytes this process can use: the smaller of what
// the machine has and what the control group allows. It is 0 if nothing is
// known, and never negative.
func (l Limits) Usable() int64 {
	n := l.Available
	if l.CgroupLimit > 0 {
		room := l.CgroupLimit - l.CgroupUsed
		if n == 0 || room < n {
			n = room
		}
	}
	return max(n, 0)
}
