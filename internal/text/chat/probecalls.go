package chat

import "regexp"

// The ways to write a call that are known, around the probe's.
const (
	probedArgs = `\{\s*"` + probeKey + `":\s*"` + probeValue + `"\s*\}`
	probedCall = `\s*\{\s*"name":\s*"` + probeTool + `",\s*"(arguments|parameters)":\s*` + probedArgs + `\s*\}`
)

// probedForms are the forms by how the probe's call looks in them, the special
// ones first. A pattern's first group, if it has one, must be want.
var probedForms = []struct {
	form    string
	pattern *regexp.Regexp
	want    string
}{
	{CallsHermes, regexp.MustCompile(`<tool_call>` + probedCall + `\s*</tool_call>`), "arguments"},
	{CallsKimi, regexp.MustCompile(`<\|tool_calls_section_begin\|>\s*<\|tool_call_begin\|>functions\.` + probeTool +
		`:[0-9]+<\|tool_call_argument_begin\|>\s*` + probedArgs + `\s*<\|tool_call_end\|>\s*<\|tool_calls_section_end\|>`), ""},
	{CallsQwenCoder, regexp.MustCompile(`<tool_call>\n<function=` + probeTool + `>\n<parameter=` + probeKey + `>\n` + probeValue +
		`\n</parameter>\n</function>\n</tool_call>`), ""},
	{CallsGLM, regexp.MustCompile(`<tool_call>` + probeTool + `\n?<arg_key>` + probeKey + `</arg_key>\n?<arg_value>` + probeValue +
		`</arg_value>\n?</tool_call>`), ""},
	{CallsMiniMax, regexp.MustCompile(`<minimax:tool_call>\s*<invoke name="` + probeTool + `">\s*<parameter name="` + probeKey + `">` + probeValue +
		`</parameter>\s*</invoke>\s*</minimax:tool_call>`), ""},
	{CallsMistralList, regexp.MustCompile(`\[TOOL_CALLS\]\s*\[` + `\s*\{\s*"name":\s*"` + probeTool + `",\s*"(arguments)":\s*` + probedArgs), "arguments"},
	{CallsMistralID, regexp.MustCompile(`\[TOOL_CALLS\]` + probeTool + `\[CALL_ID\][A-Za-z0-9]{9}\[ARGS\]` + probedArgs), ""},
	{CallsMistral, regexp.MustCompile(`\[TOOL_CALLS\]` + probeTool + `\[ARGS\]` + probedArgs), ""},
	{CallsLlama, regexp.MustCompile(`(?:^|[^\]},:;[])` + probedCall + `(?:[^\]},;]|$)`), "parameters"},
}

// callsIn returns how the probe's call is written in a prompt, or "".
func callsIn(out string) string {
	for _, f := range probedForms {
		m := f.pattern.FindStringSubmatch(out)
		if m != nil && (f.want == "" || m[1] == f.want) {
			return f.form
		}
	}
	return ""
}
