package talk

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/holdfast-llm/holdfast"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// A command is what may follow a slash.
type command struct {
	name string
	args string // for help
	help string
	run  func(t *Talk, arg string) Reply
}

// Commands must be a function: help lists them, and is one of them.
func commands() []command {
	return []command{
		{"help", "", "show this", func(t *Talk, _ string) Reply { return Reply{Text: t.help()} }},
		{"system", "[TEXT|-]", "show the system prompt, set it, or remove it with -", (*Talk).system},
		{"set", "[NAME VALUE]", "show the settings, or change one", (*Talk).set},
		{"save", "FILE", "write the conversation to a file", (*Talk).save},
		{"load", "FILE", "go on with a saved conversation", (*Talk).load},
		{"clear", "", "forget the conversation, keep the system prompt", (*Talk).clear},
		{"regenerate", "", "answer the last question again", (*Talk).regenerate},
		{"stats", "", "tokens, times and memory of the last answer", func(t *Talk, _ string) Reply { return Reply{Text: t.stats()} }},
		{"bye", "", "end (also Ctrl-D)", func(*Talk, string) Reply { return Reply{Quit: true} }},
	}
}

// Names returns the commands with their slashes, for completion.
func Names() []string {
	var out []string
	for _, c := range commands() {
		out = append(out, "/"+c.name)
	}
	return out
}

func (t *Talk) command(text string) Reply {
	name, arg, _ := strings.Cut(text[1:], " ")
	if i := strings.IndexAny(name, "\n\t"); i >= 0 {
		name, arg = name[:i], name[i+1:]+" "+arg
	}
	switch name {
	case "exit", "quit":
		name = "bye"
	case "?":
		name = "help"
	}
	best, dist := "", 3
	for _, c := range commands() {
		if c.name == name {
			return c.run(t, strings.TrimSpace(arg))
		}
		if d := config.Distance(c.name, name); d < dist {
			best, dist = c.name, d
		}
	}
	hint := "/help lists them"
	if best != "" {
		hint = "did you mean /" + best + "?"
	}
	return Reply{Err: fmt.Errorf("there is no command /%s; %s (to say something that begins with a slash, begin with two)", name, hint)}
}

func (t *Talk) help() string {
	var b strings.Builder
	for _, c := range commands() {
		fmt.Fprintf(&b, "  %-24s %s\n", strings.TrimSpace("/"+c.name+" "+c.args), c.help)
	}
	if t.Keys != "" {
		b.WriteString("\n" + t.Keys)
	}
	return strings.TrimRight(b.String(), "\n")
}

func (t *Talk) system(arg string) Reply {
	switch arg {
	case "":
		if s := t.Session.System(); s != "" {
			return Reply{Text: "System prompt: " + s}
		}
		return Reply{Text: "There is no system prompt. /system TEXT sets one."}
	case "-":
		return t.configure("The system prompt is removed.", holdfast.WithSystem(""))
	}
	return t.configure("The system prompt is set, from the next question on.", holdfast.WithSystem(arg))
}

func (t *Talk) configure(said string, o ...holdfast.SessionOption) Reply {
	if err := t.Session.Configure(o...); err != nil {
		return Reply{Err: err}
	}
	return Reply{Text: said}
}

func (t *Talk) clear(string) Reply {
	if err := t.Session.Clear(); err != nil {
		return Reply{Err: err}
	}
	t.last = nil
	return Reply{Text: "The conversation is forgotten.", Cleared: true}
}

func (t *Talk) regenerate(string) Reply {
	return Reply{Answer: func(ctx context.Context) Events { return t.Session.Regenerate(ctx) }}
}

// set shows or changes one of the settings.
func (t *Talk) set(arg string) Reply {
	if arg == "" {
		return Reply{Text: t.settings()}
	}
	name, value, _ := strings.Cut(strings.ReplaceAll(arg, "=", " "), " ")
	name = strings.TrimPrefix(strings.ReplaceAll(name, "_", "-"), "--")
	value = strings.TrimSpace(value)
	for _, k := range Knobs {
		if k.Name == name {
			return t.setKnob(k, value)
		}
	}
	switch name {
	case "seed":
		seed, err := ParseSeed(value)
		if err != nil {
			return Reply{Err: fmt.Errorf("seed %w, got %q", err, value)}
		}
		return t.configure("seed is "+FormatSeed(seed)+".", holdfast.WithSeed(seed))
	case "max-tokens":
		n, err := strconv.Atoi(value)
		if err != nil || n < 0 {
			return Reply{Err: fmt.Errorf("max-tokens must be a whole number, 0 for the rest of the context, got %q", value)}
		}
		t.MaxTokens = n
		return t.configure("max-tokens is "+value+".", holdfast.WithMaxTokens(n))
	case "stop":
		t.Stop = nil
		if value != "" {
			t.Stop = []string{unquote(value)}
		}
		return t.configure(fmt.Sprintf("stop is %q.", t.Stop), holdfast.WithStop(t.Stop...))
	case "think":
		return t.setThink(value)
	}
	return Reply{Err: fmt.Errorf("there is no setting %q; /set lists them", name)}
}

func (t *Talk) setKnob(k Knob, value string) Reply {
	v, err := k.Parse(value)
	if err != nil {
		return Reply{Err: fmt.Errorf("%s %w, got %q", k.Name, err, value)}
	}
	s := t.Session.Sampling()
	k.Set(&s, v)
	return t.configure(k.Name+" is "+k.Get(&s)+".", holdfast.WithSampling(s))
}

func (t *Talk) setThink(value string) Reply {
	switch value {
	case "on", "off":
		on := value == "on"
		t.Think = &on
		return t.configure("think is "+value+".", holdfast.WithThinking(on))
	case "auto":
		t.Think = nil
		return t.configure("think is up to the model.", holdfast.WithThinkingDefault())
	}
	return Reply{Err: fmt.Errorf("think must be on, off or auto, got %q", value)}
}

// unquote lets a stop text have escapes: "\n".
func unquote(s string) string {
	if u, err := strconv.Unquote(`"` + strings.Trim(s, `"`) + `"`); err == nil {
		return u
	}
	return s
}

func (t *Talk) settings() string {
	s := t.Session.Sampling()
	var b strings.Builder
	for _, k := range Knobs {
		fmt.Fprintf(&b, "  %-18s %-8s %s\n", k.Name, k.Get(&s), k.Help)
	}
	think := "auto"
	if t.Think != nil {
		think = map[bool]string{true: "on", false: "off"}[*t.Think]
	}
	fmt.Fprintf(&b, "  %-18s %-8s %s\n", "seed", FormatSeed(s.Seed), "the same seed gives the same answer")
	fmt.Fprintf(&b, "  %-18s %-8d %s\n", "max-tokens", t.MaxTokens, "longest answer; 0 for the rest of the context")
	fmt.Fprintf(&b, "  %-18s %-8s %s\n", "stop", fmt.Sprintf("%q", t.Stop), "a text that ends an answer")
	fmt.Fprintf(&b, "  %-18s %-8s %s", "think", think, "on, off, or auto for what the model does by itself")
	return b.String()
}
