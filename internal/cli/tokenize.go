package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/text/tokenizer"
)

// tokenizeOptions are the flags of tokenize.
type tokenizeOptions struct {
	decode, special, bos, ids, json bool
}

// A token is one line of tokenize.
type token struct {
	ID    int32  `json:"id"`
	Piece string `json:"piece"`
}

func newTokenize(a *app.App) *cobra.Command {
	var o tokenizeOptions
	cmd := &cobra.Command{
		Use:   "tokenize MODEL [TEXT]",
		Short: "Show the tokens of a text, or the text of tokens",
		Long: `Print the token ids of a text with the pieces that they stand for, and their count.
Without TEXT, standard input is read, byte for byte. With --decode the text holds
ids, and what they stand for is printed.`,
		Example: `  holdfast tokenize starter "Why is the sea salty?"
  holdfast tokenize m.gguf --ids < report.txt | wc -w
  holdfast tokenize m.gguf --decode "504 314 260"`,
		Args: args(1, 2, "MODEL [TEXT]"),
		RunE: func(cmd *cobra.Command, args []string) error {
			text, err := argOrInput(cmd.Context(), a, args[1:])
			if err != nil {
				return err
			}
			f, err := a.File(args[0])
			if err != nil {
				return err
			}
			defer f.Close() //nolint:errcheck // read only
			t, err := tokenizer.FromGGUF(f)
			if err != nil {
				return &app.ModelError{Err: err}
			}
			if o.decode {
				return decode(a.IO.Out, t, text, &o)
			}
			return encode(a.IO.Out, t, text, &o)
		},
	}
	f := cmd.Flags()
	f.BoolVar(&o.decode, "decode", false, "turn ids into text")
	f.BoolVar(&o.special, "special", false, "recognise special tokens in the text, or print them when decoding")
	f.BoolVar(&o.bos, "bos", false, "begin with the token that begins a text, if the model has one")
	f.BoolVar(&o.ids, "ids", false, "print the ids alone, on one line")
	f.BoolVar(&o.json, "json", false, "print one JSON object")
	return cmd
}

// argOrInput returns the argument, or without one standard input as it is.
func argOrInput(ctx context.Context, a *app.App, args []string) (string, error) {
	if len(args) > 0 {
		return args[0], nil
	}
	if a.IO.InTerminal {
		fmt.Fprintln(a.IO.Err, "holdfast: reading standard input; Ctrl-D ends it")
	}
	b, err := interruptible(ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(a.IO.In, maxInput)) })
	return string(b), err
}

func encode(w io.Writer, t *tokenizer.Tokenizer, text string, o *tokenizeOptions) error {
	var ids []int32
	if bos, ok := t.BOS(); ok && o.bos {
		ids = append(ids, bos)
	}
	ids = t.Encode(ids, tokenizer.Span{Text: text, Template: o.special})
	tokens := make([]token, len(ids))
	for i, id := range ids {
		tokens[i] = token{id, t.Piece(id)}
	}
	switch {
	case o.json:
		return printJSON(w, struct {
			Count  int     `json:"count"`
			Tokens []token `json:"tokens"`
		}{len(tokens), tokens})
	case o.ids:
		_, err := fmt.Fprintln(w, strings.Trim(fmt.Sprint(ids), "[]"))
		return err
	}
	for _, tok := range tokens {
		if _, err := fmt.Fprintf(w, "%8d  %s\n", tok.ID, strconv.Quote(tok.Piece)); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintf(w, "%d %s\n", len(ids), plural(len(ids), "token"))
	return err
}

func decode(w io.Writer, t *tokenizer.Tokenizer, text string, o *tokenizeOptions) error {
	ids, err := parseTokens(text, t.Size())
	if err != nil {
		return err
	}
	out := t.Decode(ids, o.special)
	if o.json {
		return printJSON(w, struct {
			Count int    `json:"count"`
			Text  string `json:"text"`
		}{len(ids), out})
	}
	_, err = fmt.Fprintln(w, out)
	return err
}
