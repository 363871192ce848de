package cli

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/app"
	"github.com/holdfast-llm/holdfast/internal/golden"
	"github.com/holdfast-llm/holdfast/internal/platform/config"
)

// The man pages and completions in the repository are those of the commands.
func TestDocsAreFresh(t *testing.T) {
	dir := t.TempDir()
	if err := WriteDocs(dir); err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(golden.ModuleRoot(t), "man")
	for _, pattern := range []string{"*.1", "completions/*"} {
		files, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(files) == 0 {
			t.Fatalf("no %s were written: %v", pattern, err)
		}
		for _, f := range files {
			rel, _ := filepath.Rel(dir, f)
			want, _ := os.ReadFile(f)
			got, err := os.ReadFile(filepath.Join(kept, rel))
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("man/%s is stale (%v): run bash .ci/generate", rel, err)
			}
		}
	}
}

func TestTally(t *testing.T) {
	var y tally
	for _, v := range []float64{1, 2, 3, 4} {
		y.add(v)
	}
	ppl, stderr, mean := y.result()
	// Mean 2.5; the variance of the mean is that of the values, 1.25, over n-1.
	if want := math.Exp(2.5); mean != 2.5 || math.Abs(ppl-want) > 1e-12 || math.Abs(stderr-want*math.Sqrt(1.25/3)) > 1e-12 {
		t.Errorf("perplexity %v +/- %v, mean %v", ppl, stderr, mean)
	}
}

func TestLogSumExp(t *testing.T) {
	for _, c := range []struct {
		row  []float32
		want float64
	}{{[]float32{0, 0}, math.Ln2}, {[]float32{1000, 1000}, 1000 + math.Ln2}, {[]float32{-1000}, -1000}} {
		if got := logSumExp(c.row); math.Abs(got-c.want) > 1e-9 {
			t.Errorf("logSumExp(%v) = %v, want %v", c.row, got, c.want)
		}
	}
}

// Small versions of every shape load and run with every quantization: the files
// that bench builds have what the architectures want.
func TestShapesRun(t *testing.T) {
	for _, s := range shapes {
		small(&s)
		for quantName := range mixtures {
			w, err := s.writer(quantName)
			if err != nil {
				t.Fatal(err)
			}
			f, remove, err := openShape(s.name, w)
			defer remove()
			if err != nil {
				t.Fatal(err)
			}
			r, err := app.NewRaw(f, app.RawOptions{Threads: 2, Context: 16, Seqs: 2})
			if err != nil {
				t.Errorf("%s in %s: %v", s.name, quantName, err)
				continue
			}
			r.Touch()
			r.Jump(0, 8)
			row, err := r.Forward(app.Row{Pos: 8, Tokens: []int32{1, 2, 3}, Logits: 1}, app.Row{Seq: 1, Tokens: []int32{4}, Logits: 1})
			if err != nil || len(row) != 2*256 || math.IsNaN(float64(row[0])) || math.IsInf(float64(row[0]), 0) {
				t.Errorf("%s in %s: %d logits, first %v, error %v", s.name, quantName, len(row), row[:1], err)
			}
			if err := r.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}

// small cuts a shape down to what a test can run.
func small(s *shape) {
	s.embd, s.heads, s.kv, s.vocab = 512, 4, min(s.kv, 2), 256
	if s.csa.dim > 0 {
		s.csa.dim, s.csa.qLora, s.csa.groups, s.csa.oLora, s.csa.window = 128, 64, 2, 64, 16
	} else {
		s.layers, s.ff = 2, 512
	}
	if s.moe.experts > 0 {
		s.moe.experts, s.moe.used, s.moe.ff, s.moe.groupsUsed = 8, 2, 256, 4
	}
	if s.index.heads > 0 {
		s.index.heads, s.index.topK = 4, 4
	}
}

func TestWorkload(t *testing.T) {
	s := shapes[0]
	small(&s)
	file, err := s.writer("q8_0")
	if err != nil {
		t.Fatal(err)
	}
	f, remove, err := openShape(s.name, file)
	defer remove()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	w, err := newWorkload(f, "f16")
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(2 * 2 * (128 + 128) * 2); w.context(1) != want { // layers, heads, dims, bytes
		t.Errorf("a token of cache takes %d bytes, want %d", w.context(1), want)
	}
	embd, _ := f.Tensor("token_embd.weight")
	all := 0.0
	for _, x := range f.Tensors() {
		all += float64(x.Size)
	}
	if got, want := w.bytes(1, 1, 10), all-float64(embd.Size)+float64(w.context(10)); got != want {
		t.Errorf("a step reads %v bytes, want %v: everything but the embedding, and the cache", got, want)
	}
	moe := &workload{experts: 8, used: 2}
	if got := moe.share("blk.0.ffn_up_exps.weight", 1); math.Abs(got-0.25) > 1e-12 {
		t.Errorf("one row uses %v of the experts, want a quarter", got)
	}
}

func TestBytesAndCounts(t *testing.T) {
	for n, want := range map[int64]string{0: "0 B", 1023: "1023 B", 1024: "1.0 KiB", 150 << 20: "150 MiB", 5 << 30: "5.0 GiB", 3 << 50: "3.0 PiB"} {
		if got := bytesText(n); got != want {
			t.Errorf("bytesText(%d) = %q, want %q", n, got, want)
		}
	}
	for n, want := range map[int64]string{999: "999", 12345: "12.3 k", 134515008: "134.5 M", 7615616512: "7.6 B"} {
		if got := countText(n); got != want {
			t.Errorf("countText(%d) = %q, want %q", n, got, want)
		}
	}
}

// The plain chat: commands, several lines, and the end of input.
func TestChatByLines(t *testing.T) {
	path := filepath.Join(golden.ModuleRoot(t), "test/vectors/goldens/models/llama-tied/model.gguf")
	var out, errs bytes.Buffer
	a := app.New(app.IO{In: strings.NewReader("/set temperature 0\nHello \\\nthere\n\"\"\"one\ntwo\"\"\"\n/nonsense\n/stats\n"), Out: &out, Err: &errs}, &config.Config{}, nil)
	o := &runOptions{maxTokens: 4}
	m, err := a.Open(path, app.Plan{Context: 512})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	s, err := m.NewSession(o.session()...)
	if err != nil {
		t.Fatal(err)
	}
	a.Config.Terminal.Term = "dumb"
	if err := converse(t.Context(), a, o, path, m, s); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"temperature is 0.", "... ", "there is no command /nonsense", "questions    2", "answer       4 tokens"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, out.String())
		}
	}
	h := s.History()
	if len(h) != 4 || h[0].Content != "Hello \nthere" || h[2].Content != "one\ntwo" {
		t.Errorf("history is %+v", h)
	}
}

// TestDivergence: two tokens, of which the second model gives the first 1/4 where
// the first model gives it 1/2.
func TestDivergence(t *testing.T) {
	var d divergence
	want, got := []float32{1, 1}, []float32{0, float32(math.Log(3))}
	d.add(want, got, 0)
	d.add(want, want, 1)
	r := d.result()
	kl := math.Log(2)/2 - math.Log(1.5)/2 // 1/2 log(1/2 : 1/4) + 1/2 log(1/2 : 3/4)
	if math.Abs(r.KL-kl/2) > 1e-7 || math.Abs(r.Nll-math.Ln2/2) > 1e-7 || math.Abs(r.Perplexity-2) > 1e-12 || r.Same != 0.5 {
		t.Errorf("%+v, expected a divergence of %v", *r, kl/2)
	}
}
