package grammar

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/holdfast-llm/holdfast/internal/golden"
)

func validator(t testing.TB, schema string) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schema))
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatalf("%s: %v", schema, err)
	}
	return s
}

func validate(t testing.TB, s *jsonschema.Schema, schema, text string) {
	t.Helper()
	var any any
	if err := json.Unmarshal([]byte(text), &any); err != nil {
		t.Fatalf("not JSON: %v\n%s\nschema %s", err, text, schema)
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(text))
	if err != nil {
		t.Fatalf("not JSON: %v\n%s", err, text)
	}
	if err := s.Validate(doc); err != nil {
		t.Fatalf("%v\n%s\nschema %s", err, text, schema)
	}
}

// proofCases is 300, or what HOLDFAST_GRAMMAR_CASES says.
func proofCases(t testing.TB) int {
	n := 300
	if s := os.Getenv("HOLDFAST_GRAMMAR_CASES"); s != "" {
		if _, err := fmt.Sscan(s, &n); err != nil {
			t.Fatal(err)
		}
	} else if testing.Short() {
		n = 50
	}
	return n
}

// proofVocabularies are those of the golden tree; the compact one has fewer.
func proofVocabularies(t testing.TB) []*Vocabulary {
	var out []*Vocabulary
	for _, name := range []string{"deepseek-v4", "deepseek-v3", "deepseek-r1-qwen", "llama-spm", "smollm"} {
		if _, err := os.Stat(filepath.Join(golden.Dir(t, "tokenizers"), name, "vocab.gguf.gz")); err == nil {
			out = append(out, goldenVocabulary(t, name))
		}
	}
	if len(out) == 0 {
		t.Skip("no vocabulary")
	}
	return out
}

// TestGoldenRandomGenerations draws answers at random under random schemas with
// real vocabularies; an outside validator must like all of them.
func TestGoldenRandomGenerations(t *testing.T) {
	t.Parallel()
	cases := proofCases(t)
	oracle := newOracle(t)
	skipped := 0
	all := proofVocabularies(t)
	for i := range cases {
		r := rand.New(rand.NewPCG(7, uint64(i)))
		s := randomShape(randDice{r}, 1+r.IntN(3))
		schema := rootOf(s)
		o := Options{Compact: r.IntN(2) == 0, AnyOrder: r.IntN(4) == 0, Open: r.IntN(3) == 0}
		g := compileRandom(t, schema, o)
		if g == nil {
			skipped++
			continue
		}
		v := all[i%len(all)]
		m, err := NewMatcher(g, v)
		if err != nil {
			t.Fatal(err)
		}
		text := generate(t, m, v, r, 8+r.IntN(32))
		validate(t, validator(t, schema), schema, text)
		oracle.check(schema, text)
	}
	oracle.close()
	if skipped > cases/10 {
		t.Errorf("%d of %d schemas cannot be satisfied", skipped, cases)
	}
}

// An oracle is the Python package jsonschema, where HOLDFAST_ORACLE_PYTHON
// names an interpreter that has it.
type oracle struct {
	t   *testing.T
	cmd *exec.Cmd
	in  *bufio.Writer
	end func() error
	out *bufio.Scanner
}

const oracleScript = `
import json, sys
from jsonschema import Draft202012Validator
for line in sys.stdin:
    schema, text = json.loads(line)
    try:
        errors = [e.message for e in Draft202012Validator(json.loads(schema)).iter_errors(json.loads(text))]
    except Exception as e:
        errors = [repr(e)]
    print(json.dumps(errors), flush=True)
`

func newOracle(t *testing.T) *oracle {
	python := os.Getenv("HOLDFAST_ORACLE_PYTHON")
	if python == "" {
		return &oracle{t: t}
	}
	cmd := exec.Command(python, "-c", oracleScript)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	sc := bufio.NewScanner(out)
	sc.Buffer(nil, 1<<20)
	return &oracle{t, cmd, bufio.NewWriter(in), in.Close, sc}
}

func (o *oracle) check(schema, text string) {
	if o.cmd == nil {
		return
	}
	o.t.Helper()
	line, err := json.Marshal([]string{schema, text})
	if err != nil {
		o.t.Fatal(err)
	}
	o.in.Write(append(line, '\n'))
	if err := o.in.Flush(); err != nil || !o.out.Scan() {
		o.t.Fatalf("the oracle is gone: %v", err)
	}
	if got := o.out.Text(); got != "[]" {
		o.t.Fatalf("jsonschema says %s\n%s\nschema %s", got, text, schema)
	}
}

func (o *oracle) close() {
	if o.cmd != nil {
		o.end()
		o.cmd.Wait()
	}
}

type rapidDice struct{ t *rapid.T }

func (r rapidDice) intn(n int) int { return rapid.IntRange(0, n-1).Draw(r.t, "choice") }

// TestValidDocumentsAreAccepted: what satisfies a random schema is in its
// grammar, spelt compactly, with indents, and in another order of properties.
func TestValidDocumentsAreAccepted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := randomShape(rapidDice{t}, 3)
		schema := rootOf(s)
		doc := s.doc(rapidDice{t})
		var indented strings.Builder
		var buf any
		if err := json.Unmarshal([]byte(doc), &buf); err != nil {
			t.Fatalf("%s: %v", doc, err)
		}
		if b, err := json.MarshalIndent(json.RawMessage(doc), "", "  "); err == nil {
			indented.Write(b)
		}
		for _, c := range []struct {
			o    Options
			text string
		}{
			{Options{Compact: true}, doc},
			{Options{Open: true}, doc},
			{Options{AnyOrder: true}, indented.String()},
		} {
			g, err := CompileSchema(json.RawMessage(schema), c.o)
			if err != nil {
				t.Fatalf("%s: %v", schema, err)
			}
			m, err := NewMatcher(g, bare)
			if err != nil {
				t.Fatal(err)
			}
			if err := m.AcceptBytes([]byte(c.text)); err != nil || !m.Done() {
				t.Fatalf("%+v refuses %s: %v\nschema %s", c.o, c.text, err, schema)
			}
		}
	})
}
