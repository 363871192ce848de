package cli

import (
	"context"
	"encoding/csv"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/pprof"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/model"
)

// benchOptions are the flags of bench.
type benchOptions struct {
	raw                      app.RawOptions
	shape, quant             string
	prompts, depths, batches ints
	tokens, runs             int
	json, csv                bool
	profile                  string // file for a CPU profile
}

const benchHelp = `Measure how fast prompts are read and answers are made: for each length of prompt,
for each depth (tokens of conversation that are there already) and for each batch
(conversations that run together). Each result is also given as a share of what this
machine can do at best, measured in the same run: decoding is bound by reading the
weights and the cache from memory, prompts are bound by arithmetic.

--shape makes random weights in a known model's shape (in a temporary file of the
model's size), so that nothing must be downloaded to know how fast a model would be. A
slice has the widths of a model that is too large for most machines, with few layers.
At a depth the cache holds random numbers.`

func newBench(a *app.App) *cobra.Command {
	o := benchOptions{prompts: ints{128, 512}, depths: ints{0, 2048}, batches: ints{1, 4}, tokens: 32, runs: 5}
	cmd := &cobra.Command{
		Use:   "bench MODEL | --shape NAME",
		Short: "Measure speed, as a share of what the machine can do",
		Long:  benchHelp,
		Example: `  holdfast bench m.gguf
  holdfast bench --shape r1-7b --quant q8_0 --json
  holdfast bench starter --prompt 32,512 --depth 0 --batch 1,2,4,8 --csv`,
		Args: args(0, 1, "MODEL, or holdfast bench --shape NAME"),
		RunE: func(cmd *cobra.Command, list []string) error {
			r, err := o.run(cmd.Context(), a, list)
			if err != nil {
				return asCanceled(cmd.Context(), err)
			}
			switch {
			case o.json:
				return printJSON(a.IO.Out, r)
			case o.csv:
				return r.writeCSV(a.IO.Out)
			}
			r.print(a.IO.Out, styleOf(a, a.IO.OutTerminal))
			return nil
		},
	}
	f := cmd.Flags()
	choiceFlag(cmd, &o.shape, "shape", shapeNames(), "random weights in the shape of a known model")
	choiceFlag(cmd, &o.quant, "quant", quantNames, "with --shape: the quantization; a model's usual one if not given")
	f.Var(&o.prompts, "prompt", "lengths of prompts, in tokens")
	f.Var(&o.depths, "depth", "tokens of conversation before")
	f.Var(&o.batches, "batch", "conversations that decode together")
	intFlag(cmd, &o.tokens, "tokens", 1, 1<<16, "tokens to decode in each run")
	intFlag(cmd, &o.runs, "runs", 1, 1000, "runs of each test; the median counts")
	intFlag(cmd, &o.raw.Threads, "threads", 0, 1024, "threads that compute; 0 for one per core")
	choiceFlag(cmd, &o.raw.KVType, "kv-type", kvTypes, kvHelp)
	f.BoolVar(&o.raw.Deterministic, "deterministic", false, "the same bits whatever the size of a prompt's pieces")
	f.BoolVar(&o.raw.Exact, "exact", false, "measure the exact path")
	f.StringVar(&o.profile, "profile", "", "write a CPU profile of the measured runs to this file, for go tool pprof")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	f.BoolVar(&o.csv, "csv", false, "print comma-separated values")
	return cmd
}

// An ints is a flag with several whole numbers: 1,2,4.
type ints []int

// String returns the numbers, separated by commas.
func (v *ints) String() string {
	return strings.Trim(strings.ReplaceAll(fmt.Sprint([]int(*v)), " ", ","), "[]")
}

// Type returns what help calls the value.
func (v *ints) Type() string { return "N,N" }

// Set replaces the numbers.
func (v *ints) Set(text string) error {
	var out ints
	for s := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 0 || n > 1<<20 {
			return fmt.Errorf("must be whole numbers from 0 to %d, separated by commas", 1<<20)
		}
		out = append(out, n)
	}
	*v = out
	return nil
}

