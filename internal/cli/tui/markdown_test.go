package tui

import (
	"strings"
	"testing"
)

func TestStable(t *testing.T) {
	for _, c := range []struct{ text, stable string }{
		{"", ""},
		{"a paragraph", ""},
		{"a\n\n", ""},                               // what comes may belong to it
		{"a\n\nb", ""},                              // an unfinished line decides nothing
		{"a\n\nb\n", "a\n\n"},                       // b has begun
		{"a\n\nb\n\nc\n", "a\n\nb\n\n"},             // the last boundary counts
		{"- x\n\n- y\n", ""},                        // one list
		{"- x\n\n  more\n", ""},                     // inside the item
		{"- x\n\ntext\n", "- x\n\n"},                // after the list
		{"1. x\n\n2. y\n\nz\n", "1. x\n\n2. y\n\n"}, // ordered
		{"```\na\n\nb\n", ""},                       // in a fence
		{"```\na\n\nb\n```\n\nc\n", "```\na\n\nb\n```\n\n"},
		{"~~~~\n```\n\nx\n~~~~\n\ny\n", "~~~~\n```\n\nx\n~~~~\n\n"},
	} {
		if got := c.text[:stable(c.text)]; got != c.stable {
			t.Errorf("stable(%q) = %q, want %q", c.text, got, c.stable)
		}
	}
}

// What is stable never changes: a longer text has the same beginning.
func TestStableGrows(t *testing.T) {
	text := "# T\n\nintro\n\n- a\n\n- b\n  c\n\nend\n\n```go\nx\n\ny\n```\n\n1. one\n\n2. two\n\nlast\n"
	before := 0
	for i := range len(text) + 1 {
		n := stable(text[:i])
		if n < before {
			t.Fatalf("stable shrank from %d to %d at %d bytes", before, n, i)
		}
		before = n
	}
}

func TestRender(t *testing.T) {
	m := &markdown{width: 40, dark: true, noColor: true}
	lines := m.render("# Title\n\nsome *text* that is long enough to be wrapped somewhere\n\n```go\nfunc main() {}\n```\n")
	out := strings.Join(lines, "\n")
	for _, want := range []string{"Title", "func main() {}", "text"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %q", want, out)
		}
	}
	for _, l := range lines {
		if strings.HasSuffix(l, " ") || len([]rune(l)) > 40 {
			t.Errorf("line %q ends with a space or is too long", l)
		}
	}
	m.noColor = false
	m.r = nil
	if out := strings.Join(m.render("**bold**"), ""); !strings.Contains(out, "\x1b[") {
		t.Errorf("no colours in %q", out)
	}
}

func TestTrimRight(t *testing.T) {
	for in, want := range map[string]string{
		"a  ":                     "a",
		"":                        "",
		"\x1b[1ma\x1b[0m \x1b[0m": "\x1b[1ma\x1b[0m",
		"\x1b[1m  \x1b[0m":        "",
	} {
		if got := trimRight(in); got != want {
			t.Errorf("trimRight(%q) = %q, want %q", in, got, want)
		}
	}
}
