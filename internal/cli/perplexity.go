package cli

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// perplexityOptions are the flags of perplexity.
type perplexityOptions struct {
	raw     app.RawOptions
	against bool // compare with the exact path
	json    bool
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
	Against    *drift  `json:"against_exact,omitempty"`
}

func newPerplexity(a *app.App) *cobra.Command {
	var o perplexityOptions
	o.raw.Context = 512
	cmd := &cobra.Command{
		Use:   "perplexity MODEL FILE...",
		Short: "Measure how well a model predicts a text",
		Long: `Print the perplexity of a text under a model, with its standard error; lower is
better. Windows and scoring are those of llama-perplexity, so that numbers can be
compared: windows of --context tokens that do not overlap, each seen alone, the
second half of each scored; the first token of a window is replaced by the token
that begins a text where the model wants one. Several files are scored as one text
after the other.

--against-exact also computes the exact path (several times slower) and tells what
the default path loses: the difference of the perplexities with its standard error,
and the mean Kullback-Leibler divergence of the next token's distribution. Rounding
moves the perplexity of one text up or down by chance; the divergence hardly so.`,
		Example: `  holdfast perplexity m.gguf book.txt
  holdfast perplexity m.gguf book.txt --exact --json
  holdfast perplexity m.gguf book.txt letters.txt --against-exact`,
		Args: args(2, -1, "MODEL FILE..."),
		RunE: func(cmd *cobra.Command, args []string) error {
			s, err := perplexity(cmd.Context(), a, args[0], args[1:], &o)
			if err != nil {
				return asCanceled(cmd.Context(), err)
			}
			if o.json {
				return printJSON(a.IO.Out, s)
			}
			_, err = fmt.Fprintf(a.IO.Out, "perplexity %.4f +/- %.4f  (%d tokens scored in %d windows of %d, %.1f s)\n",
				s.Perplexity, s.Error, s.Scored, s.Windows, s.Context, s.Seconds)
			if err == nil && s.Against != nil {
				err = s.Against.print(a.IO.Out)
			}
			return err
		},
	}
	f := cmd.Flags()
	intFlag(cmd, &o.raw.Context, "context", 4, maxContext, "tokens of a window")
	f.BoolVar(&o.raw.Deterministic, "deterministic", false, "the same bits whatever the size of a prompt's pieces")
	f.BoolVar(&o.raw.Exact, "exact", false, "float32 activations on dequantized weights, and a float32 cache")
	f.BoolVar(&o.against, "against-exact", false, "also compute the exact path and compare")
	choiceFlag(cmd, &o.raw.KVType, "kv-type", kvTypes, kvHelp+", f32 with --exact")
	intFlag(cmd, &o.raw.Threads, "threads", 0, 1024, "threads that compute; 0 for one per core")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

// windows cuts texts into windows of n tokens.
func windows(tok *tokenizer.Tokenizer, paths []string, n int) (all [][]int32, tokens int, err error) {
	bos, hasBOS := tok.BOS()
	hasBOS = hasBOS && tok.AddBOS()
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, 0, err
		}
		var ids []int32
		if hasBOS {
			ids = append(ids, bos)
		}
		ids = tok.Encode(ids, tokenizer.Span{Text: string(text)})
		if len(ids) < n {
			return nil, 0, &app.UsageError{
				Message: fmt.Sprintf("%s has %d tokens, fewer than one window of %d", path, len(ids), n),
				Hint:    "take a longer text, or a smaller --context",
			}
		}
		tokens += len(ids)
		for w := range slices.Chunk(ids[:len(ids)/n*n], n) {
			if hasBOS {
				w[0] = bos
			}
			all = append(all, w)
		}
	}
	return all, tokens, nil
}

func perplexity(ctx context.Context, a *app.App, ref string, paths []string, o *perplexityOptions) (*score, error) {
	if o.raw.Exact && o.against {
		return nil, &app.UsageError{Message: "--exact and --against-exact together compare nothing", Hint: "leave one of them out"}
	}
	tok, err := loadTokenizer(a, ref)
	if err != nil {
		return nil, err
	}
	list, tokens, err := windows(tok, paths, o.raw.Context)
	if err != nil {
		return nil, err
	}
	r, err := o.load(a, ref, o.raw)
	if err != nil {
		return nil, err
	}
	s := &score{
		Model: ref, File: strings.Join(paths, " "), Context: o.raw.Context, Exact: o.raw.Exact,
		KVType: o.raw.KV(r.Model.Config().Arch), Tokens: tokens, Windows: len(list),
	}
	var exact *app.Raw
	if o.against {
		raw := app.RawOptions{Threads: o.raw.Threads, Context: o.raw.Context, Exact: true}
		if exact, err = o.load(a, ref, raw); err != nil {
			return nil, errors.Join(err, r.Close())
		}
	}
	err = s.run(ctx, a, r, exact, list)
	if exact != nil {
		err = firstErr(err, exact.Close())
	}
	return s, firstErr(err, r.Close())
}

// load loads the model with a bar.
func (o *perplexityOptions) load(a *app.App, ref string, raw app.RawOptions) (*app.Raw, error) {
	b := loading(a)
	defer b.end()
	raw.Progress = b.update
	return a.LoadRaw(ref, raw)
}

// run scores all windows; exact, if not nil, is what r is compared with.
func (s *score) run(ctx context.Context, a *app.App, r, exact *app.Raw, windows [][]int32) error {
	start := time.Now()
	var t tally
	var d divergence
	b := newBar(a, "windows", func(n int64) string { return fmt.Sprint(n) })
	defer b.end()
	for i, window := range windows {
		add := func(pos int, row []float32) error {
			if pos+1 < len(window) {
				t.add(logSumExp(row) - float64(row[window[pos+1]]))
			}
			return ctx.Err()
		}
		var err error
		if exact == nil {
			err = r.Score(window, s.Context/2, add)
		} else {
			err = app.ScoreBoth(exact, r, window, s.Context/2, func(pos int, want, row []float32) error {
				if pos+1 < len(window) {
					d.add(want, row, window[pos+1])
				}
				return add(pos, row)
			})
		}
		if err != nil {
			return err
		}
		b.update(int64(i+1), int64(len(windows)))
	}
	s.Scored, s.Seconds = t.n, time.Since(start).Seconds()
	s.Perplexity, s.Error, s.Nll = t.result()
	if exact != nil {
		s.Against = d.result()
	}
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
	mean, stderr = t.mean()
	ppl = math.Exp(mean)
	return ppl, ppl * stderr, mean
}

// mean returns the mean and its standard error.
func (t *tally) mean() (mean, stderr float64) {
	n := float64(t.n)
	mean = t.sum / n
	if variance := t.square/n - mean*mean; variance > 0 && t.n > 1 {
		stderr = math.Sqrt(variance / (n - 1))
	}
	return mean, stderr
}