// open returns the file to measure.
func (o *benchOptions) open(a *app.App, list []string) (f *gguf.File, name string, remove func(), err error) {
	remove = func() {}
	if (len(list) == 1) == (o.shape != "") {
		return nil, "", remove, &app.UsageError{Message: "give either a MODEL or --shape NAME", Hint: "shapes: " + strings.Join(shapeNames(), ", ")}
	}
	if o.shape == "" {
		f, err = a.File(list[0])
		return f, list[0], remove, err
	}
	s, err := shapeOf(o.shape)
	if err != nil {
		return nil, "", remove, err
	}
	quantName := o.quant
	if quantName == "" {
		quantName = s.usual()
	}
	w, err := s.writer(quantName)
	if err != nil {
		return nil, "", remove, err
	}
	f, remove, err = openShape(s.name, w)
	return f, s.full, remove, err
}

// openShape writes a file of random weights and opens it. It is a file so that
// what loading has read of it can be forgotten when memory is short. Where the
// system allows it the file loses its name at once; remove tries again.
func openShape(name string, w *gguf.Writer) (f *gguf.File, remove func(), err error) {
	dir, err := os.MkdirTemp("", "holdfast-bench-")
	if err != nil {
		return nil, func() {}, fmt.Errorf("bench: %w", err)
	}
	remove = func() { _ = os.RemoveAll(dir) } // nothing to be done about what is left
	path := filepath.Join(dir, name+".gguf")
	if err = w.WriteFile(path); err == nil {
		f, err = gguf.Open(path)
	}
	remove()
	return f, remove, err
}

func (o *benchOptions) run(ctx context.Context, a *app.App, list []string) (*benchReport, error) {
	if slices.Contains(o.prompts, 0) || slices.Contains(o.batches, 0) || slices.Max(o.batches) > model.DefaultMaxRows/16 {
		return nil, &app.UsageError{Message: fmt.Sprintf("--prompt must be at least 1, --batch from 1 to %d", model.DefaultMaxRows/16)}
	}
	f, name, remove, err := o.open(a, list)
	defer remove()
	if err != nil {
		return nil, err
	}
	work, err := newWorkload(f, o.raw.KV(f.Arch()))
	if err != nil {
		return nil, firstErr(err, f.Close())
	}
	rep := &benchReport{Model: benchModel{Name: name, Architecture: f.Arch(), KVType: o.raw.KV(f.Arch()), Random: o.shape != ""}}
	rep.Model.Types, rep.Model.Bytes, rep.Model.Parameters = typesOf(f)
	o.raw.Seqs = slices.Max(o.batches)
	o.raw.Context = slices.Max(o.depths) + max(slices.Max(o.prompts), o.tokens)
	bar := loading(a)
	o.raw.Progress = bar.update
	raw, err := app.NewRaw(f, o.raw)
	bar.end()
	if err != nil {
		return nil, firstErr(a.Explain(name, err), f.Close())
	}
	err = o.measure(ctx, a, rep, raw, work)
	return rep, firstErr(err, raw.Close())
}

// measure measures the machine, and then runs every test.
func (o *benchOptions) measure(ctx context.Context, a *app.App, rep *benchReport, raw *app.Raw, work *workload) error {
	d, err := app.Diagnose(true)
	if err != nil {
		return err
	}
	rep.Machine = benchMachine{CPUReport: d.CPU, UsedThreads: raw.Team.Size(), Speed: d.Speed}
	for _, t := range d.Kernels {
		if t.State == "on" {
			rep.Machine.Kernels = append(rep.Machine.Kernels, t.Name)
		}
	}
	raw.Touch()
	stop, err := profile(o.profile)
	if err != nil {
		return err
	}
	return firstErr(o.tests(ctx, a, rep, raw, work), stop())
}

