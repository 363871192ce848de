package tokenizer

import (
	"strings"
	"testing"

	"golang.org/x/text/unicode/norm"
	"pgregory.net/rapid"
)

func TestNFCExactEqualsNorm(t *testing.T) {
	// The runs of marks stay below what the norm package breaks.
	r := rapid.OneOf(
		rapid.SampledFrom([]rune("aeéậ\u0301\u0302\u0323\u0344\u0338\u05b4\u05bc\u0f71\u0f72\u1100\u1161\u11a8가각\u212b\u0958<>\u3099か")),
		rapid.Rune(),
	)
	rapid.Check(t, func(rt *rapid.T) {
		s := Valid(string(rapid.SliceOfN(r, 0, 12).Draw(rt, "runes")))
		want := norm.NFC.String(s)
		if got := nfcExact(s); got != want {
			rt.Fatalf("%+q: got %+q, want %+q", s, got, want)
		}
		if got := toNFC(s); got != want {
			rt.Fatalf("%+q: toNFC %+q, want %+q", s, got, want)
		}
	})
}

func TestNFCKeepsLongRunsWhole(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := toNFC(in); got != want {
			t.Errorf("%+q: got %+q, want %+q", in, got, want)
		}
	}
	acute := strings.Repeat("\u0301", 100)
	f("e"+acute, "é"+acute[2:])
	f(acute, acute)
	f("x"+acute+"\u0323", "x\u0323"+acute)
	f(strings.Repeat("\u0344", 40), strings.Repeat("\u0308\u0301", 40))
}
