// Package probe measures what the machine can do at best: how fast memory can
// be read, and how many operations a second the vector units reach. The two
// bound every model: generating a token reads all weights once, reading a prompt
// multiplies them with every token (the "roofline").
//
// The numbers are those of this moment: other programs, virtual neighbours and
// heat lower them. Whoever states a share of them measures in the same run.
package probe

import (
	"fmt"
	"time"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/par"
)

// A Rate is a number of things per second.
type Rate float64

// Giga returns the rate in billions per second.
func (r Rate) Giga() float64 { return float64(r) / 1e9 }

// readers read a buffer whose length is a multiple of readStep, in the fastest
// way that the machine has, and return something made of all of it, so that
// nothing can be left out.
const readStep = 512

// passes is how often a measurement is repeated; the best one counts, because
// everything that disturbs makes it slower.
const passes = 5

// A Memory measures reading from memory. It keeps its buffer until Close.
type Memory struct {
	arena *mem.Arena
	buf   []byte
}

// NewMemory makes a buffer much larger than the caches, but no more than a
// quarter of the memory that is free.
func NewMemory() (*Memory, error) {
	size := int64(256 << 20)
	if l3 := int64(cpu.Detect().L3); l3*8 > size {
		size = l3 * 8
	}
	if usable := mem.Budget().Usable(); usable > 0 {
		size = min(size, usable/4)
	}
	if size < 16<<20 {
		return nil, fmt.Errorf("probe: %d MiB of memory are free for the measurement, expected 16 or more", size>>20)
	}
	arena, err := mem.NewArena(int(size) + 1<<12)
	if err != nil {
		return nil, err
	}
	buf, err := arena.Alloc(int(size)/readStep*readStep, 0)
	if err != nil {
		_ = arena.Free() // the first error counts
		return nil, err
	}
	return &Memory{arena, buf}, nil
}

// Size returns how many bytes are read per pass.
func (m *Memory) Size() int { return len(m.buf) }

// Close frees the buffer.
func (m *Memory) Close() error { return m.arena.Free() }

// Read returns the bytes per second that the team reads together, each worker
// its own part of the buffer.
func (m *Memory) Read(team *par.Team) Rate {
	share := func(w int) []byte {
		lo, hi := par.Split(len(m.buf), readStep, w, team.Size())
		return m.buf[lo:hi]
	}
	team.Run(func(w int) { // the worker that will read a page also touches it first, which decides where it lies
		for b := share(w); len(b) > 0; b = b[min(len(b), 4096):] {
			b[0] = byte(len(b))
		}
	})
	sums := make([]uint64, team.Size())
	best := time.Duration(1 << 62)
	for range passes {
		start := time.Now()
		team.Run(func(w int) { sums[w] += read(share(w)) })
		best = min(best, time.Since(start))
	}
	return Rate(float64(len(m.buf)) / best.Seconds())
}

// A Peak is what the vector units reach without touching memory.
type Peak struct {
	Kind string // "f32" or "int8"
	Tier string // the instructions used
	Rate Rate   // operations per second: a multiplication and an addition are two
}

// Peaks measures every kind of arithmetic that there is a loop for, on the whole
// team. Without any it returns nil.
func Peaks(team *par.Team) []Peak {
	var out []Peak
	for _, l := range loops() {
		n := 1 << 16
		var took time.Duration
		for took < 30*time.Millisecond && n < 1<<30 { // long enough to be measured
			n *= 2
			took = timed(team, l.run, n)
		}
		for range passes - 1 {
			took = min(took, timed(team, l.run, n))
		}
		rate := Rate(float64(team.Size()) * float64(n) * float64(l.ops) / took.Seconds())
		out = append(out, Peak{l.kind, l.tier, rate})
	}
	return out
}

func timed(team *par.Team, run func(n int), n int) time.Duration {
	start := time.Now()
	team.Run(func(int) { run(n) })
	return time.Since(start)
}

// A loop is a piece of code that only computes.
type loop struct {
	kind, tier string
	ops        int // operations of one round
	run        func(n int)
}

// readGo is the portable reader: it is bound by the loads that Go compiles,
// which on most machines is near what one core can read.
func readGo(b []byte) uint64 {
	v := mem.Int32s(b)
	var s0, s1, s2, s3 int32
	for len(v) >= 8 {
		s0 |= v[0] | v[4]
		s1 |= v[1] | v[5]
		s2 |= v[2] | v[6]
		s3 |= v[3] | v[7]
		v = v[8:]
	}
	return uint64(uint32(s0 | s1 | s2 | s3))
}
