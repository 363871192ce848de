package tokenizer

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// A rule is what a pre-tokenizer name stands for.
type rule struct {
	split  func() splitter
	nfc    bool // the publisher normalizes text to NFC first
	whole  bool // a fragment that is a token is not merged (ignore_merges)
	addBOS bool // what tokenizer.ggml.add_bos_token means when it is missing
	// shown tells which CONTROL tokens the publisher does not count as special,
	// see skip.go.
	shown func(text string) bool
}

var (
	ruleLLM     = &rule{split: sync.OnceValue(splitLLM)}
	ruleCoder   = &rule{split: sync.OnceValue(splitCoder), shown: shownCoder}
	ruleV3      = &rule{split: sync.OnceValue(splitV3), shown: shownV3}
	ruleV4      = &rule{split: ruleV3.split, shown: shownV4}
	ruleLlama3  = &rule{split: sync.OnceValue(func() splitter { return splitLlama3(3) }), whole: true, addBOS: true}
	ruleQwen2   = &rule{split: sync.OnceValue(func() splitter { return splitLlama3(1) }), nfc: true, shown: shownQwen}
	ruleSmol    = &rule{split: sync.OnceValue(splitSmol)}
	ruleGPT2    = &rule{split: sync.OnceValue(splitGPT2)}
	ruleKimi    = &rule{split: sync.OnceValue(splitKimi), whole: true}
	ruleTekken  = &rule{split: sync.OnceValue(splitTekken), whole: true, addBOS: true}
	ruleGLM4    = &rule{split: ruleLlama3.split}
	ruleDefault = &rule{split: sync.OnceValue(splitDefault)}
)

// rules maps the values of tokenizer.ggml.pre. The names beyond the DeepSeek,
// Llama, Qwen and SmolLM vocabularies are those whose published expressions are
// exactly one of these rules.
var rules = map[string]*rule{
	"deepseek-llm":     ruleLLM,
	"deepseek-coder":   ruleCoder,
	"deepseek-v3":      ruleV3,
	"hunyuan-dense":    ruleV3,
	"joyai-llm":        ruleV4,
	"llama3":           ruleLlama3,
	"llama-v3":         ruleLlama3,
	"llama-bpe":        ruleLlama3,
	"qwen2":            ruleQwen2,
	"deepseek-r1-qwen": ruleQwen2,
	"smollm":           ruleSmol,
	"starcoder":        ruleSmol,
	"refact":           ruleSmol,
	"codeshell":        ruleSmol,
	"gpt-2":            ruleGPT2,
	"gpt2":             ruleGPT2,
	"phi-2":            ruleGPT2,
	"kimi-k2":          ruleKimi,
	"tekken":           ruleTekken,
	"glm4":             ruleGLM4,
	"chatglm-bpe":      ruleGLM4,
	"default":          ruleDefault,
}

// PreTokenizers lists the values of tokenizer.ggml.pre that are understood.
func PreTokenizers() []string {
	return slices.Sorted(maps.Keys(rules))
}

// ruleFor returns the rule of a name. A missing name gets the default rule.
func ruleFor(pre string) (*rule, error) {
	if pre == "" {
		return ruleDefault, nil
	}
	r, ok := rules[pre]
	if !ok {
		return nil, fmt.Errorf("tokenizer: pre-tokenizer %q is not supported; supported are %s",
			pre, strings.Join(PreTokenizers(), ", "))
	}
	return r, nil
}
