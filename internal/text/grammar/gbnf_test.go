package grammar

import (
	"errors"
	"strings"
	"testing"
)

func TestGBNF(t *testing.T) {
	f := func(text string, yes, no []string) {
		t.Helper()
		g, err := ParseGBNF(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			return
		}
		for _, s := range yes {
			if !matches(t, g, s) {
				t.Errorf("%q refuses %q", text, s)
			}
		}
		for _, s := range no {
			if matches(t, g, s) {
				t.Errorf("%q takes %q", text, s)
			}
		}
	}
	f(`root ::= "yes" | "no"`, []string{"yes", "no"}, []string{"", "yesno"})
	f("root ::= [a-z]+ (\", \" [a-z]+)*\n", []string{"a", "ab, c, de"}, []string{"a,b", ", a"})
	f("# comment\nroot ::= item{2,3} # more\n\nitem ::= \"x\" |\n  \"y\"\n", []string{"xy", "yyy"}, []string{"x", "xxxx"})
	f("root ::= (\n \"a\"\n | \"b\" )\n", []string{"a", "b"}, []string{"ab"})
	f(`root ::= "\"\\\n\t\x41\u00e9\U0001F600" [\]\-\^] [^\n] .`, []string{"\"\\\n\tAé😀]x\n", "\"\\\n\tAé😀-日é"}, []string{"x"})
	f("root ::= expr\nexpr ::= term ((\"+\" | \"-\") term)*\nterm ::= num | \"(\" expr \")\"\nnum ::= [0-9]+", []string{"1+2", "(1-(2+33))", "((4))"}, []string{"1+", "(1", "1++2"})
	f("root ::= \"a\"{,2} \"b\"{2} \"c\"{1,}", []string{"bbc", "aabbccc"}, []string{"aaabbc", "abc", "bb"})
	f("root ::= ws \"x\" ws\nws ::= [ \\t]*", []string{"x", "  x "}, []string{"xx"})
	f("root ::= <think> [a-z]* </think>", []string{"<think>abc</think>"}, []string{"abc"})
	f("root ::= list\nlist ::= \"x\" list | \"\"", []string{"", "x", strings.Repeat("x", 3000)}, []string{"y"})
	f("root ::= long{1000}\nlong ::= \"ab\" | \"c\"", []string{strings.Repeat("abc", 500)}, []string{"ab", strings.Repeat("abc", 501)})
	f("root ::= maybe{2,50} \"!\"\nmaybe ::= \"a\"? \"b\"?", []string{"!", "ab!", "baab!"}, []string{"c!"})
	f("root ::= \"(\" root \")\" | \"\"", []string{"", "(())"}, []string{"(()", ")"})

	e := func(text, word string) {
		t.Helper()
		if _, err := ParseGBNF(text); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%q: error %v, want %q", shorten(text), err, word)
		}
	}
	e("", "no rule root")
	e("a ::= \"x\"", "no rule root")
	e("root ::= x", "no rule x")
	e("root ::= \"a\"\nroot ::= \"b\"", "twice")
	e("root = \"a\"", "::=")
	e("root ::= \"a", "no end")
	e("root ::= [a", "no end")
	e("root ::= [b-a]", "out of order")
	e("root ::= (\"a\"", "missing )")
	e("root ::= \"a\" )", "end of the rule")
	e("root ::= \"\\q\"", "escape")
	e("root ::= \"\\ud800\"", "hexadecimal")
	e("root ::= \"a\"{x}", "repetitions")
	e("root ::= \"a\"{3,2}", "repetitions")
	e("root ::= \"a\"{1000000000}", "repetitions")
	e("root ::= root \"a\" | \"b\"", "left recursion")
	e("root ::= a\na ::= b? a \"x\" | \"y\"\nb ::= \"b\"", "left recursion")
	e("root ::= \"a\" root", "nothing can satisfy")
	e("root ::= !<think>", "negated")
	e("root ::= <[12]>", "token")
	e("root ::= "+strings.Repeat("(", 1000), "deeper")
	e(strings.Repeat("x", maxGBNF+1), "too large")
	// Rules that double from one to the next.
	var b strings.Builder
	b.WriteString("root ::= r0\n")
	for i := range 200 {
		b.WriteString("r" + string(rune('a'+i/26)) + string(rune('a'+i%26)) + " ::= \"\"\n")
	}
	e(b.String(), "no rule r0")
}

// TestDoublingRules: rules that refer to the next one twice describe texts of
// astronomic length. They take no longer to compile than they are many; with
// too many readings of the same text they are refused.
func TestDoublingRules(t *testing.T) {
	doubling := func(levels int, times, last string) *Grammar {
		t.Helper()
		var b strings.Builder
		b.WriteString("root ::= ra{0,3}\n")
		for i := range levels {
			b.WriteString("r" + string(rune('a'+i)) + " ::= (r" + string(rune('b'+i)) + " r" + string(rune('b'+i)) + ")" + times + "\n")
		}
		b.WriteString("r" + string(rune('a'+levels)) + " ::= " + last + "\n")
		g, err := ParseGBNF(b.String())
		if err != nil {
			t.Fatal(err)
		}
		return g
	}
	if g := doubling(3, "{0,1000}", `"z"?`); !matches(t, g, "zzz") || matches(t, g, "a") {
		t.Error("the grammar is not what it says")
	}
	if g := doubling(20, "{1,1000}", `"z"`); !matches(t, g, "") || matches(t, g, "zzz") {
		t.Error("the grammar is not what it says")
	}
	if _, err := NewMatcher(doubling(24, "{0,1000}", `"z"?`), bare); !errors.Is(err, ErrTooComplex) {
		t.Errorf("error %v", err)
	}
}
