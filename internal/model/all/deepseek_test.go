package all

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/model/modeltest"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// deepseeks are random models of every architecture and layout.
var deepseeks = map[string]modeltest.DeepSeek{
	"deepseek2":        {Arch: "deepseek2"},
	"deepseek2 legacy": {Arch: "deepseek2", Legacy: true},
	"deepseek2 lite":   {Arch: "deepseek2", Lite: true},
	"deepseek2 wide":   {Arch: "deepseek2", Lite: true, Heads: 32},
	"deepseek32":       {Arch: "deepseek32"},
	"deepseek32 wide":  {Arch: "deepseek32", Heads: 32},
	"deepseek4":        {Arch: "deepseek4"},
	"deepseek41":       {Arch: "deepseek41"},
}

// TestDeepSeekInvariance: chunks, block sizes, workers (fewer and more than
// groups of heads) and mapped weights change no bit, with every kind of cache.
func TestDeepSeekInvariance(t *testing.T) {
	for name, spec := range deepseeks {
		t.Run(name, func(t *testing.T) {
			f := modeltest.OpenDeepSeek(t, spec)
			seq := tokens(75, modeltest.DeepSeekVocab)
			for _, elem := range []attend.Elem{attend.F32, attend.BF16, attend.Q8_0} {
				o := options(t, false)
				o.CacheElem = elem
				r := modeltest.NewRunner(t, f, o, 512)
				want := r.Logits(seq, 75)
				chunks, teams := []int{1, 5, 20}, []int{1, 3, 5}
				if elem != attend.F32 {
					chunks, teams = []int{3}, []int{3}
				}
				for _, chunk := range chunks {
					r.Reset()
					same(t, fmt.Sprintf("%v in chunks of %d", elem, chunk), name, r.Logits(seq, chunk), want)
				}
				for i, workers := range teams {
					o.Team = modeltest.NewTeam(t, workers)
					o.KeepMapped = workers == 3
					o.BlockTokens = []int{64, 7, 1}[i]
					r := modeltest.NewRunner(t, f, o, 512)
					same(t, fmt.Sprintf("%v by %d workers", elem, workers), name, r.Logits(seq, 75), want)
					r.Reset()
					same(t, fmt.Sprintf("%v by %d workers in chunks", elem, workers), name, r.Logits(seq, 4), want)
				}
			}
		})
	}
}

// TestDeepSeekFork: two sequences that go on from one cached prefix, in one
// batch with a third, equal sequences computed whole.
func TestDeepSeekFork(t *testing.T) {
	for name, spec := range deepseeks {
		f := modeltest.OpenDeepSeek(t, spec)
		vocab := modeltest.DeepSeekVocab
		for _, cut := range []int{1, 5, 16, 31, 48} {
			r := modeltest.NewRunner(t, f, options(t, false), 1024)
			a := tokens(70, vocab)
			b := append(append([]int32(nil), a[:cut]...), tokens(40, 50)...)
			wantA, wantB := r.Logits(a, 70), r.Logits(b, len(b))
			s := r.NewSeq()
			r.Run(&model.Batch{Seqs: []model.BatchSeq{s.Batch(a[:cut], 0)}})
			fork, other := s.Fork(), r.NewSeq()
			got := r.Forward(&model.Batch{Seqs: []model.BatchSeq{
				fork.Batch(b[cut:], len(b)-cut), other.Batch(tokens(3, vocab), 0), s.Batch(a[cut:], len(a)-cut),
			}})
			n := (len(b) - cut) * vocab
			same(t, fmt.Sprintf("the fork after %d", cut), name, got[:n], wantB[cut*vocab:])
			same(t, fmt.Sprintf("the original after %d", cut), name, got[n:], wantA[cut*vocab:])
		}
	}
}

// TestDeepSeekRewind: a sequence with state goes on only where its state is, or
// begins anew.
func TestDeepSeekRewind(t *testing.T) {
	for _, arch := range []string{"deepseek4", "deepseek41"} {
		r := modeltest.NewRunner(t, modeltest.OpenDeepSeek(t, modeltest.DeepSeek{Arch: arch}), options(t, false), 256)
		s := r.NewSeq()
		first := s.Batch(tokens(20, 90), 1)
		b := model.Batch{Seqs: []model.BatchSeq{first}}
		want := r.Forward(&b)
		for _, pos := range []int{19, 21, 5} {
			b := b
			b.Seqs = []model.BatchSeq{{Tokens: []int32{1}, Pos: pos, Blocks: first.Blocks, StateSlot: first.StateSlot}}
			err := r.Model.Forward(&b)
			if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("position %d", pos)) || !strings.Contains(err.Error(), "20 tokens") {
				t.Errorf("%s: going on at %d after 20 tokens: error %v, expected one that names both", arch, pos, err)
			}
		}
		bad := b
		bad.Seqs = []model.BatchSeq{{Tokens: []int32{1}, Blocks: first.Blocks, StateSlot: 99}}
		if err := r.Model.Forward(&bad); err == nil || !strings.Contains(err.Error(), "slot is 99") {
			t.Errorf("%s: state slot 99: error %v", arch, err)
		}
		same(t, "begun anew", arch, r.Forward(&b), want)
	}
}

