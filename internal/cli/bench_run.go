package cli

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// A benchReport is the object of --json.
type benchReport struct {
	Machine benchMachine  `json:"machine"`
	Model   benchModel    `json:"model"`
	Results []benchResult `json:"results"`
}

// A benchMachine is where it was measured, with the two limits measured in the
// same run.
type benchMachine struct {
	app.CPUReport
	UsedThreads int              `json:"used_threads"`
	Speed       *app.SpeedReport `json:"speed"`
	Kernels     []string         `json:"kernels"` // tiers that were on
}

// A benchModel is what was measured.
type benchModel struct {
	Name         string `json:"name"`
	Architecture string `json:"architecture"`
	Types        string `json:"types"`
	Bytes        int64  `json:"bytes"`
	Parameters   int64  `json:"parameters"`
	KVType       string `json:"kv_type"`
	Random       bool   `json:"random_weights"`
}

// A benchResult is one row: prompts of so many tokens, or so many tokens decoded,
// after depth tokens that are in the cache already.
type benchResult struct {
	Test           string    `json:"test"` // "prompt" or "decode"
	Tokens         int       `json:"tokens"`
	Depth          int       `json:"depth"`
	Batch          int       `json:"batch"`
	Runs           []float64 `json:"runs"` // tokens per second, of all sequences together
	Median         float64   `json:"median"`
	BytesPerToken  float64   `json:"bytes_per_token"`
	BandwidthShare float64   `json:"bandwidth_share"` // of the measured read bandwidth
	PeakShare      float64   `json:"peak_share"`      // of the measured arithmetic peak
}

// A bench measures one loaded model.
type bench struct {
	raw     *app.Raw
	work    *workload
	machine *benchMachine
	runs    int
	tokens  []int32 // any, to fill rows with
}

// prompt measures reading n tokens behind depth others.
func (b *bench) prompt(ctx context.Context, n, depth int) (benchResult, error) {
	r := benchResult{Test: "prompt", Tokens: n, Depth: depth, Batch: 1}
	steps := (n + model.DefaultMaxRows - 1) / model.DefaultMaxRows
	err := b.repeat(ctx, &r, n, func() error {
		b.raw.Jump(0, depth)
		for at := 0; at < n; at += model.DefaultMaxRows {
			rows := min(model.DefaultMaxRows, n-at)
			want := 0
			if at+rows == n {
				want = 1
			}
			if _, err := b.raw.Forward(app.Row{Pos: depth + at, Tokens: b.fill(rows, at), Logits: want}); err != nil {
				return err
			}
		}
		return nil
	})
	r.BytesPerToken = float64(steps) * b.work.bytes(min(n, model.DefaultMaxRows), 1, depth) / float64(n)
	b.shares(&r, b.work.ops(true))
	return r, err
}

// decode measures n tokens for each of batch sequences, each behind depth others.
func (b *bench) decode(ctx context.Context, n, depth, batch int) (benchResult, error) {
	r := benchResult{Test: "decode", Tokens: n, Depth: depth, Batch: batch}
	rows := make([]app.Row, batch)
	err := b.repeat(ctx, &r, n*batch, func() error {
		for s := range rows {
			b.raw.Jump(s, depth)
		}
		for i := range n {
			for s := range rows {
				rows[s] = app.Row{Seq: s, Pos: depth + i, Tokens: b.fill(1, i*batch+s), Logits: 1}
			}
			if _, err := b.raw.Forward(rows...); err != nil {
				return err
			}
			if err := ctx.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	r.BytesPerToken = b.work.bytes(batch, batch, depth+n/2) / float64(batch)
	b.shares(&r, b.work.ops(false))
	return r, err
}

// fill returns n token ids, not always the same.
func (b *bench) fill(n, at int) []int32 {
	at %= len(b.tokens) - n
	return b.tokens[at : at+n]
}

// repeat runs f once to warm up and then for every run.
func (b *bench) repeat(ctx context.Context, r *benchResult, tokens int, f func() error) error {
	for i := -1; i < b.runs; i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		start := time.Now()
		if err := f(); err != nil {
			return err
		}
		if i >= 0 {
			r.Runs = append(r.Runs, float64(tokens)/time.Since(start).Seconds())
		}
	}
	r.Median = median(r.Runs)
	return nil
}

// shares relates a result to the limits of the machine.
func (b *bench) shares(r *benchResult, ops float64) {
	if s := b.machine.Speed; s != nil {
		if s.ReadAll > 0 {
			r.BandwidthShare = r.Median * r.BytesPerToken / (s.ReadAll * 1e9)
		}
		best := 0.0
		for _, p := range s.Peaks {
			best = max(best, p.Gops)
		}
		if best > 0 {
			r.PeakShare = r.Median * ops / (best * 1e9)
		}
	}
}

func median(v []float64) float64 {
	if len(v) == 0 {
		return 0
	}
	s := slices.Clone(v)
	slices.Sort(s)
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// typesOf names the quantization types of a file, the largest share first.
func typesOf(f *gguf.File) (types string, bytes, params int64) {
	size := map[string]int64{}
	for _, t := range f.Tensors() {
		size[t.Type.String()] += t.Size
		bytes += t.Size
		params += int64(t.Elems())
	}
	var names []string
	for n := range size {
		names = append(names, n)
	}
	slices.SortFunc(names, func(x, y string) int { return int(min(max(size[y]-size[x], -1), 1)) })
	return fmt.Sprint(strings.Join(names, " ")), bytes, params
}
