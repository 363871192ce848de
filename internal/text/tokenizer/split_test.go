package tokenizer

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/dlclark/regexp2/v2"
	"pgregory.net/rapid"
)

// The published expressions, written for an engine with look-ahead.
const (
	reGPT2  = `'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+`
	reLlama = `'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,%d}` +
		`| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	reContraction = `(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])?`
	reKimiUpper   = `[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}-[\p{Han}]]` // the published text writes &&[^\p{Han}]
	reKimiLower   = `[\p{Ll}\p{Lm}\p{Lo}\p{M}-[\p{Han}]]`
	reKimi        = `[\p{Han}]+|[^\r\n\p{L}\p{N}]?` + reKimiUpper + `*` + reKimiLower + `+` + reContraction +
		`|[^\r\n\p{L}\p{N}]?` + reKimiUpper + `+` + reKimiLower + `*` + reContraction + `|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	reTekken = `[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*` +
		`|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+`
	reCJK = `[一-龥ࠀ-一가-퟿]+`
)

func expressions() map[string][]string {
	var letters strings.Builder
	for i := 0; i < len(llmLetters); i += 2 {
		fmt.Fprintf(&letters, "%c-%c", llmLetters[i], llmLetters[i+1])
	}
	return map[string][]string{
		"deepseek-llm": {
			`[\r\n]`, `\s?[` + letters.String() + `]+`, "\\s?[!-/:-~！-／：-～‘-‟\u3000-。]+", `\s+$`, reCJK, `\p{N}+`,
		},
		"deepseek-coder": {`[\r\n]`, `\s?\p{L}+`, `\s?\p{P}+`, reCJK, `\p{N}`},
		"deepseek-v3": {
			`\p{N}{1,3}`, "[一-龥\u3040-ゟ゠-ヿ]+",
			"[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+" +
				`|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+`,
		},
		"llama-bpe": {fmt.Sprintf(reLlama, 3)},
		"qwen2":     {fmt.Sprintf(reLlama, 1)},
		"glm4":      {fmt.Sprintf(reLlama, 3)},
		"kimi-k2":   {reKimi},
		"tekken":    {reTekken},
		"gpt-2":     {reGPT2},
		"smollm":    {`\p{N}`, reGPT2},
		"default":   {`[\p{P}\$\+<=>\^~\|]+`, reGPT2, `\p{N}+`, `[0-9][0-9][0-9]`},
	}
}

// reference runs the expressions of a rule one after the other.
func reference(t testing.TB, res []*regexp2.Regexp, s string) []string {
	t.Helper()
	frags := []string{s}
	for _, re := range res {
		var next []string
		for _, f := range frags {
			next = append(next, isolate(t, re, f)...)
		}
		frags = next
	}
	return frags
}

// isolate cuts s into the matches and what lies between them.
func isolate(t testing.TB, re *regexp2.Regexp, s string) (out []string) {
	t.Helper()
	runes := []rune(s)
	from := 0
	m, err := re.FindRunesMatch(runes)
	for ; m != nil && err == nil; m, err = re.FindNextMatch(m) {
		if m.RuneLength == 0 {
			continue
		}
		if m.RuneIndex > from {
			out = append(out, string(runes[from:m.RuneIndex]))
		}
		from = m.RuneIndex + m.RuneLength
		out = append(out, string(runes[m.RuneIndex:from]))
	}
	if err != nil {
		t.Fatal(err)
	}
	if from < len(runes) {
		out = append(out, string(runes[from:]))
	}
	return out
}

// fragments cuts s at the ends that a splitter gives.
func fragments(ends []int, s string) (out []string) {
	from := 0
	for _, to := range ends {
		out = append(out, s[from:to])
		from = to
	}
	return out
}

