package sched

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/engine/engine/enginetest"
)

// TestScheduleNeverChangesTheAnswer runs the same requests under random
// budgets, pool sizes, arrivals, priorities and cancellations. Every sequence
// must give the tokens that it gives alone, and every one must finish.
func TestScheduleNeverChangesTheAnswer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		state := rapid.Bool().Draw(t, "state")
		m := enginetest.New(50, 40, rapid.IntRange(1, 5).Draw(t, "block"), state)
		maxSeqs := rapid.IntRange(1, 5).Draw(t, "seqs")
		slots := 0
		if state {
			slots = maxSeqs + rapid.IntRange(0, 4).Draw(t, "snapshots")
		}
		need := (40 + m.Spec.BlockTokens - 1) / m.Spec.BlockTokens
		d, err := newDriver(m, Config{
			MaxSeqs: maxSeqs, MaxRows: maxSeqs + rapid.IntRange(0, 30).Draw(t, "rows"), MaxOutputs: maxSeqs + rapid.IntRange(0, 10).Draw(t, "outputs"),
		}, need+rapid.IntRange(0, 2*need).Draw(t, "blocks"), slots)
		if err != nil {
			t.Fatal(err)
		}
		jobs := drawJobs(t)
		var all []*job
		for step := 0; len(jobs) > 0 || len(d.live) > 0; step++ {
			for len(jobs) > 0 && (len(d.live) == 0 || rapid.Bool().Draw(t, "arrives")) {
				d.add(jobs[0])
				all, jobs = append(all, jobs[0]), jobs[1:]
			}
			if len(d.live) > 0 && rapid.IntRange(0, 15).Draw(t, "cancels") == 0 {
				d.remove(d.live[rapid.IntRange(0, len(d.live)-1).Draw(t, "which")])
			}
			if len(d.live) == 0 {
				continue
			}
			if err := d.step(rapid.IntRange(1, 30).Draw(t, "prefill")); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			if step > 3000 {
				t.Fatalf("%d sequences never finish", len(d.live))
			}
		}
		for _, j := range all {
			want := append(slices.Clone(j.Tokens[:j.prompt]), m.Continue(j.Tokens[:j.prompt], len(j.Tokens)-j.prompt)...)
			if !slices.Equal(want, j.Tokens) {
				t.Fatalf("%s: tokens %v, want %v", j.name, j.Tokens, want)
			}
		}
		if st := d.pool.Stats(); st.Used != 0 || st.SlotsUsed != 0 {
			t.Fatalf("blocks or slots are left over: %+v", st)
		}
		for group, g := range d.sch.groups {
			active, running := 0, 0
			for _, u := range g.members {
				active, running = active+u.active, running+u.running
			}
			if active != 0 || running != 0 || g.active != 0 || g.running != 0 {
				t.Fatalf("group %s has %d sequences left, its users %d", group, g.active, active)
			}
		}
	})
}

// drawJobs draws requests that share beginnings, as chats do.
func drawJobs(t *rapid.T) []*job {
	var jobs []*job
	for i := range rapid.IntRange(1, 8).Draw(t, "jobs") {
		prompt := rapid.SliceOfN(rapid.Int32Range(0, 1), 1, 25).Draw(t, "prompt")
		if rapid.Bool().Draw(t, "common") {
			prompt = append([]int32{1, 1, 0, 1, 0, 0, 1, 1, 1}, prompt...)
		}
		jobs = append(jobs, &job{
			name: fmt.Sprintf("job %d", i), max: rapid.IntRange(0, 40-len(prompt)).Draw(t, "max"),
			Seq: Seq{
				Tokens: prompt, User: rapid.SampledFrom([]string{"a", "b"}).Draw(t, "user"),
				Priority: rapid.IntRange(0, 1).Draw(t, "priority"), Namespace: rapid.SampledFrom([]string{"", "", "n"}).Draw(t, "ns"),
			},
		})
	}
	return jobs
}
