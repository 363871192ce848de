package tokenizer

import (
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// mergePlainly is the definition: search the whole word for the pair to join,
// join it, begin again.
func mergePlainly(x *pairIndex, w []int32) []int32 {
	w = slices.Clone(w)
	for {
		best, at := merge{noRank, noID}, -1
		for i := 0; i+1 < len(w); i++ {
			if m := x.find(w[i], w[i+1]); m.rank < best.rank {
				best, at = m, i
			}
		}
		if at < 0 {
			return w
		}
		w = slices.Replace(w, at, at+2, best.id)
	}
}

func TestMergeEqualsItsDefinition(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		// Few ids and few ranks, so that pairs overlap and ranks are equal.
		id := rapid.Int32Range(0, 5)
		x := newPairIndex(8)
		for range rapid.IntRange(0, 12).Draw(rt, "merges") {
			x.add(id.Draw(rt, "left"), id.Draw(rt, "right"), merge{rapid.Int32Range(0, 6).Draw(rt, "rank"), id.Draw(rt, "id")})
		}
		w := rapid.SliceOfN(id, 1, 100).Draw(rt, "word")
		want := mergePlainly(x, w)
		if got := x.mergeLong(slices.Clone(w), &longWord{}); !slices.Equal(got, want) {
			rt.Fatalf("mergeLong(%v) = %v, want %v", w, got, want)
		}
		if got := x.mergeWord(slices.Clone(w), &longWord{}); !slices.Equal(got, want) {
			rt.Fatalf("mergeWord(%v) = %v, want %v", w, got, want)
		}
	})
}

// A megabyte that the splitter cannot cut must not take quadratic time: that
// would be hours.
func TestLongWords(t *testing.T) {
	tok := toy(t, "deepseek-v3", nil)
	for _, text := range []string{
		strings.Repeat("QUJDabcdZmFiY2Rl", 1<<16),
		strings.Repeat("中文的", 1<<17),
		strings.Repeat(" ", 1<<20),
		strings.Repeat("ab", 1<<19),
	} {
		start := time.Now()
		ids := tok.Encode(nil, Span{Text: text})
		if took := time.Since(start); took > 2*time.Minute {
			t.Errorf("%.8q...: %v", text, took)
		}
		if got := tok.Decode(ids, true); got != text {
			t.Errorf("%.8q...: decoded text differs", text)
		}
	}
}

func TestTextIndex(t *testing.T) {
	texts := []string{"a", "bc", "a", "", "中"}
	x := newTextIndex(texts)
	for id := range texts {
		x.add(int32(id))
	}
	f := func(s string, want int32) {
		t.Helper()
		if got := x.find(s); got != want {
			t.Errorf("find(%q) = %d, want %d", s, got, want)
		}
	}
	f("a", 0)
	f("bc", 1)
	f("", 3)
	f("中", 4)
	f("b", noID)
}
