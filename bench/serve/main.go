// Command serve measures servers that speak OpenAI's API under the load of several
// clients: the tokens a second of all streams together, the time to the first
// token, and the time between tokens. Several servers are measured in turns, so
// that a machine whose speed drifts is as fast for each.
//
//	go run ./bench/serve -streams 1,8 -tokens 64 ours=http://127.0.0.1:11435 theirs=http://127.0.0.1:8080
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "serve:", err)
		os.Exit(1)
	}
}

// A target is a server.
type target struct{ name, url string }

type settings struct {
	targets []target
	streams []int
	rounds  int
	json    bool
	load    load
}

func parse(args []string) (*settings, error) {
	s := &settings{}
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	streams := f.String("streams", "1,8", "concurrent streams, one measurement each")
	f.IntVar(&s.rounds, "rounds", 2, "measurements of each kind; the best total counts")
	f.IntVar(&s.load.tokens, "tokens", 64, "tokens of each answer")
	f.IntVar(&s.load.words, "words", 32, "words of each prompt")
	f.StringVar(&s.load.model, "model", "", "the model's name")
	f.StringVar(&s.load.key, "key", "", "an API key")
	f.BoolVar(&s.load.chat, "chat", false, "ask for chat completions; otherwise for raw completions")
	f.BoolVar(&s.load.ignoreEnd, "ignore-end", false, "send ignore_eos, which some servers know")
	f.BoolVar(&s.json, "json", false, "print JSON")
	if err := f.Parse(args); err != nil {
		return nil, fmt.Errorf("flags: %w", err)
	}
	for part := range strings.SplitSeq(*streams, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-streams has %q, expected numbers above 0", part)
		}
		s.streams = append(s.streams, n)
	}
	for _, a := range f.Args() {
		name, url, ok := strings.Cut(a, "=")
		if !ok {
			return nil, fmt.Errorf("%q is no server, expected NAME=URL", a)
		}
		s.targets = append(s.targets, target{name, strings.TrimSuffix(url, "/")})
	}
	if len(s.targets) == 0 {
		return nil, errors.New("no server was named, expected NAME=URL")
	}
	return s, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	best := map[string]*result{}
	var order []string
	for round := range s.rounds {
		for _, n := range s.streams {
			for _, t := range s.targets {
				l := s.load
				l.url, l.streams, l.round = t.url, n, round
				m, err := l.measure(ctx)
				if err != nil {
					return fmt.Errorf("%s: %w", t.name, err)
				}
				m.Server, m.Streams = t.name, n
				key := fmt.Sprint(t.name, n)
				if old := best[key]; old == nil {
					order = append(order, key)
					best[key] = m
				} else if m.TokensPerSecond > old.TokensPerSecond {
					best[key] = m
				}
				time.Sleep(200 * time.Millisecond) // the last answers are put away
			}
		}
	}
	if !s.json {
		fmt.Fprintf(out, "%-12s %7s %8s %10s %10s %10s %10s\n", "server", "streams", "tokens", "tokens/s", "first ms", "p50 ms", "p95 ms")
	}
	for _, key := range order {
		if err := best[key].print(out, s.json); err != nil {
			return err
		}
	}
	return nil
}

func (m *result) print(out io.Writer, asJSON bool) error {
	var err error
	if asJSON {
		err = json.NewEncoder(out).Encode(m)
	} else {
		_, err = fmt.Fprintf(out, "%-12s %7d %8d %10.2f %10.1f %10.1f %10.1f\n", m.Server, m.Streams, m.Tokens, m.TokensPerSecond, m.FirstMS, m.P50MS, m.P95MS)
	}
	if err != nil {
		return fmt.Errorf("print: %w", err)
	}
	return nil
}
