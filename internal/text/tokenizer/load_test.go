package tokenizer

import (
	"slices"
	"strings"
	"testing"
)

func TestErrors(t *testing.T) {
	f := func(change func(v *vocabulary), want ...string) {
		t.Helper()
		v := toyVocabulary("deepseek-v3")
		change(v)
		_, err := newTokenizer(v)
		if err == nil {
			t.Errorf("no error, want %q", want)
			return
		}
		for _, w := range want {
			if !strings.Contains(err.Error(), w) {
				t.Errorf("error %q says nothing of %q", err, w)
			}
		}
	}
	f(func(v *vocabulary) { v.pre = "no-such" }, `"no-such"`, "deepseek-v3", "llama-bpe", "qwen2")
	f(func(v *vocabulary) { v.model = "bert" }, `"bert"`, "gpt2", "llama")
	f(func(v *vocabulary) { v.tokens = nil }, "tokenizer.ggml.tokens")
	f(func(v *vocabulary) { v.types = v.types[1:] }, "tokenizer.ggml.token_type")
	f(func(v *vocabulary) { v.merges = nil }, "tokenizer.ggml.merges")
	f(func(v *vocabulary) { v.model = "llama" }, "tokenizer.ggml.scores")
}

func TestWarnings(t *testing.T) {
	f := func(want string, change func(v *vocabulary)) {
		t.Helper()
		got := strings.Join(toy(t, "gpt-2", change).Warnings(), "\n")
		if (want == "") != (got == "") || !strings.Contains(got, want) {
			t.Errorf("warnings %q, want %q", got, want)
		}
	}
	f("", nil)
	f("tokenizer.ggml.pre", func(v *vocabulary) { v.pre = "" })
	f("tokenizer.ggml.eos_token_id is 99999", func(v *vocabulary) { v.ids["eos"] = 99999 })
}

func TestRoles(t *testing.T) {
	tok := toy(t, "deepseek-v3", nil)
	id := func(text string) int32 { id, _ := tok.Lookup(text); return id }
	if bos, ok := tok.BOS(); !ok || bos != id("<｜begin▁of▁sentence｜>") {
		t.Errorf("BOS = %d, %v", bos, ok)
	}
	want := []int32{id("<｜end▁of▁sentence｜>"), id("<|EOT|>")}
	if got := tok.EOG(); !slices.Equal(got, want) || !tok.IsEOG(want[0]) || !tok.IsEOG(want[1]) || tok.IsEOG(0) {
		t.Errorf("EOG = %v, want %v", got, want)
	}
	f := func(pre, suf, mid int32, change func(v *vocabulary)) {
		t.Helper()
		p, s, m, ok := toy(t, "deepseek-v3", change).FIM()
		if !ok || p != pre || s != suf || m != mid {
			t.Errorf("FIM = %d %d %d %v, want %d %d %d", p, s, m, ok, pre, suf, mid)
		}
	}
	f(id("<|fim_prefix|>"), id("<|fim_suffix|>"), id("<|fim_middle|>"), nil)
	f(1, 2, 3, func(v *vocabulary) { v.ids["fim_pre"], v.ids["fim_suf"], v.ids["fim_mid"] = 1, 2, 3 })
	f(4, 5, 6, func(v *vocabulary) { v.ids["prefix"], v.ids["suffix"], v.ids["middle"] = 4, 5, 6 })
	f(1, 5, id("<|fim_middle|>"), func(v *vocabulary) { v.ids["fim_pre"], v.ids["prefix"], v.ids["suffix"] = 1, 4, 5 })
}

func TestAddBOS(t *testing.T) {
	f := func(tok *Tokenizer, want bool) {
		t.Helper()
		if tok.AddBOS() != want {
			t.Errorf("%s %s: AddBOS = %v", tok.Model(), tok.Pre(), tok.AddBOS())
		}
	}
	yes, no := true, false
	f(toy(t, "deepseek-v3", nil), false)
	f(toy(t, "llama-bpe", nil), true)
	f(toy(t, "llama-bpe", func(v *vocabulary) { v.addBOS = &no }), false)
	f(toy(t, "qwen2", func(v *vocabulary) { v.addBOS = &yes }), true)
	f(toySPM(t, nil), true)
}

func TestValid(t *testing.T) {
	f := func(in, want string) {
		t.Helper()
		if got := Valid(in); got != want {
			t.Errorf("Valid(%x) = %q, want %q", in, got, want)
		}
	}
	const bad = "\uFFFD"
	f("", "")
	f("é中🚀", "é中🚀")
	f("\xe4\xbdA", bad+"A")
	f("\xf0\x9f\x9a", bad)
	f("\xc0\xaf", bad+bad)
	f("\xed\xa0\x80", bad+bad+bad)
	f("\xf4\x90\x80\x80", bad+bad+bad+bad)
	f("\xf1\x80\x80\xe1\x80\xc2b", bad+bad+bad+"b")
}
