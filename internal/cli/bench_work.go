package cli

import (
	"math"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
	"github.com/holdfast-llm/holdfast/internal/tensor/kernel/attend"
)

// A workload is what a model reads and computes for each step.
type workload struct {
	tensors []gguf.Tensor
	tied    bool
	experts int
	used    int
	context func(depth int) int64 // cache bytes that one row reads
	chooses func(depth int) bool  // whether an indexer has more rows than it may keep
}

func newWorkload(f *gguf.File, kv string) (*workload, error) {
	p, err := model.Plan(f, model.Options{Workers: 1})
	if err != nil {
		return nil, &app.ModelError{Err: err}
	}
	w := &workload{tensors: f.Tensors(), experts: p.Config.MoE.Experts, used: p.Config.MoE.Used}
	_, separate := f.Tensor("output.weight")
	w.tied = !separate
	elem, err := attend.ParseElem(kv)
	if err != nil {
		return nil, err
	}
	s := &sparse{elem: elem, layers: p.Config.Layers, perToken: p.PerToken(elem)}
	s.read(f)
	w.context, w.chooses = s.bytes, s.chooses
	return w, nil
}

// A sparse says what a row reads of the cache where that is not all of it.
type sparse struct {
	elem     attend.Elem
	layers   int
	perToken int64
	topK     int
	key      int // elements of an indexer's key; 0 without indexers
	row      int // elements of a row (deepseek4)
	window   int
	ratios   []int64 // of the layers (deepseek4)
}

func (s *sparse) read(f *gguf.File) {
	number := func(key string) int {
		n, _, _ := f.Uint(f.Arch() + ".attention." + key) // was read by Plan before
		return int(n)
	}
	s.topK, s.key = number("indexer.top_k"), number("indexer.key_length")
	if s.ratios, _, _ = f.Ints(f.Arch() + ".attention.compress_ratios"); len(s.ratios) > s.layers {
		s.ratios = s.ratios[:s.layers]
	}
	s.row, s.window = number("key_length"), number("sliding_window")
}

// bytes returns the cache bytes that a row behind depth others reads. With an
// indexer it reads all keys, but no more than topK rows.
func (s *sparse) bytes(depth int) int64 {
	key := int64(0)
	if s.key > 0 {
		elem := s.elem
		if elem == attend.Q8_0 {
			elem = attend.BF16 // keys are never in blocks
		}
		key = int64(elem.RowBytes(s.key))
	}
	switch n := int64(depth); {
	case s.key == 0:
		return n * s.perToken
	case s.ratios == nil:
		keys := int64(s.layers) * key
		return n*keys + min(n, int64(s.topK))*(s.perToken-keys)
	default:
		row, sum := int64(s.elem.RowBytes(s.row)), int64(0)
		for _, ratio := range s.ratios {
			sum += min(n, int64(s.window)) * row
			switch {
			case ratio == overlapping:
				sum += n/ratio*key + min(n/ratio, int64(s.topK))*row
			case ratio > 0:
				sum += n / ratio * row
			}
		}
		return sum
	}
}

// chooses reports whether a row behind depth others has more rows to see than an
// indexer keeps: up to there its queries are not needed.
func (s *sparse) chooses(depth int) bool {
	if s.ratios != nil {
		depth /= overlapping
	}
	return s.key > 0 && depth >= s.topK
}

// asks reports whether a tensor is for the queries of an indexer.
func asks(name string) bool {
	return strings.HasSuffix(name, ".indexer.attn_q_b.weight") || strings.HasSuffix(name, ".indexer.proj.weight")
}

// looksUp reports whether of a tensor a row of the batch uses one row: nothing, as
// far as bandwidth goes.
func looksUp(name string) bool { return strings.HasSuffix(name, ".ffn_gate_tid2eid.weight") }

// share returns how much of a tensor a step of so many rows uses: all of it, but
// for the embedding, of which a row uses one row, and for experts, of which the
// rows use as many as a random choice would.
func (w *workload) share(name string, rows int) float64 {
	switch {
	case strings.HasPrefix(name, "token_embd") && !w.tied, looksUp(name):
		return 0
	case strings.Contains(name, "_exps.") && w.experts > 0:
		return 1 - math.Pow(1-float64(w.used)/float64(w.experts), float64(rows))
	}
	return 1
}

// bytes returns what a step reads: weights once, and each sequence its cache.
func (w *workload) bytes(rows, seqs, depth int) float64 {
	sum := float64(seqs) * float64(w.context(depth))
	for i := range w.tensors {
		if asks(w.tensors[i].Name) && !w.chooses(depth) {
			continue
		}
		sum += w.share(w.tensors[i].Name, rows) * float64(w.tensors[i].Size)
	}
	return sum
}

// ops returns the operations of one token in matrix products: two for each weight
// that it meets. The output is computed for the last token of a prompt only.
func (w *workload) ops(prompt bool) float64 {
	sum := 0.0
	for i := range w.tensors {
		t := &w.tensors[i]
		output := strings.HasPrefix(t.Name, "output.") || w.tied && strings.HasPrefix(t.Name, "token_embd")
		if len(t.Dims) < 2 || prompt && output || looksUp(t.Name) {
			continue
		}
		sum += 2 * w.share(t.Name, 1) * float64(t.Elems())
	}
	return sum
}