// TestDeepSeekMissing: a file without a tensor or key that it needs is refused
// by an error that names it.
func TestDeepSeekMissing(t *testing.T) {
	optional := []string{"exp_probs_b.bias", "output.weight"}
	team := modeltest.NewTeam(t, 1)
	for name, spec := range deepseeks {
		whole := modeltest.OpenDeepSeek(t, spec)
		for i, tensor := range whole.Tensors() {
			if i%missingStep(t) != 0 {
				continue
			}
			spec.Drop = tensor.Name
			m, err := model.Load(modeltest.OpenDeepSeek(t, spec), model.Options{Team: team, MaxRows: 4})
			switch {
			case err == nil && (strings.HasSuffix(tensor.Name, optional[0]) || tensor.Name == optional[1] || sharesChoice(spec.Arch, tensor.Name)):
				m.Close()
			case err == nil:
				m.Close()
				t.Errorf("%s without %s was loaded", name, tensor.Name)
			case !strings.Contains(err.Error(), tensor.Name) && !strings.Contains(err.Error(), "attn_q.weight") && !strings.Contains(err.Error(), "attn_k_b.weight"):
				t.Errorf("%s without %s: error %q does not name it", name, tensor.Name, err)
			}
		}
		spec.Drop = ""
		for _, key := range neededKeys(spec) {
			spec.Keys = map[string]any{key: nil}
			_, err := model.Load(modeltest.OpenDeepSeek(t, spec), model.Options{Team: team, MaxRows: 4})
			if err == nil || !strings.Contains(err.Error(), key) {
				t.Errorf("%s without the key %s: error %v, expected one that names it", name, key, err)
			}
		}
	}
}

// missingStep says that only one tensor in so many is left out in turn: all in long
// tests, which HOLDFAST_LONG asks for.
func missingStep(t *testing.T) int {
	t.Helper()
	if os.Getenv("HOLDFAST_LONG") != "" {
		return 1
	}
	return 3
}

// sharesChoice: in deepseek41 the last layer may do without an indexer of its own.
func sharesChoice(arch, tensor string) bool {
	return arch == "deepseek41" && strings.HasPrefix(tensor, "blk.3.indexer.")
}

func neededKeys(s modeltest.DeepSeek) []string {
	keys := []string{"context_length", "embedding_length", "block_count", "attention.head_count", "attention.layer_norm_rms_epsilon"}
	indexer := []string{"attention.indexer.head_count", "attention.indexer.key_length", "attention.indexer.top_k"}
	switch s.Arch {
	case "deepseek2":
		return append(keys, "attention.kv_lora_rank")
	case "deepseek32":
		return append(append(keys, "attention.kv_lora_rank"), indexer...)
	}
	keys = append(append(keys, indexer...), "attention.q_lora_rank", "attention.sliding_window", "attention.output_group_count",
		"attention.output_lora_rank", "attention.compress_ratios", "attention.compress_rope_freq_base",
		"hyper_connection.count", "hyper_connection.sinkhorn_iterations", "hyper_connection.epsilon", "expert_count")
	if s.Arch == "deepseek41" {
		keys = append(keys, "engram.multipliers", "engram.token_map", "engram.primes", "engram.head_count")
	}
	return keys
}

// TestDeepSeekPlan: the plan says what loading allocates.
func TestDeepSeekPlan(t *testing.T) {
	for name, spec := range deepseeks {
		for _, exact := range []bool{false, true} {
			f := modeltest.OpenDeepSeek(t, spec)
			o := options(t, exact)
			po := o
			po.Team, po.Workers = nil, o.Team.Size()
			plan, err := model.Plan(f, po)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m, err := model.Load(f, o)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if diff := cmp.Diff(m.Memory(), plan.Parts); diff != "" {
				t.Errorf("%s: the model has, the plan says (-+):\n%s", name, diff)
			}
			spec := m.CacheSpec()
			if got, want := int64(spec.BlockBytes), plan.PerToken(attend.F32)*int64(spec.BlockTokens); got > want || got < want-int64(spec.BlockTokens) {
				t.Errorf("%s: a block of the cache has %d bytes, planned were %d", name, got, want)
			}
			m.Close()
		}
	}
}

// TestDeepSeekAllocatesNothing: after the first calls Forward allocates nothing.
func TestDeepSeekAllocatesNothing(t *testing.T) {
	for name, spec := range deepseeks {
		o := options(t, false)
		o.MaxRows = 260 // long enough to rebuild keys and values
		r := modeltest.NewRunner(t, modeltest.OpenDeepSeek(t, spec), o, 4096)
		vocab := modeltest.DeepSeekVocab
		long := r.NewSeq()
		chunks := 1
		if spec.Arch == "deepseek2" {
			chunks = 5 // past the end of one part of a split softmax
		}
		for range chunks {
			r.Run(&model.Batch{Seqs: []model.BatchSeq{long.Batch(tokens(250, vocab), 0)}})
		}
		seqs := make([]model.BatchSeq, 1)
		b := &model.Batch{Seqs: seqs}
		one, some, many := tokens(1, vocab), tokens(20, vocab), tokens(257, vocab)
		decode := long.Batch(one, 1)
		fresh := r.NewSeq().Batch(many, 1)
		run := func(what string, f func()) {
			f()
			if n := allocs(f); n != 0 {
				t.Errorf("%s: %s allocates %d times", name, what, n)
			}
		}
		run("decode", func() {
			seqs[0] = decode
			r.Run(b)
			decode.Pos++ // the block has room for a few more
		})
		run("prefill", func() { seqs[0] = fresh; r.Run(b) })
		fresh.Tokens = some
		run("short prefill", func() { seqs[0] = fresh; r.Run(b) })
	}
}
