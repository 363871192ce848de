package cli

import (
	"context"
	"fmt"
	"math"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// perplexityOptions are the flags of perplexity.
type perplexityOptions struct {
	raw  app.RawOptions
	json bool
}

// A score is the object of --json.
type score struct {
	Model      string  `json:"model"`
	File       string  `json:"file"`
	Context    int     `json:"context"`
	Exact      bool    `json:"exact"`
	KVType     string  `json:"kv_type"`
	Tokens     int     `json:"tokens"`  // of the text
	Windows    int     `json:"windows"` // that were scored
	Scored     int     `json:"scored"`  // tokens
	Perplexity float64 `json:"perplexity"`
	Error      float64 `json:"standard_error"`
	Nll        float64 `json:"nll"` // mean per token, natural logarithm
	Seconds    float64 `json:"seconds"`
}

func newPerplexity(a *app.App) *cobra.Command {
	var o perplexityOptions
	o.raw.Context = 512
	cmd := &cobra.Command{
		Use:   "perplexity MODEL FILE",
		Short: "Measure how well a model predicts a text",
		Long: `Print the perplexity of a text under a model, with its standard error; lower is
better. Windows and scoring are those of llama-perplexity, so that numbers can be
compared: windows of --context tokens that do not overlap, each seen alone, the
second half of each scored; the first token of a window is replaced by the token
that begins a text where the model wants one.`,
		Example: `  holdfast perplexity m.gguf book.txt
  holdfast perplexity m.gguf book.txt --exact --json`,
		Args: args(2, 2, "MODEL FILE"),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := perplexity(cmd.Context(), a, args[0], args[1], &o)
			if err != nil {
				return asCanceled(cmd.Context(), err)
			}
			if o.json {
				return printJSON(a.IO.Out, s)
			}
			_, err = fmt.Fprintf(a.IO.Out, "perplexity %.4f +/- %.4f  (%d tokens scored in %d windows of %d, %.1f s)\n",
				s.Perplexity, s.Error, s.Scored, s.Windows, s.Context, s.Seconds)
			return err
		},
	}
	f := cmd.Flags()
	intFlag(cmd, &o.raw.Context, "context", 4, maxContext, "tokens of a window")
	f.BoolVar(&o.raw.Deterministic, "deterministic", false, "the same bits whatever the size of a prompt's pieces")
	f.BoolVar(&o.raw.Exact, "exact", false, "float32 activations on dequantized weights, and a float32 cache")
	choiceFlag(cmd, &o.raw.KVType, "kv-type", kvTypes, kvHelp+", f32 with --exact")
	intFlag(cmd, &o.raw.Threads, "threads", 0, 1024, "threads that compute; 0 for one per core")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

func perplexity(ctx context.Context, a *app.App, ref, path string, o *perplexityOptions) (*score, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	tok, err := loadTokenizer(a, ref)
	if err != nil {
		return nil, err
	}
	bos, hasBOS := tok.BOS()
	hasBOS = hasBOS && tok.AddBOS()
	var ids []int32
	if hasBOS {
		ids = append(ids, bos)
	}
	ids = tok.Encode(ids, tokenizer.Span{Text: string(text)})
	n := o.raw.Context
	if len(ids) < n {
		return nil, &app.UsageError{
			Message: fmt.Sprintf("%s has %d tokens, fewer than one window of %d", path, len(ids), n),
			Hint:    "take a longer text, or a smaller --context",
		}
	}
	b := loading(a)
	o.raw.Progress = b.update
	r, err := a.LoadRaw(ref, o.raw)
	b.end()
	if err != nil {
		return nil, err
	}
	s := &score{Model: ref, File: path, Context: n, Exact: o.raw.Exact, KVType: o.raw.KV(r.Model.Config().Arch), Tokens: len(ids)}
	err = s.run(ctx, a, r, ids, bos, hasBOS)
	return s, firstErr(err, r.Close())
}

// run scores every whole window.
func (s *score) run(ctx context.Context, a *app.App, r *app.Raw, ids []int32, bos int32, hasBOS bool) error {
	start := time.Now()
	var t tally
	all := len(ids) / s.Context
	b := newBar(a, "windows", func(n int64) string { return fmt.Sprint(n) })
	defer b.end()
	for w := range all {
		window := ids[w*s.Context : (w+1)*s.Context]
		if hasBOS {
			window[0] = bos
		}
		err := r.Score(window, s.Context/2, func(pos int, row []float32) error {
			if pos+1 < len(window) {
				t.add(logSumExp(row) - float64(row[window[pos+1]]))
			}
			return ctx.Err()
		})
		if err != nil {
			return err
		}
		b.update(int64(w+1), int64(all))
	}
	s.Windows, s.Scored, s.Seconds = all, t.n, time.Since(start).Seconds()
	s.Perplexity, s.Error, s.Nll = t.result()
	return nil
}

// A tally sums negative log-likelihoods and their squares.
type tally struct {
	n           int
	sum, square float64
}

func (t *tally) add(nll float64) {
	t.n++
	t.sum += nll
	t.square += nll * nll
}

// result returns the perplexity, its standard error (that of the mean, carried
// through the exponential), and the mean.
func (t *tally) result() (ppl, stderr, mean float64) {
	n := float64(t.n)
	mean = t.sum / n
	ppl = math.Exp(mean)
	if variance := t.square/n - mean*mean; variance > 0 && t.n > 1 {
		stderr = ppl * math.Sqrt(variance/(n-1))
	}
	return ppl, stderr, mean
}
