package modeltest

import (
	"fmt"
	"math"
	"slices"
	"sort"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/tensor/quant"
)

// A Reference computes logits in float64, straight from a file and the papers:
// no cache, no batches, no packed weights, and nothing of the engine's own
// reading of the metadata. It knows llama, qwen2, qwen3 and qwen3moe without
// rotary scaling.
type Reference struct {
	t                testing.TB
	f                *gguf.File
	arch             string
	embd, layers, hd int
	heads, kv        int
	experts, used    int
	eps, base        float64
	tensors          map[string][]float64
	neox             bool
}

// NewReference reads the sizes of f.
func NewReference(t testing.TB, f *gguf.File) *Reference {
	t.Helper()
	r := &Reference{t: t, f: f, arch: f.Arch(), tensors: map[string][]float64{}}
	r.embd, r.layers = r.int("embedding_length"), r.int("block_count")
	r.heads, r.kv, r.hd = r.int("attention.head_count"), r.int("attention.head_count_kv"), r.int("attention.key_length")
	r.experts, r.used = r.int("expert_count"), r.int("expert_used_count")
	r.eps, _, _ = f.Float(r.arch + ".attention.layer_norm_rms_epsilon")
	r.base, _, _ = f.Float(r.arch + ".rope.freq_base")
	r.neox = r.arch != "llama"
	return r
}

func (r *Reference) int(key string) int {
	v, _, err := r.f.Uint(r.arch + "." + key)
	if err != nil {
		r.t.Fatal(err)
	}
	return int(v)
}

// w returns a tensor's values, nil if there is none.
func (r *Reference) w(name string) []float64 {
	if x, ok := r.tensors[name]; ok {
		return x
	}
	t, ok := r.f.Tensor(name)
	if !ok {
		return nil
	}
	raw, err := r.f.Data(t)
	if err != nil {
		r.t.Fatal(err)
	}
	n := 1
	for _, d := range t.Dims {
		n *= int(d)
	}
	x := make([]float32, n)
	if err := quant.Dequantize(t.Type, x, raw); err != nil {
		r.t.Fatal(err)
	}
	r.tensors[name] = Float64s(x)
	return r.tensors[name]
}

// Logits returns the logits of every token, [tokens][vocab].
func (r *Reference) Logits(tokens []int32) []float64 {
	embed := r.w("token_embd.weight")
	x := make([][]float64, len(tokens))
	for i, tok := range tokens {
		x[i] = slices.Clone(embed[int(tok)*r.embd : (int(tok)+1)*r.embd])
	}
	for l := range r.layers {
		blk := fmt.Sprintf("blk.%d.", l)
		r.attention(x, blk)
		for _, row := range x {
			r.feedForward(row, blk)
		}
	}
	out := r.w("output.weight")
	if out == nil {
		out = embed
	}
	var logits []float64
	for _, row := range x {
		logits = append(logits, mul(out, r.norm(row, r.w("output_norm.weight")))...)
	}
	return logits
}

func (r *Reference) attention(x [][]float64, blk string) {
	n := len(x)
	q, k, v := make([][]float64, n), make([][]float64, n), make([][]float64, n)
	for i, row := range x {
		h := r.norm(row, r.w(blk+"attn_norm.weight"))
		q[i], k[i], v[i] = r.qkv(h, blk)
		r.heads64(q[i], r.w(blk+"attn_q_norm.weight"), i)
		r.heads64(k[i], r.w(blk+"attn_k_norm.weight"), i)
	}
	for i := range x {
		out := make([]float64, r.heads*r.hd)
		for h := range r.heads {
			r.head(out[h*r.hd:(h+1)*r.hd], q[i][h*r.hd:(h+1)*r.hd], k[:i+1], v[:i+1], h/(r.heads/r.kv))
		}
		add(x[i], mul(r.w(blk+"attn_output.weight"), out))
		if b := r.w(blk + "attn_output.bias"); b != nil {
			add(x[i], b)
		}
	}
}

