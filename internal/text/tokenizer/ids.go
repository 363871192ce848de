package tokenizer

import (
	"fmt"
	"slices"
)

// Tokens that end a turn, by their text. Files name one or two of them only. The
// ordinary token </s> of Qwen vocabularies must not be among them, so the
// spelling counts for added tokens only.
var endTexts = []string{
	"<｜end▁of▁sentence｜>", "<|EOT|>", "<|end_of_text|>", "<|endoftext|>", "<|eot_id|>", "<|eom_id|>",
	"<|im_end|>", "<|end|>", "<|return|>", "<|call|>", "<end_of_turn>", "<EOT>", "< EOT >", "_<EOT>",
	"[EOT]", "[EOS]", "<eos>", "</s>", "<end_of_utterance>",
	// What separates files in a fill-in-the-middle answer ends it too.
	"<|fim_pad|>", "<fim-pad>", "<fim_pad>", "<PAD>",
	"<|fim_repo|>", "<|repo_name|>", "<fim-repo>", "<REPO>", "<reponame>", "<|file_sep|>",
}

// Keys whose tokens end a turn.
var endKeys = []string{"eos", "eot", "eom", "fim_pad", "fim_rep", "fim_sep"}

// The fill-in-the-middle tokens: their key, the key's old name, and the texts
// that they are found by in files without either.
var fimNames = [3]struct {
	key, old string
	texts    []string
}{
	{"fim_pre", "prefix", []string{"<｜fim▁begin｜>", "<|fim_prefix|>", "<fim-prefix>", "<fim_prefix>", "<PRE>", "▁<PRE>"}},
	{"fim_suf", "suffix", []string{"<｜fim▁hole｜>", "<|fim_suffix|>", "<fim-suffix>", "<fim_suffix>", "<SUF>", "▁<SUF>"}},
	{"fim_mid", "middle", []string{"<｜fim▁end｜>", "<|fim_middle|>", "<fim-middle>", "<fim_middle>", "<MID>", "▁<MID>"}},
}

// EOG returns the ids that end a generation, in ascending order.
func (t *Tokenizer) EOG() []int32 { return slices.Clone(t.eog) }

// IsEOG reports whether id ends a generation.
func (t *Tokenizer) IsEOG(id int32) bool {
	_, ok := slices.BinarySearch(t.eog, id)
	return ok
}

// FIM returns the fill-in-the-middle tokens: in a prompt, pre stands before what
// comes before the gap, suf before what comes after it, and mid at the end, where
// the model goes on with the middle. ok is false if one is missing.
func (t *Tokenizer) FIM() (pre, suf, mid int32, ok bool) {
	f := t.fim
	return f[0], f[1], f[2], f[0] != noID && f[1] != noID && f[2] != noID
}

// setIDs finds the tokens with a role, by key or by text.
func (t *Tokenizer) setIDs(v *vocabulary) {
	t.addBOS, t.addEOS = t.rule.addBOS, v.addEOS
	if v.addBOS != nil {
		t.addBOS = *v.addBOS
	}
	byKey := func(name string) int32 {
		id, ok := v.ids[name]
		if !ok {
			return noID
		}
		if !t.known(id) {
			t.warnings = append(t.warnings, fmt.Sprintf(
				"tokenizer.ggml.%s_token_id is %d, but the vocabulary has %d tokens; it is ignored", name, id, t.Size()))
			return noID
		}
		return id
	}
	t.bos, t.eos = byKey("bos"), byKey("eos")
	for i, f := range fimNames {
		t.fim[i] = byKey(f.key)
		if t.fim[i] == noID {
			t.fim[i] = byKey(f.old)
		}
		for _, text := range f.texts {
			if t.fim[i] == noID {
				t.fim[i] = t.added(text)
			}
		}
	}
	for _, name := range endKeys {
		t.addEnd(byKey(name))
	}
	for _, text := range endTexts {
		t.addEnd(t.added(text))
	}
	slices.Sort(t.eog)
	t.eog = slices.Compact(t.eog)
}

func (t *Tokenizer) addEnd(id int32) {
	if id != noID {
		t.eog = append(t.eog, id)
	}
}

// added returns the special or user-defined token with this text, or noID.
func (t *Tokenizer) added(text string) int32 {
	if n, id := t.all.longest(text); n == len(text) {
		return id
	}
	return noID
}
