package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/platform/plan"
)

// An inspection is what inspect prints, and the object of its --json.
type inspection struct {
	Model          string   `json:"model"`
	Name           string   `json:"name"`
	Architecture   string   `json:"architecture"`
	License        string   `json:"license"`
	Files          []string `json:"files"`
	FileBytes      int64    `json:"file_bytes"`
	Parameters     int64    `json:"parameters"`
	Layers         int      `json:"layers"`
	Embedding      int      `json:"embedding"`
	Heads          int      `json:"heads"`
	KVHeads        int      `json:"kv_heads"`
	Experts        int      `json:"experts,omitempty"`
	ExpertsUsed    int      `json:"experts_used,omitempty"`
	Vocabulary     int      `json:"vocabulary"`
	TrainedContext int      `json:"trained_context"`
	Types          []mix    `json:"types"`
	Tokenizer      string   `json:"tokenizer"`
	ChatFormat     string   `json:"chat_format"`
	Template       string   `json:"chat_template,omitempty"`
	Tools          bool     `json:"tools"`
	Thinking       bool     `json:"thinking"`
	Warnings       []string `json:"warnings,omitempty"`
	Memory         memory   `json:"memory"`
	Tensors        []tensor `json:"tensors,omitempty"`
}

// A mix is one quantization type and its share of the model.
type mix struct {
	Type       string `json:"type"`
	Tensors    int    `json:"tensors"`
	Parameters int64  `json:"parameters"`
	Bytes      int64  `json:"bytes"`
}

// A memory is what the model takes, in bytes, and what there is.
type memory struct {
	Weights int64  `json:"weights"`
	Scratch int64  `json:"scratch"`
	Parts   []part `json:"parts"`
	KV      []kv   `json:"kv"`
	Free    int64  `json:"free"`
}

type part struct {
	Name  string `json:"name"`
	Bytes int64  `json:"bytes"`
}

type kv struct {
	Type            string `json:"type"`
	BytesPer1k      int64  `json:"bytes_per_1000_tokens"`
	LargestContext  int    `json:"largest_context"`
	AtTrainedNeeded int64  `json:"bytes_at_trained_context"`
}

type tensor struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	Dims  []uint64 `json:"dims"` // the row length first
	Bytes int64    `json:"bytes"`
}

func newInspect(a *app.App) *cobra.Command {
	var o struct {
		json, tensors, template bool
		threads                 int
	}
	cmd := &cobra.Command{
		Use:   "inspect MODEL",
		Short: "Say what a model is and whether it fits into memory",
		Long: `Print what a model file is: architecture, sizes, quantization, tokenizer, chat
format, licence; the memory it needs by part; and the longest context that fits
into this machine's memory now. Nothing is loaded.

` + codesHelp,
		Args: args(1, 1, "MODEL"),
		RunE: func(_ *cobra.Command, args []string) error {
			in, err := inspect(a, args[0], o.threads, o.tensors)
			if err != nil {
				return err
			}
			switch {
			case o.json:
				return printJSON(a.IO.Out, in)
			case o.template:
				_, err = fmt.Fprintln(a.IO.Out, in.Template)
				return err
			}
			in.print(a.IO.Out, styleOf(a, a.IO.OutTerminal))
			return nil
		},
	}
	cmd.Flags().BoolVar(&o.json, "json", false, "print one JSON object")
	cmd.Flags().BoolVar(&o.tensors, "tensors", false, "list the tensors")
	cmd.Flags().BoolVar(&o.template, "template", false, "print the chat template and nothing else")
	intFlag(cmd, &o.threads, "threads", 0, 1024, "threads that scratch memory is counted for; 0 for one per core")
	return cmd
}

// inspect collects everything.
func inspect(a *app.App, ref string, threads int, tensors bool) (*inspection, error) {
	info, err := a.Inspect(ref, app.Plan{Threads: threads})
	if err != nil {
		return nil, err
	}
	fit, err := a.Fit(ref, threads)
	if err != nil {
		return nil, err
	}
	in := describe(ref, &info, fit)
	if tensors {
		f, err := a.File(ref)
		if err != nil {
			return nil, err
		}
		defer f.Close() //nolint:errcheck // read only
		for _, t := range f.Tensors() {
			in.Tensors = append(in.Tensors, tensor{t.Name, t.Type.String(), t.Dims, t.Size})
		}
	}
	return in, nil
}

func describe(ref string, i *holdfast.Info, fit *plan.Fit) *inspection {
	in := &inspection{
		Model: ref, Name: i.Name, Architecture: i.Architecture, License: i.License, Files: i.Files, FileBytes: i.FileBytes,
		Parameters: i.Parameters, Layers: i.Layers, Embedding: i.Embedding, Heads: i.Heads, KVHeads: i.KVHeads,
		Experts: i.Experts, ExpertsUsed: i.ExpertsUsed, Vocabulary: i.Vocabulary, TrainedContext: i.TrainedContext,
		Tokenizer: i.Tokenizer, ChatFormat: i.ChatFormat, Template: i.ChatTemplate, Tools: i.Tools, Thinking: i.Thinking, Warnings: i.Warnings,
		Memory: memory{Weights: fit.Weights, Scratch: fit.Scratch, Free: fit.Usable},
	}
	for _, t := range i.Types {
		in.Types = append(in.Types, mix{t.Name, t.Tensors, t.Parameters, t.Bytes})
	}
	for _, p := range fit.Parts {
		in.Memory.Parts = append(in.Memory.Parts, part(p))
	}
	for _, k := range fit.KV {
		in.Memory.KV = append(in.Memory.KV, kv{k.Type, 1000 * k.PerToken, k.Largest, fit.Base() + int64(fit.Trained)*k.PerToken})
	}
	return in
}

