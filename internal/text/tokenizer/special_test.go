package tokenizer

import (
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestMatcherEqualsItsDefinition(t *testing.T) {
	text := rapid.StringMatching(`[ab<é]{1,4}`)
	rapid.Check(t, func(rt *rapid.T) {
		texts := rapid.SliceOfN(text, 0, 8).Draw(rt, "texts")
		ids := make([]int32, len(texts))
		byText := make(map[string]bool)
		for i, s := range texts {
			ids[i] = int32(i)
			byText[s] = true
		}
		m := newMatcher(append([]string(nil), texts...), append([]int32(nil), ids...))
		s := rapid.StringMatching(`[ab<éx]{0,12}`).Draw(rt, "text")
		start, n, id := m.find(s)

		wantStart, want := len(s), ""
		for i := 0; i < len(s) && want == ""; i++ {
			for special := range byText {
				if strings.HasPrefix(s[i:], special) && len(special) > len(want) {
					wantStart, want = i, special
				}
			}
		}
		if start != wantStart || n != len(want) || (id == noID) != (want == "") || id != noID && texts[id] != want {
			rt.Fatalf("find(%q) in %q = %d, %d, %d; want %d, %q", s, texts, start, n, id, wantStart, want)
		}
	})
}

func TestFillers(t *testing.T) {
	f := func(text string, want bool) {
		t.Helper()
		if isFiller(text) != want {
			t.Errorf("isFiller(%q) = %v", text, !want)
		}
	}
	f("[PAD151936]", true)
	f("[PAD0]", true)
	f("[PAD]", false)
	f("[PAD1x]", false)
	f("[PAD1", false)
	f("<pad>", false)
}
