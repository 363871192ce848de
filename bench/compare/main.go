// Compare runs Holdfast and llama.cpp on the same file in turns and prints the
// ratio of their speeds with its spread.
//
//	go run ./bench/compare [flags] MODEL.gguf -- PEER...
//
// PEER is the command that measures llama.cpp: either
// "python bench/peers/bench_llamacpp.py" or "node peer-llamacpp.mjs" (it is given
// MODEL PROMPT GENERATE THREADS 1, and DEPTH if that is not 0, and prints one JSON
// object with promptRates and generateRates), or the path of a llama-bench binary,
// which is recognised by its name. Taking turns matters on a shared machine: both
// see the same neighbours.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// rates are tokens per second.
// share is what decoding read of the memory bandwidth that holdfast measured.
type rates struct{ prompt, decode, share float64 }

type options struct {
	holdfast        string
	prompt, decode  int
	depth           int
	threads, rounds int
	model           string
	peer            []string
	kernels         string
}

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

func parse(args []string) (options, error) {
	var o options
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.StringVar(&o.holdfast, "holdfast", "holdfast", "the holdfast program")
	fs.IntVar(&o.prompt, "prompt", 512, "tokens of the prompt")
	fs.IntVar(&o.decode, "decode", 32, "tokens to decode")
	fs.IntVar(&o.depth, "depth", 0, "tokens that are in the context already")
	fs.IntVar(&o.threads, "threads", 2, "threads of both")
	fs.IntVar(&o.rounds, "rounds", 5, "turns of each")
	fs.StringVar(&o.kernels, "kernels", "", "kernel tier of holdfast, \"\" for the best")
	if err := fs.Parse(args); err != nil {
		return o, err
	}
	rest := fs.Args()
	if len(rest) < 3 || rest[1] != "--" {
		return o, errors.New("want compare [flags] MODEL.gguf -- PEER [ARG...]")
	}
	o.model, o.peer = rest[0], rest[2:]
	return o, nil
}

func run(args []string, w io.Writer) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	var ours, theirs []rates
	for i := range o.rounds {
		a, err := measureHoldfast(o)
		if err != nil {
			return fmt.Errorf("holdfast: %w", err)
		}
		b, err := measurePeer(o)
		if err != nil {
			return fmt.Errorf("peer: %w", err)
		}
		fmt.Fprintf(w, "turn %d   holdfast %8.1f %7.1f (%3.0f%%)   peer %8.1f %7.1f   (prompt, decode tokens/s; share of read bandwidth)\n",
			i+1, a.prompt, a.decode, 100*a.share, b.prompt, b.decode)
		ours, theirs = append(ours, a), append(theirs, b)
	}
	report(w, "prompt", ours, theirs, func(r rates) float64 { return r.prompt })
	report(w, "decode", ours, theirs, func(r rates) float64 { return r.decode })
	return nil
}

// report prints the medians and the ratio of each turn's pair: median, least
// and greatest.
func report(w io.Writer, name string, ours, theirs []rates, get func(rates) float64) {
	var a, b, ratios []float64
	for i := range ours {
		a, b = append(a, get(ours[i])), append(b, get(theirs[i]))
		ratios = append(ratios, get(ours[i])/get(theirs[i]))
	}
	slices.Sort(ratios)
	fmt.Fprintf(w, "%s: holdfast %.1f, peer %.1f tokens/s (medians); ratio %.2f (%.2f to %.2f over %d turns)\n",
		name, median(a), median(b), median(ratios), ratios[0], ratios[len(ratios)-1], len(ratios))
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	if n := len(x); n%2 == 0 {
		return (x[n/2-1] + x[n/2]) / 2
	}
	return x[len(x)/2]
}

// measureHoldfast runs holdfast bench for one prompt and one row.
func measureHoldfast(o options) (rates, error) {
	args := []string{
		"bench", o.model, "--json", "--runs", "1", "--prompt", strconv.Itoa(o.prompt), "--depth", strconv.Itoa(o.depth), "--batch", "1",
		"--tokens", strconv.Itoa(o.decode), "--threads", strconv.Itoa(o.threads),
	}
	if o.kernels != "" {
		args = append(args, "--kernels", o.kernels)
	}
	var out struct {
		Results []struct {
			Test   string
			Median float64
			Share  float64 `json:"bandwidth_share"`
		}
	}
	if err := output(&out, o.holdfast, args...); err != nil {
		return rates{}, err
	}
	var r rates
	for _, x := range out.Results {
		switch x.Test {
		case "prompt":
			r.prompt = x.Median
		case "decode":
			r.decode, r.share = x.Median, x.Share
		}
	}
	return r, nil
}

func measurePeer(o options) (rates, error) {
	if strings.HasPrefix(filepath.Base(o.peer[0]), "llama-bench") {
		return measureLlamaBench(o)
	}
	var out struct{ PromptRates, GenerateRates []float64 }
	args := append(slices.Clone(o.peer[1:]), o.model, strconv.Itoa(o.prompt), strconv.Itoa(o.decode), strconv.Itoa(o.threads), "1")
	if o.depth > 0 {
		args = append(args, strconv.Itoa(o.depth))
	}
	if err := output(&out, o.peer[0], args...); err != nil {
		return rates{}, err
	}
	if len(out.PromptRates) == 0 || len(out.GenerateRates) == 0 {
		return rates{}, errors.New("no promptRates or generateRates in what it printed")
	}
	return rates{prompt: median(out.PromptRates), decode: median(out.GenerateRates)}, nil
}

func measureLlamaBench(o options) (rates, error) {
	var out []struct {
		Prompt int     `json:"n_prompt"`
		Gen    int     `json:"n_gen"`
		Rate   float64 `json:"avg_ts"`
	}
	args := append(slices.Clone(o.peer[1:]), "-m", o.model, "-p", strconv.Itoa(o.prompt), "-n", strconv.Itoa(o.decode), "-t", strconv.Itoa(o.threads), "-d", strconv.Itoa(o.depth), "-r", "1", "-o", "json")
	if err := output(&out, o.peer[0], args...); err != nil {
		return rates{}, err
	}
	var r rates
	for _, x := range out {
		if x.Prompt > 0 {
			r.prompt = x.Rate
		} else {
			r.decode = x.Rate
		}
	}
	return r, nil
}

// output runs a program and decodes the JSON that it prints.
func output(v any, name string, args ...string) error {
	cmd := exec.Command(name, args...)
	cmd.Stderr = os.Stderr
	b, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if i := strings.IndexAny(string(b), "{["); i > 0 {
		b = b[i:]
	}
	return json.Unmarshal(b, v)
}
