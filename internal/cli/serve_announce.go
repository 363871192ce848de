package cli

import (
	"fmt"
	"net"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/app"
)

// announce says what is served, where, to whom, and what it takes.
func (s *service) announce(addr string) {
	scheme := "http"
	if s.o.cert != "" {
		scheme = "https"
	}
	base := scheme + "://" + reachable(addr)
	names := s.models.Names()
	say := func(what, format string, args ...any) {
		fmt.Fprintf(s.a.IO.Out, "%-9s %s\n", what, fmt.Sprintf(format, args...))
	}
	say("serving", "%s", s.served(names))
	say("OpenAI", "%s/v1", base)
	say("Anthropic", "%s/anthropic", base)
	say("DeepSeek", "%s", base)
	say("Ollama", "%s", base)
	if s.o.adminListen != "" {
		say("admin", "http://%s/metrics, /debug/pprof/", s.o.adminListen)
	}
	say("keys", "%s", &s.rule)
	say("memory", "%s", s.memory(names))
	say("disk", "%s", s.diskText())
	if len(names) == 0 {
		return
	}
	auth := ""
	if s.rule.needed {
		auth = " -H 'Authorization: Bearer KEY'"
	}
	say("try", "curl -N %s/v1/chat/completions%s -H 'Content-Type: application/json' -d '%s'", base, auth,
		fmt.Sprintf(`{"model":%q,"stream":true,"messages":[{"role":"user","content":"Why is the sea salty?"}]}`, names[0]))
	if names[0] == app.StarterName {
		fmt.Fprintln(s.a.IO.Out, "\nThe starter is a demonstration inside the program, far too small to be relied on.\nFor real work: holdfast serve FILE.gguf (holdfast run --help names some)")
	}
}

// fewNames is how many models are named; of more only the number is told.
const fewNames = 8

func (s *service) served(names []string) string {
	switch {
	case len(names) == 0:
		return "the models that will be put into " + s.o.dir
	case len(names) > fewNames:
		return fmt.Sprintf("%d models of %s", len(names), s.o.dir)
	}
	text := strings.Join(names, ", ")
	if s.o.defaultFolder {
		text += " (of " + s.o.dir + ")"
	}
	return text
}

// memory says how much the models may take, and how much a single one will.
func (s *service) memory(names []string) string {
	limit := s.limit()
	text := "up to " + bytesText(limit) + " for models"
	if len(names) != 1 {
		return text
	}
	i, err := s.models.Info(names[0])
	if err != nil || i.Description == nil {
		return text // loading it will say what is wrong
	}
	cache := i.PerToken * int64(i.Context) * int64(s.o.parallel)
	return fmt.Sprintf("%s (%s and a cache of %s: %d requests of %d tokens), of at most %s",
		bytesText(i.Base+cache), bytesText(i.Base), bytesText(cache), s.o.parallel, i.Context, bytesText(limit))
}

func (s *service) diskText() string {
	if s.o.diskFolder == "" {
		return "nothing is kept of prompts"
	}
	return fmt.Sprintf("up to %s of prompts are kept in %s (--disk-cache off)", bytesText(s.o.diskBytes), s.o.diskFolder)
}

// reachable turns a listen address into one that a client can use.
func reachable(addr string) string {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}
