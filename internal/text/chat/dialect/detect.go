package dialect

import (
	"regexp"
	"strings"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

var (
	// reThinking finds V3.1's variable; enable_thinking is another one.
	reThinking = regexp.MustCompile(`\bthinking\b`)
	// reOpenThink finds a generation prompt that opens the reasoning, with a
	// newline as Jinja or as JSON writes it, or as it is.
	reOpenThink = regexp.MustCompile(`<think>(\\+n|\n)`)
	// reUserAssistant finds R1-0528's user turn, which holds the assistant's
	// token.
	reUserAssistant = regexp.MustCompile(`<｜User｜>['"]\s*[+~]\s*[^'"]+[+~]\s*['"]<｜Assistant｜>`)
	reLLMUser       = regexp.MustCompile(`['"]User: ['"]`)
	reLLMAssistant  = regexp.MustCompile(`['"]Assistant: ['"]`)
)

// Detect names the dialect of a model, or returns "". It goes by the model's
// template, which may have been edited by who made the file, and by the
// architecture where DeepSeek published no template.
func Detect(m chat.ModelInfo) string {
	t := m.Template
	has := func(s string) bool { return strings.Contains(t, s) }
	switch {
	case has("｜DSML｜ calls"):
		return "deepseek-v4.1"
	case has("DSML") && has("function_calls"):
		return "deepseek-v3.2"
	case has("DSML") && has("tool_calls"):
		if m.Arch == "deepseek41" {
			return "deepseek-v4.1"
		}
		if has("Beyond maximum") {
			return "deepseek-v4"
		}
		return "deepseek-v4-april"
	case has(tokAssistant) && has(tokThinkEnd) && reThinking.MatchString(t):
		return "deepseek-v3.1"
	case has(tokAssistant) && reOpenThink.MatchString(t):
		return "deepseek-r1"
	case reUserAssistant.MatchString(t) && has(tokThinkEnd):
		return "deepseek-r1-0528"
	case has(tokAssistant) && has(tokUser):
		return "deepseek-v3"
	case has("### Instruction:") && has(tokEOT):
		return "deepseek-coder"
	case reLLMUser.MatchString(t) && reLLMAssistant.MatchString(t) && has("eos_token") && ours(m):
		return "deepseek-llm"
	}
	if t == "" || has("<｜") {
		return byArch(m)
	}
	return ""
}

// byArch names the dialect of a model without a known template. V3.2, V4 and
// V4.1 were published with code in place of one.
func byArch(m chat.ModelInfo) string {
	switch m.Arch {
	case "deepseek32":
		return "deepseek-v3.2"
	case "deepseek4":
		return "deepseek-v4"
	case "deepseek41":
		return "deepseek-v4.1"
	}
	return ""
}

// ours reports whether nothing says that a model is of another family: its
// words "User" and "Assistant" are common.
func ours(m chat.ModelInfo) bool {
	if m.BOS != "" {
		return m.BOS == tokBegin
	}
	return m.HasToken == nil || m.HasToken(tokBegin)
}
