package security_test

import (
	"strings"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/text/jinja"
)

// A chat template is code that comes with a model file. Where it ran in Python
// without a sandbox, or in one that leaked, it could run anything. Here there is
// nothing to reach: values have no attributes of the host language.
func TestTemplatesReachNothing(t *testing.T) {
	for _, source := range []string{
		`{{ ''.__class__.__mro__[1].__subclasses__() }}`,
		`{{ cycler.__init__.__globals__.os.popen('id').read() }}`,
		`{{ lipsum.__globals__['os'].popen('id').read() }}`,
		`{{ self.__init__.__globals__.__builtins__.__import__('os').system('id') }}`,
		`{{ self._TemplateReference__context.cycler.__init__.__globals__.os }}`,
		`{{ request.application.__globals__ }}`,
		`{{ joiner.__init__.__globals__ }}`,
		`{{ namespace.__init__.__globals__ }}`,
		`{{ messages.__class__.__base__ }}`,
		`{{ (messages | attr('__class__')).__mro__ }}`,
		`{{ '%s' | format(messages.__init__.__globals__) }}`,
		`{{ '{0.__class__.__mro__}'.format(1) }}`,
		`{% for c in [].__class__.__base__.__subclasses__() %}{{ c }}{% endfor %}`,
		`{{ raise_exception.__globals__ }}`,
		`{{ range.__self__ }}`,
		`{% include '/etc/passwd' %}`,
		`{% import '/etc/passwd' as x %}{{ x }}`,
		`{% extends '/etc/passwd' %}`,
	} {
		tmpl, err := jinja.Parse("template", source)
		if err != nil {
			continue // refused
		}
		ctx := jinja.NewDict()
		ctx.Set("messages", mustJSON(t, `[{"role":"user","content":"x"}]`))
		segments, err := tmpl.Render(ctx, jinja.Options{})
		var text strings.Builder
		for _, s := range segments {
			text.WriteString(s.Text)
		}
		for _, leak := range []string{"class", "root:", "uid=", "function", "module", "0x"} {
			if err == nil && strings.Contains(text.String(), leak) {
				t.Errorf("%s gave %.100q", source, text.String())
			}
		}
	}
}

func mustJSON(t *testing.T, data string) jinja.Value {
	t.Helper()
	v, err := jinja.FromJSON([]byte(data))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A template that never ends, or that makes text without end, is stopped.
func TestTemplatesEnd(t *testing.T) {
	for _, source := range []string{
		`{% for a in range(99999) %}{% for b in range(99999) %}x{% endfor %}{% endfor %}`,
		`{{ 'x' * 10**10 }}`,
		`{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}`,
		`{% set ns = namespace(s='x') %}{% for i in range(64) %}{% set ns.s = ns.s + ns.s %}{% endfor %}{{ ns.s }}`,
	} {
		tmpl, err := jinja.Parse("template", source)
		if err != nil {
			continue
		}
		start := time.Now()
		if _, err := tmpl.Render(jinja.NewDict(), jinja.Options{}); jinja.KindOf(err) != jinja.KindLimit {
			t.Errorf("%s: %v, want a limit", source, err)
		}
		if d := time.Since(start); d > 2*time.Minute {
			t.Errorf("%s took %v", source, d)
		}
	}
}
