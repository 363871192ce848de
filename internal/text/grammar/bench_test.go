package grammar

import (
	"encoding/json"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/holdfast-llm/holdfast/internal/text/chat"
)

const weatherSchema = `{"type":"object","properties":{"city":{"type":"string","description":"where"},"days":{"type":"integer","minimum":1,"maximum":14},` +
	`"units":{"enum":["celsius","fahrenheit"]},"notes":{"type":"string","maxLength":200},"tags":{"type":"array","items":{"type":"string"},"maxItems":8},` +
	`"when":{"type":"string","format":"date-time"},"place":{"type":"object","properties":{"lat":{"type":"number","minimum":-90,"maximum":90},"lon":{"type":"number"}},"required":["lat","lon"]}},` +
	`"required":["city","days"],"additionalProperties":false}`

const weatherAnswer = `{"city": "Reykjavík, the capital of Iceland", "days": 12, "units": "celsius", "notes": "Bring a warm coat; it may be windy near the harbour, and the \"northern lights\" are best seen after ten in the evening.", ` +
	`"tags": ["north", "cold", "aurora"], "when": "2026-11-24T18:30:00Z", "place": {"lat": 64.1466, "lon": -21.9426}}`

type benchGrammar struct {
	name   string
	make   func() (*Grammar, error)
	answer string
}

var weatherTool = []chat.Tool{{Name: "get_weather", Parameters: json.RawMessage(weatherSchema)}}

func benchGrammars() []benchGrammar {
	return []benchGrammar{
		{"object", func() (*Grammar, error) { return JSONObject(), nil }, weatherAnswer},
		{"schema", func() (*Grammar, error) { return CompileSchema(json.RawMessage(weatherSchema), Options{}) }, weatherAnswer},
		{
			"dsml", func() (*Grammar, error) { return ToolCalls(StyleDSMLV4, weatherTool, ToolOptions{}) },
			"I will look that up for you, one moment please.\n\n<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"get_weather\">\n" +
				"<｜DSML｜parameter name=\"city\" string=\"true\">Reykjavík, the capital of Iceland</｜DSML｜parameter>\n" +
				"<｜DSML｜parameter name=\"days\" string=\"false\">12</｜DSML｜parameter>\n" +
				"<｜DSML｜parameter name=\"tags\" string=\"false\">[\"north\", \"cold\"]</｜DSML｜parameter>\n" +
				"</｜DSML｜invoke>\n</｜DSML｜tool_calls>",
		},
	}
}

// BenchmarkMask is the time of a mask and of taking a token, along a usual
// answer: cold is the first request with a grammar, shared the first tokens of
// another one, warm a matcher that was here before.
func BenchmarkMask(b *testing.B) {
	tok := goldenTokenizer(b, "deepseek-v4")
	v := NewVocabulary(tok)
	mask := make([]uint64, v.Words())
	for _, bg := range benchGrammars() {
		g, err := bg.make()
		if err != nil {
			b.Fatal(err)
		}
		ids := encodeTemplate(tok, bg.answer)
		var times []time.Duration
		run := func(m *Matcher) {
			for _, id := range ids {
				start := time.Now()
				if err := m.Mask(mask); err != nil {
					b.Fatal(err)
				}
				times = append(times, time.Since(start))
				if mask[id>>6]>>(id&63)&1 == 0 {
					b.Fatalf("%s: token %q is not allowed", bg.name, tok.Piece(id))
				}
				if err := m.Accept(id); err != nil {
					b.Fatal(err)
				}
			}
		}
		fresh := func(g *Grammar) *Matcher {
			m, err := NewMatcher(g, v)
			if err != nil {
				b.Fatal(err)
			}
			return m
		}
		perToken := func(b *testing.B) {
			slices.Sort(times)
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(ids)), "us/token")
			b.ReportMetric(float64(times[len(times)*99/100].Nanoseconds())/1000, "us-p99")
			times = times[:0]
		}
		b.Run(bg.name+"/cold", func(b *testing.B) {
			for b.Loop() {
				run(fresh(newGrammar(g.root)))
			}
			perToken(b)
		})
		b.Run(bg.name+"/shared", func(b *testing.B) {
			run(fresh(g))
			for b.Loop() {
				run(fresh(g))
			}
			perToken(b)
		})
		b.Run(bg.name+"/warm", func(b *testing.B) {
			m := fresh(g)
			run(m)
			b.ReportAllocs()
			start := m.history[0]
			for b.Loop() {
				m.now, m.history = start, m.history[:0]
				run(m)
			}
			perToken(b)
		})
	}
}

func BenchmarkCompile(b *testing.B) {
	for _, bg := range benchGrammars() {
		b.Run(bg.name, func(b *testing.B) {
			for b.Loop() {
				g, err := bg.make()
				if err != nil || g.Check() != nil {
					b.Fatal(err)
				}
			}
		})
	}
	b.Run("random", func(b *testing.B) {
		r := rand.New(rand.NewPCG(1, 2))
		for b.Loop() {
			compileRandom(b, rootOf(randomShape(randDice{r}, 3)), Options{})
		}
	})
}

func BenchmarkVocabulary(b *testing.B) {
	tok := goldenTokenizer(b, "deepseek-v4")
	for b.Loop() {
		NewVocabulary(tok)
	}
}
