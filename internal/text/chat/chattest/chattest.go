// Package chattest has small chat templates for tests: one for each way to write
// calls of tools.
package chattest

// begin shows the tools and the beginning of a turn, in which a call follows.
const (
	begin = `{{ tools | tojson }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% for c in m.tool_calls %}{% set f = c.function %}`
	end   = `{% endfor %}{% endfor %}<assistant>`
	pairs = `{% for k, v in f.arguments | items %}`
	text  = `{{ v if v is string else v | tojson }}`
	args  = `{{ f.arguments | tojson }}`
)

// Templates are the templates by the names of the forms.
var Templates = map[string]string{
	"hermes": begin + "<tool_call>\n" + `{"name": "{{ f.name }}", "arguments": ` + args + "}\n</tool_call>" + end,
	"llama3": begin + `{"name": "{{ f.name }}", "parameters": ` + args + `}` + end,
	"kimi-k2": begin + `{% if loop.first %}<|tool_calls_section_begin|>{% endif %}<|tool_call_begin|>functions.{{ f.name }}:{{ loop.index0 }}<|tool_call_argument_begin|>` +
		args + `<|tool_call_end|>{% if loop.last %}<|tool_calls_section_end|>{% endif %}` + end,
	"qwen3-coder": begin + "<tool_call>\n<function={{ f.name }}>\n" + pairs + "<parameter={{ k }}>\n" + text + "\n</parameter>\n{% endfor %}</function>\n</tool_call>" + end,
	"glm-4.5":     begin + "<tool_call>{{ f.name }}\n" + pairs + "<arg_key>{{ k }}</arg_key>\n<arg_value>" + text + "</arg_value>\n{% endfor %}</tool_call>" + end,
	"minimax-m2": begin + "{% if loop.first %}<minimax:tool_call>\n{% endif %}" + `<invoke name="{{ f.name }}">` + "\n" + pairs +
		`<parameter name="{{ k }}">` + text + "</parameter>\n{% endfor %}</invoke>\n{% if loop.last %}</minimax:tool_call>{% endif %}" + end,
	"mistral-v3":  begin + `{% if loop.first %}[TOOL_CALLS][{% endif %}{"name": "{{ f.name }}", "arguments": ` + args + `, "id": "{{ c.id }}"}{{ "]" if loop.last else ", " }}` + end,
	"mistral-v11": begin + "[TOOL_CALLS]{{ f.name }}[CALL_ID]{{ c.id }}[ARGS]" + args + end,
	"mistral-v13": begin + "[TOOL_CALLS]{{ f.name }}[ARGS]" + args + end,
}