// print writes the report for people.
func (in *inspection) print(w io.Writer, st style) {
	rows := [][]string{
		{"name", or(in.Name, "(none)")},
		{"architecture", in.Architecture},
		{"licence", or(in.License, "(the file does not say)")},
		{"file", fmt.Sprintf("%s in %d %s", bytesText(in.FileBytes), len(in.Files), plural(len(in.Files), "file"))},
		{"parameters", countText(in.Parameters)},
		{"shape", fmt.Sprintf("%d layers, width %d, %d heads, %d for keys and values", in.Layers, in.Embedding, in.Heads, in.KVHeads)},
	}
	if in.Experts > 0 {
		rows = append(rows, []string{"experts", fmt.Sprintf("%d, of which a token uses %d", in.Experts, in.ExpertsUsed)})
	}
	rows = append(rows,
		[]string{"context", fmt.Sprintf("trained for %d tokens", in.TrainedContext)},
		[]string{"tokenizer", fmt.Sprintf("%s, %d tokens", in.Tokenizer, in.Vocabulary)},
		[]string{"chat", in.chat()},
	)
	for i, m := range in.Types {
		name := ""
		if i == 0 {
			name = "quantization"
		}
		rows = append(rows, []string{name, fmt.Sprintf("%-7s %3d %s, %s parameters, %s", m.Type, m.Tensors, plural(m.Tensors, "tensor"), countText(m.Parameters), bytesText(m.Bytes))})
	}
	for _, warning := range in.Warnings {
		rows = append(rows, []string{"warning", warning})
	}
	pairs(w, st, rows)
	in.printMemory(w, st)
	if len(in.Tensors) > 0 {
		in.printTensors(w, st)
	}
}

// pairs prints names and texts; texts are never aligned.
func pairs(w io.Writer, st style, rows [][]string) {
	width := 0
	for _, r := range rows {
		width = max(width, len(r[0]))
	}
	for _, r := range rows {
		fmt.Fprintf(w, "%s  %s\n", st.dim(fmt.Sprintf("%-*s", width, r[0])), printable(r[1]))
	}
}

func (in *inspection) chat() string {
	if in.ChatFormat == "" {
		return "no template: the model continues text and does not answer"
	}
	var has []string
	if in.Thinking {
		has = append(has, "thinking")
	}
	if in.Tools {
		has = append(has, "tools")
	}
	s := "format " + in.ChatFormat
	if len(has) > 0 {
		s += " with " + strings.Join(has, " and ")
	}
	return s
}

func (in *inspection) printMemory(w io.Writer, st style) {
	m := in.Memory
	fmt.Fprintf(w, "\n%s\n", st.bold("Memory"))
	rows := [][]string{}
	for _, p := range m.Parts {
		rows = append(rows, []string{p.Name, bytesText(p.Bytes)})
	}
	rows = append(rows, []string{"together", bytesText(m.Weights + m.Scratch)}, []string{"free now", bytesText(m.Free)})
	table(w, "  ", rows)
	fmt.Fprintf(w, "\n%s\n", st.bold("Cache"))
	rows = [][]string{{"type", "per 1000 tokens", "longest context that fits"}}
	for _, k := range m.KV {
		fits := fmt.Sprint(k.LargestContext)
		switch k.LargestContext {
		case in.TrainedContext:
			fits += " (all)"
		case 0:
			fits = "none fits"
		}
		rows = append(rows, []string{k.Type, bytesText(k.BytesPer1k), fits})
	}
	table(w, "  ", rows)
	if !slices.ContainsFunc(m.KV, func(k kv) bool { return k.LargestContext > 0 }) {
		fmt.Fprintf(w, "\nThe model does not fit into memory: it takes %s, and %s are free.\n", bytesText(m.Weights+m.Scratch), bytesText(m.Free))
	}
}

func (in *inspection) printTensors(w io.Writer, st style) {
	fmt.Fprintf(w, "\n%s\n", st.bold("Tensors"))
	var rows [][]string
	for _, t := range in.Tensors {
		rows = append(rows, []string{printable(t.Name), t.Type, strings.Trim(strings.ReplaceAll(fmt.Sprint(t.Dims), " ", " x "), "[]"), bytesText(t.Bytes)})
	}
	table(w, "  ", rows)
}

// printJSON writes v with indentation.
func printJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	return enc.Encode(v)
}

func or(s, def string) string {
	if s == "" {
		return def
	}
	return s
}

func plural(n int, what string) string {
	if n == 1 {
		return what
	}
	return what + "s"
}