// head is softmax(q.K/sqrt(d)) V for one query over all rows.
func (r *Reference) head(out, q []float64, k, v [][]float64, kv int) {
	scores := make([]float64, len(k))
	top := math.Inf(-1)
	for t := range k {
		for d := range q {
			scores[t] += q[d] * k[t][kv*r.hd+d]
		}
		scores[t] /= math.Sqrt(float64(r.hd))
		top = math.Max(top, scores[t])
	}
	sum := 0.0
	for t, s := range scores {
		scores[t] = math.Exp(s - top)
		sum += scores[t]
	}
	for t, p := range scores {
		for d := range out {
			out[d] += p / sum * v[t][kv*r.hd+d]
		}
	}
}

func (r *Reference) qkv(h []float64, blk string) (q, k, v []float64) {
	nq, nk := r.heads*r.hd, r.kv*r.hd
	if w := r.w(blk + "attn_qkv.weight"); w != nil {
		all := mul(w, h)
		if b := r.w(blk + "attn_qkv.bias"); b != nil {
			add(all, b)
		}
		q, k, v = all[:nq], all[nq:nq+nk], all[nq+nk:]
	} else {
		q, k, v = mul(r.w(blk+"attn_q.weight"), h), mul(r.w(blk+"attn_k.weight"), h), mul(r.w(blk+"attn_v.weight"), h)
	}
	parts := [3][]float64{q, k, v}
	for i, name := range []string{"attn_q", "attn_k", "attn_v"} {
		if b := r.w(blk + name + ".bias"); b != nil {
			add(parts[i], b)
		}
	}
	return parts[0], parts[1], parts[2]
}

// heads64 normalises (if w is given) and rotates each head of a row.
func (r *Reference) heads64(x, w []float64, pos int) {
	for h := 0; h < len(x); h += r.hd {
		head := x[h : h+r.hd]
		if w != nil {
			copy(head, r.norm(head, w))
		}
		for i := range r.hd / 2 {
			a, b := 2*i, 2*i+1
			if r.neox {
				a, b = i, i+r.hd/2
			}
			angle := float64(pos) * math.Pow(r.base, -2*float64(i)/float64(r.hd))
			sin, cos := math.Sincos(angle)
			head[a], head[b] = head[a]*cos-head[b]*sin, head[a]*sin+head[b]*cos
		}
	}
}

func (r *Reference) feedForward(x []float64, blk string) {
	h := r.norm(x, r.w(blk+"ffn_norm.weight"))
	if r.experts == 0 {
		add(x, swiglu(r.w(blk+"ffn_gate.weight"), r.w(blk+"ffn_up.weight"), r.w(blk+"ffn_down.weight"), h))
		return
	}
	p := mul(r.w(blk+"ffn_gate_inp.weight"), h)
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	sort.SliceStable(order, func(a, b int) bool { return p[order[a]] > p[order[b]] })
	sum := 0.0
	for _, e := range order[:r.used] {
		sum += math.Exp(p[e] - p[order[0]])
	}
	for _, e := range order[:r.used] {
		y := swiglu(r.part(blk+"ffn_gate_exps.weight", e), r.part(blk+"ffn_up_exps.weight", e), r.part(blk+"ffn_down_exps.weight", e), h)
		for i := range y {
			x[i] += math.Exp(p[e]-p[order[0]]) / sum * y[i]
		}
	}
}

// part returns expert e of a stacked tensor.
func (r *Reference) part(name string, e int) []float64 {
	w := r.w(name)
	n := len(w) / r.experts
	return w[e*n : (e+1)*n]
}

func (r *Reference) norm(x, w []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	inv := 1 / math.Sqrt(sum/float64(len(x))+r.eps)
	out := make([]float64, len(x))
	for i, v := range x {
		out[i] = v * inv * w[i]
	}
	return out
}

func swiglu(gate, up, down, h []float64) []float64 {
	g, u := mul(gate, h), mul(up, h)
	for i, v := range g {
		g[i] = v / (1 + math.Exp(-v)) * u[i]
	}
	return mul(down, g)
}

// mul multiplies a row-major matrix with x.
func mul(w, x []float64) []float64 {
	out := make([]float64, len(w)/len(x))
	for o := range out {
		for i, v := range x {
			out[o] += w[o*len(x)+i] * v
		}
	}
	return out
}

func add(dst, x []float64) {
	for i, v := range x {
		dst[i] += v
	}
}
