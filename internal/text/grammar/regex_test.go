package grammar

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestPatterns(t *testing.T) {
	f := func(pattern string, yes, no []string) {
		t.Helper()
		g, err := Regex(pattern)
		if err != nil {
			t.Errorf("%s: %v", pattern, err)
			return
		}
		for _, s := range yes {
			if !matches(t, g, s) {
				t.Errorf("%s refuses %q", pattern, s)
			}
		}
		for _, s := range no {
			if matches(t, g, s) {
				t.Errorf("%s takes %q", pattern, s)
			}
		}
	}
	f(``, []string{``}, []string{`a`})
	f(`a|bc|`, []string{`a`, `bc`, ``}, []string{`b`, `ab`})
	f(`(?:ab)+c?`, []string{`ab`, `ababc`}, []string{``, `abcab`})
	f(`(?<year>\d{4})-\d{2,}`, []string{`2024-05`, `2024-567`}, []string{`24-05`, `2024-5`})
	f(`[^a-c\]]{2}`, []string{`de`, `日本`}, []string{`ad`, `]d`})
	f(`[^]`, []string{`a`, "\n"}, []string{``})
	f(`[a\-z]+`, []string{`a-z`}, []string{`b`})
	f(`[a-]+`, []string{`a-`}, []string{`b`})
	f(`.`, []string{`a`, `é`}, []string{"\n", "\u2028", ``})
	f(`\u00e9\x41\u{1F600}\ud83d\ude00\cJ\0`, []string{"éA😀😀\n\x00"}, nil)
	f(`\p{Lu}\P{L}`, []string{`É1`}, []string{`é1`, `Éa`})
	f(`\p{Script=Greek}+`, []string{`αβ`}, []string{`ab`})
	f(`\S\s\w\W\D`, []string{"é\u00a0_-x"}, []string{`     `})
	f(`a{,3}`, []string{`a{,3}`}, []string{`a`}) // no quantifier in ECMA 262
	f(`a{2}?b*?`, []string{`aa`, `aab`}, []string{`a`})
	f(`^(a|b)$`, []string{`a`, `b`}, []string{`ab`})
	f(`((a*)*)*`, []string{``, `aaa`}, []string{`b`})
	f(`(a|b?){2,60}c`, []string{`c`, `ac`, `abbac`}, []string{`d`})
	f(`((x?){0,100}y?){3,90}`, []string{``, `xxyxy`}, []string{`z`})
	f(`(ab|a)(bc|c)`, []string{`abc`, `ac`, `abbc`}, []string{`ab`})
	f(`\.\*\+\?\(\)\[\]\{\}\|\^\$\\\/\-`, []string{`.*+?()[]{}|^$\/-`}, nil)

	e := func(pattern, word string) {
		t.Helper()
		if _, err := Regex(pattern); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: error %v, want %q", pattern, err, word)
		}
	}
	e(`[]`, "nothing can satisfy")
	e(`(`, "missing )")
	e(`)`, "unmatched")
	e(`[a`, "missing ]")
	e(`[b-a]`, "out of order")
	e(`[\d-z]`, "between sets")
	e(`*a`, "nothing to repeat")
	e(`a**`, "nothing to repeat")
	e(`{2}`, "nothing to repeat")
	e(`a{3,2}`, "ends before")
	e(`a{99999}`, "repeats more")
	e(`(?=a)b`, "look-around")
	e(`(?<!a)b`, "look-around")
	e(`(a)\1`, `\1`)
	e(`\bword`, `\b`)
	e(`a^b`, "start only")
	e(`a$b`, "after $")
	e(`(^a|b)c`, "anchor")
	e(`\p{Nope}`, "Nope")
	e(`\xZ1`, "hexadecimal")
	e(`\ud83d\u0041`, "surrogate")
	e(`a\`, "backslash")
	e("\xff", "UTF-8")
}

// TestPatternsAgainstRegexp compares with Go's engine on patterns that mean the
// same in both, as a whole and as a search.
func TestPatternsAgainstRegexp(t *testing.T) {
	atoms := []string{"a", "b", "ab", "[ab]", "[^a]", "(a|b)", "(?:ab|c)", "c?", "a*", "b+", "(ab){1,3}", "(a?b){2}", "é", "[é-ü]", `\d`, `\w`, "c{0,2}", "(a|bc){0,2}", "|"}
	texts := []string{"", "a", "b", "c", "ab", "abc", "aab", "abab", "ababab", "é", "aéb", "1", "a1b2", "bbbb", "cabc", "_", "bcbc", "ü"}
	rapid.Check(t, func(t *rapid.T) {
		body := strings.Join(rapid.SliceOfN(rapid.SampledFrom(atoms), 1, 5).Draw(t, "atoms"), "")
		start := rapid.SampledFrom([]string{"", "^"}).Draw(t, "start")
		end := rapid.SampledFrom([]string{"", "$"}).Draw(t, "end")
		pattern := start + "(?:" + body + ")" + end
		want, err := regexp.Compile(pattern)
		if err != nil {
			t.Skip(err)
		}
		p, err := parsePattern(pattern)
		if err != nil {
			t.Fatalf("%s: %v", pattern, err)
		}
		d, err := toDFA(newWork(), p.search())
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range texts {
			if got := d.match(s); got != want.MatchString(s) {
				t.Fatalf("%s on %q: %v", pattern, s, got)
			}
		}
	})
}
