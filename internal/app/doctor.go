package app

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/machine/cpu"
	"github.com/holdfast-llm/holdfast/internal/machine/mem"
	"github.com/holdfast-llm/holdfast/internal/machine/mem/probe"
	"github.com/holdfast-llm/holdfast/internal/machine/par"

	_ "github.com/holdfast-llm/holdfast/internal/model/all" // the kernels that doctor lists
)

// A Diagnosis is what doctor finds, and the object of its --json.
type Diagnosis struct {
	CPU     CPUReport    `json:"cpu"`
	Memory  MemoryReport `json:"memory"`
	Speed   *SpeedReport `json:"speed,omitempty"`
	Kernels []Tier       `json:"kernels"`
	Advice  []string     `json:"advice"`
}

// A CPUReport describes the processor. Sizes are bytes.
type CPUReport struct {
	Vendor   string   `json:"vendor"`
	Model    string   `json:"model"`
	Cores    int      `json:"cores"`
	Threads  int      `json:"threads"`
	Usable   int      `json:"usable"`  // that this process may use at the same time
	Workers  int      `json:"workers"` // that holdfast uses by default
	Quota    float64  `json:"quota"`   // processors of time that a control group allows, 0 without limit
	Features []string `json:"features"`
	L1       int      `json:"l1d_bytes"`
	L2       int      `json:"l2_bytes"`
	L3       int      `json:"l3_bytes"`
	Nodes    int      `json:"numa_nodes"`
}

// A MemoryReport describes memory in bytes.
type MemoryReport struct {
	Total       int64  `json:"total"`
	Available   int64  `json:"available"`
	Usable      int64  `json:"usable"`
	CgroupLimit int64  `json:"cgroup_limit"` // 0 without limit
	CgroupUsed  int64  `json:"cgroup_used"`
	Memlock     int64  `json:"memlock"`    // -1 without limit
	HugePages   string `json:"huge_pages"` // in words
}

// A SpeedReport holds what was measured.
type SpeedReport struct {
	ReadOne float64      `json:"read_one_gb_per_s"`
	ReadAll float64      `json:"read_all_gb_per_s"`
	Peaks   []PeakReport `json:"peaks"`
	Meaning string       `json:"meaning"` // in words
}

// A PeakReport is one kind of arithmetic on all threads.
type PeakReport struct {
	Kind string  `json:"kind"`
	Tier string  `json:"tier"`
	Gops float64 `json:"gop_per_s"`
}

// A Tier is one level of kernels.
type Tier struct {
	Name      string `json:"name"`
	State     string `json:"state"` // "on", "off" or "unsupported"
	Supported bool   `json:"supported"`
	Verified  bool   `json:"verified"`
	Why       string `json:"why"`
}

// Diagnose examines the machine; measuring takes a few seconds.
func Diagnose(measure bool) (*Diagnosis, error) {
	d := &Diagnosis{CPU: reportCPU(), Memory: reportMemory(), Kernels: Kernels()}
	if measure {
		s, err := reportSpeed(d.CPU.Workers)
		if err != nil {
			return nil, err
		}
		d.Speed = s
	}
	d.Advice = advice(d)
	return d, nil
}

func reportCPU() CPUReport {
	i := cpu.Detect()
	r := CPUReport{
		Vendor: i.Vendor, Model: i.Model, Cores: i.Physical, Threads: i.Logical, Usable: cpu.Usable(), Workers: Workers(0),
		Features: i.Features, L1: i.L1D, L2: i.L2, L3: i.L3, Nodes: i.Nodes,
	}
	if q := cpu.Quota(); !math.IsInf(q, 1) {
		r.Quota = q
	}
	return r
}

func reportMemory() MemoryReport {
	l := mem.Budget()
	r := MemoryReport{
		Total: l.Total, Available: l.Available, Usable: l.Usable(), CgroupLimit: l.CgroupLimit, CgroupUsed: l.CgroupUsed,
		Memlock: l.Memlock, HugePages: hugePages(),
	}
	if r.Memlock == math.MaxInt64 {
		r.Memlock = -1
	}
	return r
}