// profile starts a CPU profile, if path says where to, and returns how to stop it.
func profile(path string) (stop func() error, err error) {
	if path == "" {
		return func() error { return nil }, nil
	}
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return func() error {
		pprof.StopCPUProfile()
		return f.Close()
	}, nil
}

// tests runs every test.
func (o *benchOptions) tests(ctx context.Context, a *app.App, rep *benchReport, raw *app.Raw, work *workload) error {
	b := &bench{raw: raw, work: work, machine: &rep.Machine, runs: o.runs, tokens: make([]int32, 4*model.DefaultMaxRows)}
	for i := range b.tokens {
		b.tokens[i] = rand.Int32N(int32(raw.Model.Config().Vocab))
	}
	bar := newBar(a, "measuring", func(n int64) string { return fmt.Sprint(n) })
	defer bar.end()
	all, done := int64(len(o.depths)*(len(o.prompts)+len(o.batches))), int64(0)
	add := func(r benchResult, err error) error {
		done++
		bar.update(done, all)
		rep.Results = append(rep.Results, r)
		return err
	}
	for _, depth := range o.depths {
		for _, n := range o.prompts {
			if err := add(b.prompt(ctx, n, depth)); err != nil {
				return err
			}
		}
		for _, batch := range o.batches {
			if err := add(b.decode(ctx, o.tokens, depth, batch)); err != nil {
				return err
			}
		}
	}
	return nil
}

// print writes the table.
func (r *benchReport) print(w io.Writer, st style) {
	m := r.Machine
	fmt.Fprintf(w, "%s: %s, %s, %s\n", st.bold(printable(r.Model.Name)), r.Model.Types, bytesText(r.Model.Bytes), countText(r.Model.Parameters)+" parameters")
	fmt.Fprintf(w, "%s: %d threads, kernels %s", or(m.Model, "processor not known"), m.UsedThreads, strings.Join(m.Kernels, " "))
	if s := m.Speed; s != nil {
		fmt.Fprintf(w, "; reads %.1f GB/s", s.ReadAll)
		for _, p := range s.Peaks {
			fmt.Fprintf(w, ", %s %.0f Gop/s", p.Kind, p.Gops)
		}
	}
	fmt.Fprint(w, "\n\n")
	rows := [][]string{{"test", "tokens", "depth", "batch", "tokens/s", "spread", "MB/token", "of bandwidth", "of peak"}}
	for _, x := range r.Results {
		rows = append(rows, []string{
			x.Test, fmt.Sprint(x.Tokens), fmt.Sprint(x.Depth), fmt.Sprint(x.Batch), fmt.Sprintf("%.1f", x.Median), spread(x.Runs),
			fmt.Sprintf("%.1f", x.BytesPerToken/1e6), fmt.Sprintf("%.0f%%", 100*x.BandwidthShare), fmt.Sprintf("%.0f%%", 100*x.PeakShare),
		})
	}
	table(w, "", rows)
}

// spread is the distance of the slowest and the fastest run.
func spread(runs []float64) string {
	if len(runs) == 0 {
		return ""
	}
	return fmt.Sprintf("%.1f..%.1f", slices.Min(runs), slices.Max(runs))
}

func (r *benchReport) writeCSV(w io.Writer) error {
	out := csv.NewWriter(w)
	_ = out.Write([]string{"model", "test", "tokens", "depth", "batch", "median", "runs", "bytes_per_token", "bandwidth_share", "peak_share"}) // Error tells
	g := func(v float64) string { return strconv.FormatFloat(v, 'g', 6, 64) }
	for _, x := range r.Results {
		var runs []string
		for _, v := range x.Runs {
			runs = append(runs, g(v))
		}
		_ = out.Write([]string{
			r.Model.Name, x.Test, strconv.Itoa(x.Tokens), strconv.Itoa(x.Depth), strconv.Itoa(x.Batch), g(x.Median),
			strings.Join(runs, " "), g(x.BytesPerToken), g(x.BandwidthShare), g(x.PeakShare),
		})
	}
	out.Flush()
	return out.Error()
}
