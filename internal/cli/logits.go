package cli

import (
	"bufio"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// logitsOptions are the flags of logits.
type logitsOptions struct {
	tokens string
	out    string
	raw    app.RawOptions
	top    int
	json   bool
}

func newLogits(a *app.App) *cobra.Command {
	var o logitsOptions
	cmd := &cobra.Command{
		Use:   "logits MODEL --tokens 1,2,3",
		Short: "Print the raw scores of the next token, to compare engines",
		Long: `Compute the logits at every position of a sequence of tokens. With --out they are
written to a file as little-endian float32, [tokens][vocabulary]; in any case the
likeliest next tokens are printed. The cache is float32 unless --kv-type says
otherwise, so that what is compared is the model and not the cache's rounding.`,
		Example: `  holdfast logits m.gguf --tokens 1,2,3 --out logits.f32
  holdfast logits m.gguf --tokens "$(holdfast tokenize m.gguf --ids 'The sea is')"`,
		Args: args(1, 1, "MODEL --tokens 1,2,3"),
		RunE: func(cmd *cobra.Command, args []string) error { return logits(cmd.Context(), a, args[0], &o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.tokens, "tokens", "", "token `IDS`, separated by commas or spaces")
	f.StringVar(&o.out, "out", "", "write all logits to `FILE`")
	f.BoolVar(&o.raw.Deterministic, "deterministic", false, "the same bits whatever the size of a prompt's pieces")
	f.BoolVar(&o.raw.Exact, "exact", false, "float32 activations on dequantized weights, and a float32 cache")
	choiceFlag(cmd, &o.raw.KVType, "kv-type", kvTypes, "element type of the cache; by default f32")
	intFlag(cmd, &o.raw.Threads, "threads", 0, 1024, "threads that compute; 0 for one per core")
	o.top = 5
	intFlag(cmd, &o.top, "top", 1, 1000, "how many of the likeliest tokens to print")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

// A candidate is a token that may come next.
type candidate struct {
	ID      int32   `json:"id"`
	Piece   string  `json:"piece"`
	Logit   float32 `json:"logit"`
	Logprob float64 `json:"logprob"`
}

func logits(ctx context.Context, a *app.App, ref string, o *logitsOptions) error {
	o.raw.KVType = cmp.Or(o.raw.KVType, "f32")
	tok, err := loadTokenizer(a, ref)
	if err != nil {
		return err
	}
	ids, err := parseTokens(o.tokens, tok.Size())
	if err == nil && len(ids) == 0 {
		err = &app.UsageError{Message: "--tokens is missing or empty, expected ids such as 1,2,3"}
	}
	if err != nil {
		return err
	}
	o.raw.Context = len(ids)
	b := loading(a)
	o.raw.Progress = b.update
	r, err := a.LoadRaw(ref, o.raw)
	b.end()
	if err != nil {
		return err
	}
	last, err := scoreTo(ctx, r, ids, o.out)
	if err := firstErr(err, r.Close()); err != nil {
		return err
	}
	return printTop(a.IO.Out, tok, ids, last, o)
}

// scoreTo computes all rows, writes them to a file if there is a path, and
// returns the last.
func scoreTo(ctx context.Context, r *app.Raw, ids []int32, path string) (last []float32, err error) {
	w := io.Discard
	if path != "" {
		f, err := os.Create(path)
		if err != nil {
			return nil, err
		}
		buf := bufio.NewWriterSize(f, 1<<20)
		w = buf
		defer func() { err = firstErr(err, buf.Flush(), f.Close()) }()
	}
	err = r.Score(ids, 0, func(pos int, row []float32) error {
		if pos == len(ids)-1 {
			last = slices.Clone(row)
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return binary.Write(w, binary.LittleEndian, row)
	})
	if err == nil && last == nil {
		err = errors.New("the model gave no logits")
	}
	return last, err
}

func loadTokenizer(a *app.App, ref string) (*tokenizer.Tokenizer, error) {
	f, err := a.File(ref)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // read only
	t, err := tokenizer.FromGGUF(f)
	if err != nil {
		return nil, &app.ModelError{Err: err}
	}
	return t, nil
}

func printTop(w io.Writer, tok *tokenizer.Tokenizer, ids []int32, row []float32, o *logitsOptions) error {
	top := best(tok, row, o.top)
	if o.json {
		return printJSON(w, struct {
			Tokens int         `json:"tokens"`
			Vocab  int         `json:"vocabulary"`
			File   string      `json:"file,omitempty"`
			Top    []candidate `json:"top"`
		}{len(ids), len(row), o.out, top})
	}
	fmt.Fprintf(w, "after %d %s, of %d in the vocabulary the likeliest next:\n", len(ids), plural(len(ids), "token"), len(row))
	for _, c := range top {
		if _, err := fmt.Fprintf(w, "%8d  %10.4f  %7.3f%%  %q\n", c.ID, c.Logit, 100*math.Exp(c.Logprob), c.Piece); err != nil {
			return err
		}
	}
	return nil
}

// best returns the n largest logits with their log-probabilities.
func best(tok *tokenizer.Tokenizer, row []float32, n int) []candidate {
	order := make([]int32, len(row))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortStableFunc(order, func(x, y int32) int { return cmp.Compare(row[y], row[x]) })
	sum := logSumExp(row)
	var out []candidate
	for _, id := range order[:min(n, len(order))] {
		out = append(out, candidate{id, tok.Piece(id), row[id], float64(row[id]) - sum})
	}
	return out
}

// logSumExp returns the logarithm of the sum of the exponentials, in float64.
func logSumExp(row []float32) float64 {
	top := float64(slices.Max(row))
	sum := 0.0
	for _, x := range row {
		sum += math.Exp(float64(x) - top)
	}
	return top + math.Log(sum)
}