func reportSpeed(workers int) (*SpeedReport, error) {
	m, err := probe.NewMemory()
	if err != nil {
		return nil, err
	}
	defer m.Close() //nolint:errcheck // unmapping our own memory
	all, one := par.New(workers), par.New(1)
	defer all.Close()
	defer one.Close()
	s := &SpeedReport{ReadOne: m.Read(one).Giga(), ReadAll: m.Read(all).Giga()}
	for _, p := range probe.Peaks(all) {
		s.Peaks = append(s.Peaks, PeakReport{p.Kind, p.Tier, p.Rate.Giga()})
	}
	const q4k7B = 4.7 // GB that a 7B model in Q4_K_M reads for each token
	s.Meaning = fmt.Sprintf("a 7B model in Q4_K_M (%.1f GB) can answer with up to %.1f tokens/s here, a 1.5B model (1.1 GB) with up to %.0f",
		q4k7B, s.ReadAll/q4k7B, s.ReadAll/1.1)
	return s, nil
}

// Kernels lists the tiers that this program has kernels for, and the portable
// code, from the ground up.
func Kernels() []Tier {
	out := []Tier{{Name: "portable", State: "on", Supported: true, Verified: true, Why: "plain Go, always there, where nothing faster is on"}}
	byName := map[string]int{}
	for _, im := range cpu.Impls() {
		i, ok := byName[im.Name]
		if !ok {
			i = len(out)
			byName[im.Name] = i
			out = append(out, Tier{Name: im.Name, State: "unsupported", Verified: true})
		}
		t := &out[i]
		t.Supported = t.Supported || im.Supported
		t.Verified = t.Verified && im.Verified
		if im.On() {
			t.State = "on"
		} else if im.Supported && t.State != "on" {
			t.State = "off"
		}
	}
	slices.SortStableFunc(out[1:], func(a, b Tier) int { return rank(a.Name) - rank(b.Name) })
	for i := range out[1:] {
		out[i+1].Why = why(&out[i+1])
	}
	return out
}

// rank orders tiers from old to new; unknown ones come last.
func rank(name string) int {
	order := []string{"avx2", "avxvnni", "avx512", "avx512vnni", "avx512bf16", "amx"}
	if i := slices.Index(order, name); i >= 0 {
		return i
	}
	return len(order)
}

func why(t *Tier) string {
	switch {
	case t.State == "on":
		return "this processor has it"
	case !t.Supported:
		return "this processor lacks it"
	case !t.Verified:
		return "its tests have passed on no machine yet; `holdfast doctor --verify` tests it on this one and turns it on"
	}
	return "turned off by --kernels or HOLDFAST_KERNELS"
}

// advice says in plain words what could be better.
func advice(d *Diagnosis) []string {
	var out []string
	add := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	c, m := d.CPU, d.Memory
	if c.Quota > 0 && c.Quota < float64(c.Threads) {
		add("a control group limits this process to %.3g processors of %d; more would make it faster", c.Quota, c.Threads)
	}
	if c.Nodes > 1 {
		add("the machine has %d NUMA nodes: try `numactl --interleave=all holdfast ...`, or bind to one node with `numactl -N 0 -m 0`", c.Nodes)
	}
	if strings.HasPrefix(m.HugePages, "never") {
		add("huge pages are off; `echo madvise | sudo tee /sys/kernel/mm/transparent_hugepage/enabled` makes reading weights faster")
	}
	if m.CgroupLimit > 0 && m.CgroupLimit < m.Total {
		add("a control group limits memory to %d MiB of %d; models must fit into that", m.CgroupLimit>>20, m.Total>>20)
	}
	if m.Usable > 0 && m.Usable < 2<<30 {
		add("only %d MiB of memory are free, too little for any model worth having; close other programs", m.Usable>>20)
	}
	for _, t := range d.Kernels {
		if t.Supported && !t.Verified {
			add("the kernels of tier %s are off until they are tested on such a processor: run `holdfast doctor --verify` (some seconds)", t.Name)
		}
	}
	best := slices.ContainsFunc(d.Kernels[1:], func(t Tier) bool { return t.State == "on" })
	if !best {
		add("no fast kernels are used, so everything runs in plain Go, several times slower than this processor may be able to")
	}
	if s := d.Speed; s != nil && c.Workers > 1 && s.ReadAll < 1.1*s.ReadOne {
		add("all threads together read memory hardly faster than one: the bus is full, or other programs use it")
	}
	if len(out) == 0 {
		out = []string{"nothing to change"}
	}
	return out
}
