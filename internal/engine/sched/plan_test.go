package sched

import (
	"fmt"
	"strings"
	"testing"

	"github.com/cockroachdb/datadriven"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
)

// TestScripts runs testdata: each file is a story of requests and steps.
//
//	pool blocks=N block-size=N seqs=N rows=N [slots=N]
//	add id=a prompt=N max=N [shared-with=b:N] [group=g] [user=u] [priority=N] [ns=n]
//	step [budget=N] [times=N]
//	cancel id=a
//	queue
//	priority id=a to=N
//	hold id=a [off]
//	fork id=a of=b max=N
func TestScripts(t *testing.T) {
	datadriven.Walk(t, "testdata", func(t *testing.T, path string) {
		s := &script{jobs: map[string]*job{}}
		datadriven.RunTest(t, path, func(t *testing.T, d *datadriven.TestData) string {
			switch d.Cmd {
			case "pool":
				s.pool(t, d)
				return ""
			case "add":
				s.add(t, d)
				return ""
			case "cancel":
				var id string
				d.ScanArgs(t, "id", &id)
				s.d.remove(s.jobs[id])
				return s.gauges()
			case "step":
				return s.step(t, d)
			case "queue":
				return s.queue()
			case "priority":
				s.d.sch.SetPriority(&s.job(t, d, "id").Seq, scanInt(t, d, "to"))
				return ""
			case "hold":
				s.job(t, d, "id").Hold = !d.HasArg("off")
				return ""
			case "fork":
				return s.fork(t, d)
			}
			d.Fatalf(t, "unknown command %s", d.Cmd)
			return ""
		})
	})
}

type script struct {
	d    *driver
	jobs map[string]*job
	next int32 // a token that no prompt has yet
}

func (s *script) pool(t *testing.T, d *datadriven.TestData) {
	var blocks, size, slots int
	c := Config{MaxSeqs: 4, MaxRows: 64}
	d.ScanArgs(t, "blocks", &blocks)
	d.ScanArgs(t, "block-size", &size)
	d.MaybeScanArgs(t, "seqs", &c.MaxSeqs)
	d.MaybeScanArgs(t, "rows", &c.MaxRows)
	d.MaybeScanArgs(t, "slots", &slots)
	c.MaxOutputs = c.MaxSeqs
	d.MaybeScanArgs(t, "outputs", &c.MaxOutputs)
	var err error
	if s.d, err = newDriver(enginetest.New(5000, 1000, size, slots > 0), c, blocks, slots); err != nil {
		d.Fatalf(t, "%v", err)
	}
}

func (s *script) add(t *testing.T, d *datadriven.TestData) {
	j := &job{}
	var n int
	var shared string
	d.ScanArgs(t, "id", &j.name)
	d.ScanArgs(t, "prompt", &n)
	d.ScanArgs(t, "max", &j.max)
	d.MaybeScanArgs(t, "shared-with", &shared)
	d.MaybeScanArgs(t, "user", &j.User)
	d.MaybeScanArgs(t, "group", &j.Group)
	d.MaybeScanArgs(t, "priority", &j.Priority)
	d.MaybeScanArgs(t, "ns", &j.Namespace)
	if with, count, ok := strings.Cut(shared, ":"); ok {
		var k int
		fmt.Sscan(count, &k)
		j.Tokens = append(j.Tokens, s.jobs[with].Tokens[:k]...)
	}
	for len(j.Tokens) < n {
		s.next++
		j.Tokens = append(j.Tokens, s.next)
	}
	s.jobs[j.name] = j
	s.d.add(j)
}

func scanInt(t *testing.T, d *datadriven.TestData, name string) (n int) {
	d.ScanArgs(t, name, &n)
	return n
}

func (s *script) job(t *testing.T, d *datadriven.TestData, arg string) *job {
	var id string
	d.ScanArgs(t, arg, &id)
	return s.jobs[id]
}

// queue lists who waits, in the order of admission.
func (s *script) queue() string {
	var out strings.Builder
	s.d.sch.Ahead(func(q *Seq, ahead int) { fmt.Fprintf(&out, "%d %s\n", ahead, q.Data.(*job).name) })
	if out.Len() == 0 {
		return "empty\n"
	}
	return out.String()
}

// fork lets a new job go on from where another stands.
func (s *script) fork(t *testing.T, d *datadriven.TestData) string {
	parent := s.job(t, d, "of")
	j := &job{prompt: len(parent.Tokens), max: scanInt(t, d, "max")}
	d.ScanArgs(t, "id", &j.name)
	j.Tokens, j.LogitsFrom, j.User, j.Data = append(j.Tokens, parent.Tokens...), parent.LogitsFrom, parent.User, j
	a, ok := s.d.sch.Fork(&j.Seq, &parent.Seq)
	if !ok {
		return "no room\n"
	}
	s.jobs[j.name] = j
	s.d.live = append(s.d.live, j)
	s.d.copyFor(Admission{&j.Seq, a})
	return s.gauges()
}

func (s *script) step(t *testing.T, d *datadriven.TestData) string {
	budget, times := 64, 1
	d.MaybeScanArgs(t, "budget", &budget)
	d.MaybeScanArgs(t, "times", &times)
	var out strings.Builder
	for range times {
		if err := s.d.step(budget); err != nil {
			d.Fatalf(t, "%v", err)
		}
		out.WriteString(s.describe())
	}
	return out.String() + s.gauges()
}

// describe writes the last plan in one line.
func (s *script) describe() string {
	cached := map[*Seq]int{}
	for _, a := range s.d.plan.Admitted {
		cached[a.Seq] = a.Attach.Cached
	}
	var parts []string
	for _, q := range s.d.plan.Preempted {
		parts = append(parts, "preempt "+q.Data.(*job).name)
	}
	for i, w := range s.d.plan.Work {
		name := w.Seq.Data.(*job).name
		what := "prefill"
		if i < s.d.plan.Decodes {
			what = "decode"
		}
		part := fmt.Sprintf("%s %s %d", name, what, w.N)
		if n := cached[w.Seq]; n > 0 {
			part += fmt.Sprintf(" (cached %d)", n)
		}
		parts = append(parts, part)
	}
	return "plan: " + strings.Join(parts, ", ") + "\n"
}

func (s *script) gauges() string {
	st := s.d.pool.Stats()
	return fmt.Sprintf("pool: used %d free %d cached %d; waiting %d\n", st.Used, st.Free, st.Cached, s.d.sch.Waiting())
}

func TestPlanAllocatesNothing(t *testing.T) {
	d, err := newDriver(enginetest.New(50, 1000, 16, false), Config{MaxSeqs: 4, MaxRows: 64, MaxOutputs: 4}, 400, 0)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		j := &job{name: fmt.Sprint(i), max: 900}
		j.Tokens = append(make([]int32, 0, 1000), int32(i), 2, 3)
		d.add(j)
	}
	for range 20 {
		if err := d.step(64); err != nil {
			t.Fatal(err)
		}
	}
	var p Plan
	n := testing.AllocsPerRun(100, func() { d.sch.Plan(&p, 64) })
	if n > 0 {
		t.Errorf("%v allocations per plan", n)
	}
}
