package tokenizer

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/holdfast-llm/holdfast/internal/format/gguf"
	"github.com/holdfast-llm/holdfast/internal/golden"
)

// Sample texts, repeated with a counter so that they are not one cached word list
// over and over.
const (
	sampleProse = "The holdfast is the rootlike part of a kelp that anchors it to the rock; it takes nothing from the ground, " +
		"it only holds. In 1859, after eleven storms, \"the forest\" stood where it had stood -- and nobody's boat did.\n\n"
	sampleCode = "func (t *Team) Run(f func(w int)) {\n\tt.mu.Lock()\n\tdefer t.mu.Unlock()\n\tfor i := 0; i < len(t.work); i++ {\n" +
		"\t\tt.work[i].fn = f // every worker runs f(w) once\n\t}\n\tif x := t.epoch.Add(1); x%2 == 0 { return nil, fmt.Errorf(\"par: %d\", x) }\n}\n"
	sampleCJK = "海带的固着器不从岩石中吸取任何养分，它只是抓住岩石。二〇二六年，我们在海边观察了三个月；風が強い日には、" +
		"波が森のように揺れていました。「それでも倒れない」と彼は言った。한국의 바다에서도 같은 일이 일어났다.\n"
)

func mixed(size int) string {
	return strings.Repeat(sampleProse+sampleCode+sampleCJK, size/len(sampleProse+sampleCode+sampleCJK)+1)
}

func BenchmarkSplit(b *testing.B) {
	for _, text := range []struct{ name, s string }{{"prose", sampleProse}, {"code", sampleCode}, {"cjk", sampleCJK}} {
		s := strings.Repeat(text.s, 1<<18/len(text.s))
		for _, pre := range []string{"deepseek-v3", "deepseek-llm", "deepseek-coder", "llama-bpe", "smollm"} {
			b.Run(pre+"/"+text.name, func(b *testing.B) {
				split := rules[pre].split()
				var ends []int
				b.SetBytes(int64(len(s)))
				for b.Loop() {
					ends = split(ends[:0], s)
				}
			})
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	for _, dir := range vocabularies(b) {
		tok := openVocabulary(b, dir)
		text := mixed(1 << 18)
		b.Run(filepath.Base(dir)+"/cached", func(b *testing.B) {
			var ids []int32
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				ids = tok.Encode(ids[:0], Span{Text: text})
			}
		})
		// Every text is new: what the words cost when none is in the cache.
		b.Run(filepath.Base(dir)+"/cold", func(b *testing.B) {
			short := mixed(1)
			var ids []int32
			b.SetBytes(int64(len(short)))
			for b.Loop() {
				b.StopTimer()
				clear(tok.cache.slots)
				b.StartTimer()
				ids = tok.Encode(ids[:0], Span{Text: short})
			}
		})
	}
}

func BenchmarkEncodeLongWord(b *testing.B) {
	dir := golden.Dir(b, "tokenizers")
	tok := openVocabulary(b, filepath.Join(dir, "deepseek-v4"))
	for _, text := range []struct{ name, s string }{
		{"letters", strings.Repeat("QUJDabcdZmFiY2Rl", 1<<16)},
		{"cjk", strings.Repeat("固着器不从岩石中吸取任何养分", 1<<20/42)},
		{"spaces", strings.Repeat(" ", 1<<20)},
	} {
		b.Run(text.name, func(b *testing.B) {
			b.SetBytes(int64(len(text.s)))
			for b.Loop() {
				tok.Encode(nil, Span{Text: text.s})
			}
		})
	}
}

func BenchmarkStream(b *testing.B) {
	tok := toy(b, "deepseek-v3", nil)
	ids := tok.Encode(nil, Span{Text: mixed(1 << 12)})
	b.ReportAllocs()
	for b.Loop() {
		s := tok.NewStream(true)
		for _, id := range ids {
			s.Push(id)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	for _, dir := range vocabularies(b) {
		data := gunzip(b, filepath.Join(dir, "vocab.gguf.gz"))
		b.Run(filepath.Base(dir), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f, err := gguf.OpenBytes("vocab", data)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := FromGGUF(f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