// unicodeText generates text in which every class, and every border of one that a
// rule knows, is frequent.
func unicodeText() *rapid.Generator[string] {
	few := []rune(" \u00a0\u3000\u2028\u2029\u200a\u200b\t\r\n\v'srtvemldSRTVEMLDſ0123456789²Ⅷ٣१aZzéßΩжñ中一龥龦ࠀ\u07ff\u3040\u3097\u309b" +
		"ǅǈʰºªΣΣ々〇⺀〡ㇰ/ABC\u3040\u309f\u30a0\u30ff\u3099・가퟿!\"#$%()*+,-./:;<=>?@[]^_`{|}~！～‘‟。、\u0301\u0e31\u0000\u0007\u007f\ufeff\U0001F680\U00010400ᏽᏸ")
	r := rapid.OneOf(
		rapid.SampledFrom(few),
		rapid.SampledFrom([]rune(" \n  ab1中.")),
		rapid.SampledFrom([]rune("中\u3040\u3097\u309b・あ1a\x00 ")),
		rapid.Rune(),
	)
	return rapid.Custom(func(t *rapid.T) string {
		return string(rapid.SliceOfN(r, 0, 60).Draw(t, "runes"))
	})
}

func TestSplittersEqualTheirExpressions(t *testing.T) {
	for pre, list := range expressions() {
		t.Run(pre, func(t *testing.T) {
			var res []*regexp2.Regexp
			for _, e := range list {
				res = append(res, regexp2.MustCompile(e, regexp2.None))
			}
			split := rules[pre].split()
			rapid.Check(t, func(rt *rapid.T) {
				s := Valid(unicodeText().Draw(rt, "text"))
				want := reference(t, res, s)
				got := fragments(split(nil, s), s)
				if !slices.Equal(got, want) {
					rt.Fatalf("%q:\n got %q\nwant %q", s, got, want)
				}
			})
		})
	}
}

func TestClassesEqualUnicodeTables(t *testing.T) {
	// The pages are the only place where a code point could be put wrong, so each
	// is looked up through its UTF-8 bytes and compared with the flat table.
	c := newClasses(func(_ rune, cat uint8) uint8 { return cat })
	for r, want := range categories() {
		if r >= 0xD800 && r <= 0xDFFF {
			continue
		}
		s := string(rune(r))
		if got, n := c.at(s, 0); got != want || n != len(s) {
			t.Fatalf("%U: classes %08b, %d bytes; want %08b, %d", r, got, n, want, len(s))
		}
	}
}

func TestSplitters(t *testing.T) {
	f := func(pre, text string, want ...string) {
		t.Helper()
		if got := fragments(rules[pre].split()(nil, text), text); !slices.Equal(got, want) {
			t.Errorf("%s %q:\n got %q\nwant %q", pre, text, got, want)
		}
	}
	f("deepseek-v3", "")
	f("deepseek-v3", "1234567", "123", "456", "7")
	f("deepseek-v3", "a  b", "a", " ", " b")
	f("deepseek-v3", "a  1", "a", "  ", "1")
	f("deepseek-v3", "x \n\n  y", "x", " \n\n", " ", " y")
	f("deepseek-v3", "\x00\x01\x02a", "\x00\x01", "\x02a")
	f("deepseek-v3", "中\u3040\u3097あ・い", "中", "\u3040", "\u3097あ", "・", "い")
	f("deepseek-v3", "中\u3040\x00", "中", "\u3040", "\x00")
	f("deepseek-v3", "(foo) 漢字かな!\n", "(foo", ")", " ", "漢字かな", "!\n")
	// The range :-~ of the third expression holds the ASCII letters.
	f("deepseek-llm", "für 12 中文\n", "f", "ü", "r", " ", "12", " ", "中文", "\n")
	f("deepseek-coder", "a 12", "a", " ", "1", "2")
	f("llama-bpe", "I'LL go 12345", "I", "'LL", " go", " ", "123", "45")
	f("qwen2", "v12", "v", "1", "2")
	f("smollm", "don't  99", "don", "'t", "  ", "9", "9")
	f("kimi-k2", "中文English混合 Pascal", "中文", "English", "混合", " Pascal")
	f("kimi-k2", "I'm ChatGPT. CAN'T wait 'til 2026.世界", "I'm", " Chat", "GPT", ".", " CAN'T", " wait", " '", "til", " ", "202", "6", ".", "世界")
	f("kimi-k2", "“Hello,” 世界——", "“Hello", ",”", " ", "世界", "——")
	f("tekken", "don't stop 2024 HTTPServer a//b\n", "don", "'t", " stop", " ", "2", "0", "2", "4", " HTTPServer", " a", "//", "b", "\n")
	f("default", "a+b 1234", "a", "+", "b", " ", "123", "4")
}
